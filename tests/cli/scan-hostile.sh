. "$LIB"
cp "$CASES/demo-hostile.pt" .
run demo-hostile.pt
ls
