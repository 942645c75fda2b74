. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" a.pt
cp "$CORPUS/benign/simple_cnn.pt" cnn.pt
"$CKPTLINT" lock a.pt >a.lock.json 2>report.txt
echo "exit $?"
cat a.lock.json
body check a.pt --lock a.lock.json
body check cnn.pt --lock a.lock.json
code lock
code lock a.pt cnn.pt
code lock nosuch.pt
code check a.pt --lock nosuch.json
code check a.pt
