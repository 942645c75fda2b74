. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" a.pt
cp "$CORPUS/benign/simple_linear_legacy.pt" legacy.pt
cp "$CORPUS/benign/simple_linear.safetensors" a.safetensors
cp "$CORPUS/benign/simple_cnn.pt" cnn.pt
cp "$CASES/a01-exec.pt" bad.pt
body diff a.pt legacy.pt
body diff a.pt a.safetensors
body diff a.pt cnn.pt
body diff a.pt bad.pt
body diff a.pt a.pt --key-b nosuch
code diff a.pt
code diff a.pt legacy.pt cnn.pt
code diff a.pt nosuch.pt
code diff a.pt --arch simple_linear
