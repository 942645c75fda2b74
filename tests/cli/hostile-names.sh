# Names of files, members and keys are shown, never sent to the terminal. The runner looks for the escape byte.
. "$LIB"
name=$(printf '\033]0;owned\007\033[31mred.pt')
cp "$CASES/demo-hostile.pt" "$name"
cp "$CASES/e07-escape-sequence.pt" "$CASES/g13-escape-key.pt" "$CASES/g13-bidi-key.pt" "$CASES/h27-location-with-bytes.pt" .
cp "$CASES/demo-hostile.pt" "$(printf 'not-utf8-\377.pt')"
cp "$CASES/demo-hostile.pt" "$(printf 'two\nlines  CLEAN.pt')"
for view in --tensors --tree --globals --members --pickle --stats; do
  for format in text json ndjson; do
    "$CKPTLINT" inspect $view --color always --format $format ./*.pt >out 2>&1
    # Colours are escape sequences of our own: nothing else may begin with that byte.
    sed "s/$(printf '\033')\[[0-9;]*m//g" out | grep -c "$(printf '\033')" | grep -v '^0$'
  done
done
"$CKPTLINT" . | grep ' UNSAFE \| CLEAN \| FINDINGS '
"$CKPTLINT" "$(printf 'no-such-\033[2J.pt')" | head -1
"$CKPTLINT" --no-such-"$(printf '\033[2J')" 2>&1
true
