# Each machine format is valid whatever the input is, and says the same as the others.
. "$LIB"
cp "$CASES/demo-hostile.pt" "$CASES/e07-escape-sequence.pt" "$CASES/g13-bidi-key.pt" "$CORPUS/benign/simple_linear.pt" .
cp "$CASES/h28-nan.pt" "$CASES/f-html.pt" .
for f in *.pt gone.pt; do
  for verb in scan inspect; do
    for format in text json ndjson; do
      "$CKPTLINT" $verb --format $format "$f" >out.$format 2>err
      echo $? >exit.$format
      [ ! -s err ] || echo "$verb $format $f: standard error: $(cat err)"
    done
    cmp exit.text exit.json && cmp exit.json exit.ndjson
    valid_json out.json
    n=0
    while IFS= read -r line; do
      n=$((n + 1))
      [ $n -gt 3 ] && [ $n -lt 6 ] || continue # a few of them
      printf '%s\n' "$line" >line.json
      valid_json line.json
    done <out.ndjson
    [ "$(tail -n 1 out.ndjson | cut -c1-17)" = '{"type":"summary"' ] || echo "$f: no summary at the end"
  done
done
