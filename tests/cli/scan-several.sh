# A missing path is an error with a hint; the others are judged all the same.
. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" .
cp "$CASES/z-namespace.pt" namespace.pt
run simple_linar.pt namespace.pt simple_linear.pt
run simple_linar.pt "$CASES/demo-hostile.pt"
