. "$LIB"
cp "$CORPUS"/benign/simple_cnn* "$CORPUS/benign/complex_model.pt" "$CORPUS/benign/custom_model.pt" .
body record simple_cnn.pt --arch simple_cnn.json -o cnn.goldens.json
ls
sed 's/"blas": "[A-Za-z0-9_]*"/"blas": "…"/; s/"npy": "[^"]*"/"npy": "…"/' cnn.goldens.json
"$CKPTLINT" record simple_cnn.pt --arch simple_cnn.json 2>/dev/null | cmp - cnn.goldens.json && echo 'standard output is the same'
body forward simple_cnn.pt --arch simple_cnn.json --expect cnn.goldens.json
# Another architecture file, by its bytes; its tests don't count.
sed 's/"rand(0)"/"rand(1)"/' simple_cnn.json >other.json
body forward simple_cnn.pt --arch other.json --expect cnn.goldens.json
# Goldens are input like any other.
sed 's/"npy": "k05V/"npy": "!05V/' cnn.goldens.json >broken.json
body forward simple_cnn.pt --arch simple_cnn.json --expect broken.json
sed 's/"npy": "k05V/"npy": "QUJD/' cnn.goldens.json >broken.json
body forward simple_cnn.pt --arch simple_cnn.json --expect broken.json
sed 's/"logits": {/"logit": {/' cnn.goldens.json >broken.json
body forward simple_cnn.pt --arch simple_cnn.json --expect broken.json
echo '{"goldens": 1' >broken.json
body forward simple_cnn.pt --arch simple_cnn.json --expect broken.json
# What can't be recorded leaves what was there.
echo precious >kept
body record complex_model.pt --arch simple_cnn.json -o kept
cat kept
sed 's/"rtol": 0.0001/"rtol": 0/; s/"atol": 1e-05/"atol": 0/; s/rand(0)/rand(1)/' simple_cnn.json >strict.json
code record simple_cnn.pt --arch strict.json -o kept
cat kept
body record simple_cnn.pt --arch simple_cnn.json -o no/such/folder
code record
code record simple_cnn.pt complex_model.pt --arch simple_cnn.json
code record simple_cnn.pt --arch simple_cnn.json --expect cnn.goldens.json
code check simple_cnn.pt --arch simple_cnn.json -o kept
code forward simple_cnn.pt --arch simple_cnn.json --expect cnn.goldens.json --input simple_cnn.x.npy
code forward simple_cnn.pt --arch simple_cnn.json --expect cnn.goldens.json --expect simple_cnn.out.npy
ls
