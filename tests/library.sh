#!/bin/sh
# libckptlint as its users link it: shared and static. Nothing but ckl_* may be visible in either.
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=build/${MODE:-release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'cos\nsystem\n(S%s\ntR.' "'true'" >"$work/hostile.pkl"
"$OUT/corpus/gen" "$work" e11-directory-far.pt || exit 1
cat >"$work/mad" <<"END"
#!/bin/sh
read -r request <&3
cat >&3 <<"ANSWER"
{}
{"type":"file","verdict":"clean"}
{"type":"summary","exit":0}
ANSWER
END
printf '#!/bin/sh\nexec "%s/tests/sandbox/outer" "%s/ckptlint" serve\n' "$PWD/$OUT" "$PWD/$OUT" >"$work/bare"
chmod +x "$work/mad" "$work/bare"
passed=0
failed=0
for kind in shared static; do
  line=$("$OUT/tests/library_$kind" "$OUT/ckptlint" corpus/benign/simple_linear.pt "$work/hostile.pkl" "$work/mad" "$work/e11-directory-far.pt" "$work/bare" | tee "$work/out" | tail -n 1)
  sed '$d' "$work/out"
  good=$(echo "$line" | sed -n 's/^\([0-9]*\) passed, .*/\1/p')
  passed=$((passed + ${good:-0}))
  bad=$(echo "$line" | sed -n 's/.* passed, \([0-9]*\) failed$/\1/p')
  failed=$((failed + ${bad:-1}))
done
visible=$(nm -D --defined-only "$OUT/libckptlint.so" | awk '{print $3}' | grep -v '^ckl_')
global=$(nm -g --defined-only "$OUT/libckptlint.a" | awk 'NF == 3 {print $3}' | grep -v '^ckl_')
if [ -z "$visible$global" ]; then passed=$((passed + 1)); else echo "visible: $visible $global"; failed=$((failed + 1)); fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
