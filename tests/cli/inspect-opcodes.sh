. "$LIB"
cp "$CASES/demo-hostile.pt" .
body inspect --opcodes demo-hostile.pt
