cp "$CORPUS/benign/simple_cnn.pt" .
"$CKPTLINT" simple_cnn.pt
