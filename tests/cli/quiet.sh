. "$LIB"
cp "$CORPUS/benign/simple_linear.pt" a.pt
cp "$CASES/h28-nan.pt" b.pt
body -q a.pt
body -q a.pt b.pt
# shellcheck disable=SC2069 # standard error alone
"$CKPTLINT" -q b.pt 2>&1 >/dev/null
true
