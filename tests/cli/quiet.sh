. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" a.pt
cp "$CASES/h28-nan.pt" b.pt
body -q a.pt
body -q a.pt b.pt
"$CKPTLINT" -q b.pt 2>&1 >/dev/null
true
