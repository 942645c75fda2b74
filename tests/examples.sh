#!/bin/sh
# What README.md and the pages of the rules show is what the program prints: README's hostile example, generated, its
# forward pass, its architecture file, and the findings of a page below "`FILE` of the corpus:".
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib

"$GEN" "${work:?}" demo-hostile.pt
readme_shows() { awk -v line="\$ ckptlint $*" '$0 == line {on = 1; next} /^```/ {on = 0} on' README.md; }
readme_shows demo-hostile.pt >"$work/shown"
(cd "$work" && "$CKPTLINT" demo-hostile.pt >out 2>/dev/null)
check "the hostile example exits 1" "$([ $? -eq 1 ]; echo $?)"
sed 's/^\(Policy sha256:\)[0-9a-f]\{64\}/\1…/' "$work/out" >"$work/printed" # it changes with every list
diff "$work/shown" "$work/printed"
check "README shows what the program prints" $?

readme_shows forward simple_cnn.pt --arch simple_cnn.json >"$work/shown"
(cd corpus/benign && "$CKPTLINT" --isolated forward simple_cnn.pt --arch simple_cnn.json) |
  sed '/^Rules .*, sandbox /d; /^clean means: /d; /^Policy /d' >"$work/printed"
diff "$work/shown" "$work/printed"
check "README shows what a forward pass prints" $?

awk '/^```json/ {on = 1; next} /^```/ {on = 0} on' README.md >"$work/arch.json"
"$CKPTLINT" forward corpus/benign/complex_model.pt --arch "$work/arch.json" >"$work/forward" 2>&1
check "README's architecture file runs on a checkpoint" $?
# "PAGE<tab>FILE<tab>finding", the finding in one line.
findings() {
  awk '
    function flush() { if (text != "") print page "\t" file "\t" text; text = "" }
    FNR == 1 { flush(); file = ""; page = FILENAME; sub(/.*\//, "", page) }
    /^`[^`]*` of the corpus:$/ { flush(); split($0, part, "`"); file = part[2]; next }
    /^    / && file != "" { if (/^    (critical|high|medium|low|info) /) flush(); $1 = $1; text = text (text == "" ? "" : " ") $0; next }
    /^./ { flush(); file = "" }
    END { flush() }
  ' "$@"
}
"$GEN" "$work/cases"
findings rules/doc/*.md >"$work/examples"
tab=$(printf '\t')
while IFS=$tab read -r page file finding; do
  "$CKPTLINT" --isolated "$work/cases/$file" 2>/dev/null | tr -s ' \n' '  ' | grep -qF -- "$finding"
  check "$page shows what the program prints of $file" $?
done <"$work/examples"
check "pages show findings of the corpus" "$([ "$(wc -l <"$work/examples")" -ge 20 ]; echo $?)"

# The pages of validator/doc with commands: each example is a file that is taken, and each command prints what is shown.
page_shows() { # page, its folder
  mkdir "$2"
  cp corpus/benign/*.pt "$2"
  awk -v dir="$2" -f tests/page.awk "$1" >"$work/commands"
  awk -v show=1 -f tests/page.awk "$1" >"$work/page.shown"
  while read -r program rest; do
    [ "$program" = ckptlint ] || continue
    echo "\$ $program $rest"
    # shellcheck disable=SC2086 # words of a command line
    (cd "$2" && "$CKPTLINT" $rest 2>&1) | sed '/^Rules .*, sandbox /d; /^clean means: /d; /^Policy /d'
  done <"$work/commands" | grep -v '^$' >"$work/printed" # lines between two commands are the page's own
  grep -v '^$' "$work/page.shown" | diff - "$work/printed"
  check "$1 shows what the program prints" $?
}
page_shows validator/doc/goldens.md "$work/goldens"
page=validator/doc/architecture-files.md
page_shows "$page" "$work/page"
echo '{"input_dim": 10, "hidden_dim": 2, "output_dim": 2}' >"$work/config.json"
for file in "$work"/page/*.json; do
  case $file in */mistake.json) continue ;; esac
  "$CKPTLINT" check --depth quick --config "$work/config.json" --arch "$file" corpus/benign/complex_model.pt 2>&1 | grep -q KEY512
  check "the page's ${file##*/} is an architecture file" "$([ $? -eq 1 ]; echo $?)"
done
sed -n 's/^BUILTIN(\([a-z_]*\),.*/\1/p' validator/arch/builtins.def >"$work/functions"
while read -r name; do
  grep -q "\`$name\`" "$page"
  check "the page names the function $name" $?
done <"$work/functions"

for verb in scan check forward inspect diff describe record lock policy explain rules doctor version help; do
  "$CKPTLINT" help "$verb" >/dev/null 2>&1
  check "help $verb" $?
done
done_checking
