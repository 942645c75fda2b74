#!/bin/sh
# Replays every input that once broke a fuzz target, what the campaigns keep, then the seeds with limits and arenas of every
# smallness, and with a few changes of one byte each: what a fuzzer finds first is found without one. A file is one test.
# Ends with "N passed, N failed".
#   OUT, GEN    build/MODE with fuzz/replay_NAME, and the corpus generator
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=${OUT:-build/${MODE:-release}}
GEN=${GEN:-$OUT/corpus/gen}
CHANGES=${CHANGES:-20}
export GEN ASAN_OPTIONS="${ASAN_OPTIONS:-abort_on_error=1}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
sh fuzz/seeds.sh "$work/seeds" >/dev/null || exit 1
case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac

replay() { # target, folder, options…: all of its files in one process
  t=$1 folder=$2
  shift 2
  [ -d "$folder" ] || return
  n=$(find "$folder" -type f | wc -l)
  [ "$n" -gt 0 ] || return
  if (cd "$work" && find "$folder" -type f -print0 | LC_ALL=C sort -z | xargs -0 timeout 300 "$OUT/fuzz/replay_$t" "$@") >"$work/log" 2>&1; then
    passed=$((passed + n))
  else
    failed=$((failed + 1))
    echo "FAILED replay_$t $* $folder"
    tail -n 20 "$work/log"
  fi
}

for target in fuzz/fuzz_*.c; do
  target=$(basename "$target" .c)
  target=${target#fuzz_}
  replay "$target" "$PWD/corpus/regress/$target"
  replay "$target" "$PWD/corpus/fuzz/$target"
  [ "$target" = report ] || replay "$target" "$work/seeds/$target" -k # it renders each three times
  replay "$target" "$work/seeds/$target" -m "$CHANGES"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
