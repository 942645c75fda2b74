. "$LIB"
# The same model from a file without a program: its tensors are the state dict.
cp "$CORPUS"/benign/simple_linear* .
body inspect --tensors simple_linear.safetensors
body check simple_linear.safetensors --arch simple_linear.json
body forward simple_linear.safetensors --arch simple_linear.json
