# What is no checkpoint, not whole or not there: a clear word and an exit code, at once.
. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" good.pt
: >empty.pt
head -c 700 good.pt >cut.pt
# One byte of a weight.
{ head -c 515 good.pt; printf '\377'; tail -c +517 good.pt; } >flipped.pt
mkdir folder.pt
mkfifo fifo.pt
truncate -s 100G sparse.pt
ln -s gone dangling.pt
ln -s good.pt link.pt
ln -s loop.pt loop.pt
for f in empty.pt cut.pt flipped.pt folder.pt fifo.pt sparse.pt dangling.pt link.pt loop.pt good.pt/x /dev/null /dev/zero /proc/self/status; do
  "$CKPTLINT" --format ndjson "$f" >report
  code=$?
  verdict=$(sed -n 's/^{"type":"file".*"verdict":"\([^"]*\)".*/\1/p' report)
  reason=$(sed -n 's/^{"type":"finding".*"rule":"\([^"]*\)".*"reason":"\([^"]*\)".*/\1\/\2/p' report | head -1)
  echo "$f: exit $code, $verdict ${reason:-no finding}"
done
"$CKPTLINT" dangling.pt | grep 'did you mean'
rm good.pt
code link.pt
