. "$LIB"
code - <"$CORPUS/benign/simple_linear.pt"
code - <"$CASES/demo-hostile.pt"
cat "$CASES/demo-hostile.pt" | code -
code - </dev/null
code --max-stdin 1000 - <"$CORPUS/benign/simple_linear.pt"
"$CKPTLINT" - <"$CORPUS/benign/simple_linear.pt" | head -1
