#!/bin/sh
# What runs, by module: lines and branches, first of the corpus (its files, what the fuzzers keep and once broke, through the
# fuzz targets), then of the unit tests as well. Workers are not counted: a sealed process writes no figures. Ends with the
# lines of the parsers that no corpus file reaches and tests/uncovered.txt does not explain.
#   OUT, GEN    build/cover
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=${OUT:-build/cover}
GEN=${GEN:-$OUT/corpus/gen}
export GEN
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
find "$OUT" -name '*.gcda' -delete

replay() { # target, folder
  [ ! -d "$2" ] || find "$2" -type f -print0 | LC_ALL=C sort -z | xargs -0 -n 500 "$OUT/fuzz/replay_$1" >>"$work/log" 2>&1
}
sh fuzz/seeds.sh "$work/seeds" >/dev/null || exit 1
"$GEN" "$work/files" >/dev/null
for f in "$work"/files/* corpus/benign/*; do # those that are too large for a fuzzer
  [ "$(wc -c <"$f")" -lt 8192 ] || { cat "$f" && printf '\000'; } >"$work/seeds/scan/$(basename "$f")"
done
for t in fuzz/fuzz_*.c; do
  t=$(basename "$t" .c)
  t=${t#fuzz_}
  for folder in "$work/seeds/$t" "corpus/fuzz/$t" "corpus/regress/$t"; do replay "$t" "$folder"; done
done

figures() { # title, list of what did not run
  echo "$1"
  find "$OUT"/validator "$OUT"/rules "$OUT"/sandbox -name '*.gcda' -print0 | xargs -0 gcov -r -b -t 2>/dev/null |
    awk -v list="$2" -f tests/cover.awk
}
figures 'The corpus:' "$OUT/uncovered-corpus.txt"
for t in "$OUT"/tests/unit/test_*; do
  case $t in *.d | *.gc*) continue ;; esac
  "$t" >>"$work/log" 2>&1
done
echo
figures 'The corpus and the unit tests:' "$OUT/uncovered.txt"
echo
PARSERS='validator/container/|validator/pickle/|validator/tensor/|validator/model/|validator/base/(json|npy|reader|utf8|hash)|sandbox/wire'
LC_ALL=C sort -V "$OUT/uncovered-corpus.txt" | grep -E "^($PARSERS)" >"$OUT/uncovered-parsers.txt"
awk 'FILENAME == ARGV[1] { if (!/^#/ && NF) explained[$0] = 1; next }
  { text = $0; sub(/:[0-9]+:[ \t]*/, ": ", text); if (!(text in explained)) { print; n++ } }
  END { print n + 0 " lines of the parsers that no corpus file reaches and nothing explains" }' tests/uncovered.txt "$OUT/uncovered-parsers.txt"
