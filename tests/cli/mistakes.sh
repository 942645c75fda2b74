# Wrong calls, as a first user makes them: what is wrong, what to write instead, exit 4, and nothing is judged.
. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" model.pt
cp "$CORPUS/benign/simple_linear.json" "$CORPUS/benign/simple_linear.out.npy" .
cp model.pt ./-model.pt
cp model.pt ./--model.pt
body
body --hepl
body scna model.pt
body help scna
body help scan check
body -model.pt
body --model.pt
body -x model.pt
body --format yaml model.pt
body --format csv model.pt
body -j none model.pt
body --timeout 0 model.pt
body - - </dev/null
echo - | body --files-from -
body --quiet=yes model.pt
body diff model.pt
body lock model.pt model.pt
body policy model.pt
body serve 3>&-
body version model.pt
body explain
body explain GLB999
body --arch gone.json model.pt
body --arch . model.pt
body --torch-version 2.6. model.pt
body inspect --fields epoch,,loss model.pt
body --reference gone.pt model.pt
body record model.pt --arch simple_linear.json -o gone/goldens.json
# What is said of a model asks for a check: without an architecture it is not passed over in silence.
body check model.pt
for said in '--expect y.npy' '--input x.npy' '--save-output y=out.npy' '--set n=1' '--key model' --torch-messages --no-strict '--ignore-missing n.*' \
  '--ignore-unexpected n.*'; do
  # shellcheck disable=SC2086 # two words
  code $said model.pt
done
# And these are none.
code --torch-version 2.6.0+cu124 model.pt
code -- -model.pt
code ./--model.pt
code --save-output out.npy --arch simple_linear.json model.pt
ls out.npy
code ''
