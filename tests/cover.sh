#!/bin/sh
# What runs, by module: lines and branches, first of the corpus (its files by the command, its commands, and through the fuzz
# targets its programs, what the fuzzers keep and what once broke them, with limits and arenas of every smallness), then with
# what else is compared with an expected value: goldens of the command line, folders, unit tables, and the oracles that judge
# what no file of the corpus holds. Workers are not sealed here (cover/unsealed.c). Fails when the corpus runs less than 95 % of
# the lines of a module of the parsers, when a line of them did not run at all and uncovered.txt does not explain it, or
# explains one that did. What fails in the suites themselves is told and is `make test`'s matter.
#   OUT    build/cover
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=${OUT:-$PWD/build/cover}
CKPTLINT=$OUT/ckptlint GEN=$OUT/corpus/gen CASE_SECONDS=20 SCRIPT_SECONDS=900
export OUT CKPTLINT GEN CASE_SECONDS SCRIPT_SECONDS
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
find "$OUT" -name '*.gcda' -delete
umask 0 # a golden judges as another user, who writes down what ran too
began=$(date +%s)

suite() { # name, command…: its last line, and how long it took
  name=$1 before=$(date +%s)
  shift
  "$@" >"$work/log" 2>&1 || grep -E '^(\[ *FAILED|FAILED|replay)' "$work/log" | head -n 5
  printf '%-12s %4s s  %s\n' "$name" $(($(date +%s) - before)) "$(tail -n 1 "$work/log")"
}

command() { # arguments…: whatever it answers, it is read to its end
  (cd "$work" && timeout 600 "$CKPTLINT" "$@") >/dev/null 2>&1 || [ $? -lt 5 ] || echo "FAILED $*"
}

corpus() { # its files at once, its commands one by one
  command --format ndjson -j 2 files benign
  { grep -v '^#' corpus/commands.tsv | cut -f3 | grep -v '^test '; grep -v '^#' corpus/answers.tsv | cut -f2; } >"$work/commands"
  while read -r arguments; do
    set -f
    # shellcheck disable=SC2086 # its words
    command $arguments </dev/null
    set +f
  done <"$work/commands"
  echo "$(find "$work/files" "$work/benign" -type f | wc -l) files, $(wc -l <"$work/commands") commands"
}

replay() { # every target over its seeds, what the campaigns keep and what broke it
  for t in fuzz/fuzz_*.c; do
    t=$(basename "$t" .c)
    t=${t#fuzz_}
    knobs=-k
    [ $t != report ] || knobs= # it renders each three times
    for folder in "$work/seeds/$t" "corpus/fuzz/$t" "corpus/regress/$t"; do
      [ ! -d "$folder" ] || find "$folder" -type f -print0 | LC_ALL=C sort -z | xargs -0 -n 500 "$OUT/fuzz/replay_$t" $knobs || echo "FAILED $t"
      [ ! -d "$folder" ] || find "$folder" -type f
    done
  done >"$work/replayed" 2>"$work/errors"
  cat "$work/errors"; grep ^FAILED "$work/replayed"
  echo "$(grep -c / "$work/replayed") inputs"
}

units() {
  for t in "$OUT"/tests/unit/test_* "$OUT/tests/sandbox/test_wire"; do
    case $t in *.d | *.gc*) continue ;; esac
    "$t" || echo "FAILED $t"
  done >"$work/units" 2>&1
  grep -E '^(\[ *FAILED|FAILED /)' "$work/units"
  bad=$(grep -c '^FAILED /' "$work/units")
  echo "$(grep -c '^\[ *OK' "$work/units") passed, $bad failed"
  [ "$bad" -eq 0 ]
}

sh fuzz/seeds.sh "$work/seeds" >/dev/null || exit 1
"$GEN" "$work/files" && cp -r corpus/benign corpus/arch "$work" || exit 1
suite corpus corpus
suite replay replay
code=0
/usr/bin/python3 tests/cover/figures.py "$OUT" 'The corpus:' 95 || code=1
for t in cli folders nested; do suite $t sh tests/$t.sh; done
suite units units
for t in derived diff distributed quantized wrappers configs resume lock numpy_files load_state_dict torch_forward torch_statements torch_sequences published learners science; do
  suite $t /usr/bin/python3 tests/oracle/$t.py
done
/usr/bin/python3 tests/cover/figures.py "$OUT" 'All of it:' tests/uncovered.txt "$OUT/uncovered.txt" || code=1
echo "$(($(date +%s) - began)) seconds"
exit $code
