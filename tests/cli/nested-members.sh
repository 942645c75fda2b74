# What a torch archive holds beside what its loader reads is judged under --nested, whatever else is asked.
. "$LIB"
cp "$CASES/e15-extra-pickle.pt" "$CASES/e15-python-file.pt" "$CASES/f09-torchscript.pt" "$CASES/e17-tar-other-pickle.pt" "$CORPUS/benign/simple_linear.json" .
cp "$CORPUS/benign/simple_linear.pt" plain.pt
body e15-extra-pickle.pt
body --nested e15-extra-pickle.pt
body --nested e15-python-file.pt
body --nested plain.pt f09-torchscript.pt
body --nested e17-tar-other-pickle.pt
# Archives in archives, in as many steps as it takes.
for f in e13-zip-in-zip.pt e13-zip-in-torch-zip.pt e13-tar-in-zip.pt; do
  cp "$CASES/$f" .
  "$CKPTLINT" --nested --format ndjson "$f" | grep -o '^{"type":"file","path":"[^"]*"\|"verdict":"[a-z ]*"' | paste -sd ' '
  code --nested "$f"
done
code check --nested --arch simple_linear.json plain.pt
# Found to be another model, and what is inside is told all the same.
"$CKPTLINT" check --nested --arch simple_linear.json e15-extra-pickle.pt | grep -o '!archive/extra.pkl  UNSAFE\|KEY503/shape'
