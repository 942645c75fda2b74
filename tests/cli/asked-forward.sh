# A forward pass that was asked for is run, or the answer says why not; so is a file that it was to write.
. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" model.pt
cat >linear.json <<'END'
{
  "arch": 1,
  "name": "Linear",
  "modules": {"linear": "Linear(10, 2)", "head": "Linear(2, 3)"},
  "forward(x)": ["linear(x)"],
  "inputs": {"x": "float32[B, 10]"},
  "outputs": {"y": "float32[B, 2]"}
}
END
sed 's/\["linear(x)"\]/["head(linear(x))"]/; s/B, 2\]/B, 3]/' linear.json >both.json
# The missing head is not needed, or it is.
body --save-output y=y.npy --ignore-missing 'head.*' --arch linear.json model.pt
wc -c <y.npy
body forward --ignore-missing 'head.*' --arch both.json model.pt
# No such output; no such folder; a disk that is full.
body --save-output z=z.npy --ignore-missing 'head.*' --arch linear.json model.pt
body --save-output gone/y.npy --ignore-missing 'head.*' --arch linear.json model.pt
body -q --save-output /dev/full --ignore-missing 'head.*' --arch linear.json model.pt
ls
