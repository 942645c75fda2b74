#!/bin/sh
# What README.md shows is what the program prints: its hostile example, generated, and its architecture file.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
check() { # promise, condition's exit code
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else echo "broken: $1"; failed=$((failed + 1)); fi
}

"$GEN" "$work" demo-hostile.pt
awk '/^\$ ckptlint demo-hostile.pt/ {on = 1; next} /^```/ {on = 0} on' README.md >"$work/shown"
(cd "$work" && "$CKPTLINT" demo-hostile.pt >out 2>/dev/null)
check "the hostile example exits 1" "$([ $? -eq 1 ]; echo $?)"
sed 's/^\(Policy sha256:\)[0-9a-f]\{64\}/\1…/' "$work/out" >"$work/printed" # it changes with every list
diff "$work/shown" "$work/printed"
check "README shows what the program prints" $?

awk '/^```json/ {on = 1; next} /^```/ {on = 0} on' README.md >"$work/arch.json"
"$CKPTLINT" forward corpus/benign/complex_model.pt --arch "$work/arch.json" >"$work/forward" 2>&1
check "README's architecture file runs on a checkpoint" $?
for verb in scan check forward inspect policy explain rules doctor version help; do
  "$CKPTLINT" help "$verb" >/dev/null 2>&1
  check "help $verb" $?
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
