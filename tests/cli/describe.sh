. "$LIB"
cp "$CORPUS/benign/simple_cnn.pt" cnn.pt
cp "$CORPUS/benign/whole_module.pt" whole.pt
cp "$CORPUS/benign/training_checkpoint.pt" training.pt
cp "$CASES/a01-exec.pt" bad.pt
body describe cnn.pt
body describe whole.pt
"$CKPTLINT" describe training.pt --emit-arch >arch.json 2>report.txt
echo "exit $?"
cat arch.json
code check training.pt --arch arch.json
code describe bad.pt
code describe
code describe cnn.pt whole.pt --emit-arch
code scan cnn.pt --emit-arch
