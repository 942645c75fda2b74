#!/bin/sh
# Judges every file of corpus/MANIFEST.tsv and compares exit code, verdict and reasons with it: each reason that is
# listed must be there, and each that is more than a note must be listed. No answer takes longer than a second, holds a
# terminal's escape byte or a trace of the payload. Ends with "N passed, N failed".
#   CKPTLINT, GEN    the programs (build/release/ckptlint, and corpus/gen beside it)
#   CASE_SECONDS     for one file (1); sanitized builds need more
#   $1…              names of files: only these
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
CKPTLINT=${CKPTLINT:-build/release/ckptlint}
GEN=${GEN:-${CKPTLINT%/*}/corpus/gen}
case $CKPTLINT in /*) ;; *) CKPTLINT=$top/$CKPTLINT ;; esac
seconds=${CASE_SECONDS:-1}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$GEN" "$work/files" || exit 1
mkdir "$work/cwd"
cd "$work/cwd" || exit 1
escape=$(printf '\033')
passed=0 failed=0

# "RULE/reason" of the findings, sorted; with `all` the notes too.
reasons() {
  awk -v all="${1:-}" '
    function field(name,  s) {
      if (!match($0, "\"" name "\":\"[^\"]*\"")) return ""
      s = substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
      return s
    }
    /^\{"type":"finding"/ && (all != "" || field("effect") != "note") { print field("rule") "/" field("reason") }
  ' "$work/report" | LC_ALL=C sort -u
}

complain() {
  echo "FAILED $name: $1"
  fine=false
}

judge() { # name, expected exit, verdict, reasons
  name=$1 fine=true
  case $name in */*) file=$top/corpus/$name ;; *) file=$work/files/$name ;; esac
  timeout -k 1 "$seconds" "$CKPTLINT" --format ndjson --fail-on high "$file" >"$work/report" 2>"$work/errors"
  code=$?
  [ $code = "$2" ] || complain "exit $code, expected $2"
  verdict=$(sed -n 's/^{"type":"file".*"verdict":"\([^"]*\)".*/\1/p' "$work/report")
  [ "$verdict" = "$3" ] || complain "verdict '$verdict', expected '$3'"
  echo "$4" | tr , '\n' | grep -v '^-$' | LC_ALL=C sort >"$work/want"
  reasons >"$work/worse"
  reasons all >"$work/all"
  missing=$(comm -23 "$work/want" "$work/all" | tr '\n' ' ')
  [ -z "$missing" ] || complain "without $missing"
  extra=$(comm -13 "$work/want" "$work/worse" | tr '\n' ' ')
  [ -z "$extra" ] || complain "also $extra"
  [ ! -s "$work/errors" ] || complain "on standard error: $(head -c 200 "$work/errors")"
  grep -q "$escape" "$work/report" && complain 'an escape byte in the report'
  [ -z "$(ls -A)" ] || complain "left $(ls -A)"
  if $fine; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

tab=$(printf '\t')
while IFS=$tab read -r name threat code verdict want origin licence; do
  case $name in \#* | '') continue ;; esac
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  judge "$name" "$code" "$verdict" "$want"
  [ -n "$threat$origin$licence" ] || complain 'the row has too few columns'
done <"$top/corpus/MANIFEST.tsv"

# Every case has its row, and no row is without its file.
if [ $# -eq 0 ]; then
  (cd "$top" && "$GEN" --list) | LC_ALL=C sort >"$work/cases"
  grep -v '^#' "$top/corpus/MANIFEST.tsv" | cut -f1,2 | grep -v / | LC_ALL=C sort | diff "$work/cases" - >"$work/diff" || {
    echo "FAILED manifest and cases differ:"
    sed -n 's/^[<>]/  &/p' "$work/diff"
    failed=$((failed + 1))
  }
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
