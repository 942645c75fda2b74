. "$LIB"
cp "$CASES/z-cuda.pt" c.pt
body c.pt
