#!/bin/sh
# Commands about files of the corpus (corpus/answers.tsv): the exit code, and the words that must be among what they print.
#   CKPTLINT, GEN   the programs. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
corpus_folder || exit 1
tab=$(printf '\t')

lacks() { # columns of words: the first that is not in the report
  printf '%s\n' "$1" | tr '\t' '\n' | while IFS= read -r words; do
    grep -qF -- "$words" "$work/report" || { printf '%s\n' "$words"; break; }
  done
}

while IFS=$tab read -r code arguments words; do
  case $code in \#*) continue ;; esac
  # shellcheck disable=SC2086 # its words
  (set -f && cd "$work" && exec "$CKPTLINT" $arguments) >"$work/report" 2>&1 </dev/null
  got=$?
  missing=$(lacks "$words")
  if [ "$got" = "$code" ] && [ -n "$words" ] && [ -z "$missing" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $arguments: exit $got, expected $code; without: $missing"
    head -c 1500 "$work/report"
  fi
done <corpus/answers.tsv
done_checking
