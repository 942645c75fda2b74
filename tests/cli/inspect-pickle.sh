. "$LIB"
cp "$CASES/demo-hostile.pt" .
body inspect --pickle demo-hostile.pt
