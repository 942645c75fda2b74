# A file that is replaced, cut or grown while it waits for its turn is told, or judged as it was: never half.
mkdir m
for i in 1 2 3 4 5 6 7 8; do cp "$CORPUS/benign/simple_cnn.pt" m/$i.pt; done
(
  i=0
  while [ $i -lt 40 ]; do
    i=$((i + 1))
    : >m/4.pt
    cp "$CORPUS/benign/simple_cnn.pt" m/4.pt
    rm -f m/8.pt
    cp "$CORPUS/benign/simple_cnn.pt" m/8.pt
  done
) &
for _ in 1 2 3 4 5 6 7 8 9 10; do
  "$CKPTLINT" --format ndjson m >report
  code=$?
  [ $code -le 2 ] || echo "exit $code"
  grep '"verdict":"clean"' report | grep -c '"complete":false' | grep -v '^0$'
  grep '"reason":"crashed"\|"reason":"protocol"' report
done
wait
