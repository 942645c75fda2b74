# Same input, same options: same bytes, however many workers run.
mkdir m
cp "$CASES"/a0*.pt "$CASES"/h*.pt "$CORPUS"/benign/*.pt m
for format in text json ndjson; do
  "$CKPTLINT" --format $format -j 1 m >one
  "$CKPTLINT" --format $format -j 4 m >two
  "$CKPTLINT" --format $format -j 4 m >three
  cmp one two && cmp two three
  [ "$(grep -c demo one)" = 0 ] || echo 'a file that is not there'
done
"$CKPTLINT" inspect --tensors --stats --hash sha256 --format json m >one
"$CKPTLINT" inspect --tensors --stats --hash sha256 --format json m >two
cmp one two
