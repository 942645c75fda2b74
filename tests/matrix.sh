#!/bin/sh
# The same sources under other eyes: clang and its integer sanitizer, gcc with ASan and UBSan. Every unit test runs
# in both, and what regress.sh replays (leaks are found there); with ASan the corpus as well. Only from a release run, which is what it stands beside.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
[ "${MODE:-release}" = release ] || { echo "0 passed, 0 failed"; exit 0; }

units() { # mode: every unit program of it, one check each
  mkdir -p "build/$1/tests/log"
  for t in build/"$1"/tests/unit/test_*; do
    case "$t" in *.d | *.o) continue ;; esac
    log=build/$1/tests/log/$(basename "$t")
    "$t" >"$log" 2>&1
    code=$?
    check "$t" "$code"
    [ "$code" -eq 0 ] || tail -n 15 "$log"
  done
}

replays() { # mode
  MODE=$1 OUT=$PWD/build/$1 GEN=$PWD/build/$1/corpus/gen CHANGES=2 sh tests/regress.sh >"build/$1-regress.log" 2>&1
  code=$?
  check "what regress.sh replays, in $1" "$code"
  [ "$code" -eq 0 ] || tail -n 40 "build/$1-regress.log"
}

make -s -j2 MODE=asan all test-programs >build/asan.log 2>&1
check "gcc with ASan and UBSan builds everything" $? || tail build/asan.log
units asan
replays asan
CKPTLINT=$PWD/build/asan/ckptlint GEN=$PWD/build/asan/corpus/gen CASE_SECONDS=20 sh tests/corpus.sh >build/asan-corpus.log 2>&1
code=$?
check "the corpus under ASan" "$code"
[ "$code" -eq 0 ] || tail build/asan-corpus.log

if command -v clang >/dev/null; then
  make -s -j2 MODE=intsan CC=clang all test-programs >build/intsan.log 2>&1
  check "clang builds everything without a warning" $? || tail build/intsan.log
  units intsan
  replays intsan
else
  echo "SKIPPED matrix: clang is not installed"
fi
done_checking
