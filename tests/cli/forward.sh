. "$LIB"
cp "$CORPUS"/benign/simple_cnn* "$CORPUS/benign/complex_model.pt" .
body forward simple_cnn.pt --arch simple_cnn.json
# Another model's weights.
body check complex_model.pt --arch simple_cnn.json
