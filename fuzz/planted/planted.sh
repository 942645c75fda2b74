#!/bin/sh
# A bug is planted in a copy of the pickle machine (op_memo.sed: it writes where a program says). Three promises:
#   the fuzzer finds it within minutes, from one harmless program (only with SECS, its patience in seconds);
#   the sandbox contains it: the worker dies, the broker and the next file do not notice;
#   the file is not checked, exit 2, and the report says why.
# Ends with "N passed, N failed".
#   OUT   the folder of the programs
set -u
cd "$(dirname "$0")/../.." || exit 1
OUT=${OUT:-$PWD/build/release}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
check() { # promise, condition's exit code
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else echo "broken: $1"; failed=$((failed + 1)); fi
}

judge() { # program, file…: verdicts and reasons, a line each
  program=$1
  shift
  "$program" -f ndjson "$@" >"$work/report"
  echo $? >"$work/code"
  sed -n 's/^{"type":"file".*"verdict":"\([^"]*\)".*/\1/p; s/^{"type":"finding","rule":"\([^"]*\)".*"reason":"\([^"]*\)".*"message":"\([^"]*\)".*/  \1\/\2: \3/p' "$work/report"
}

# None, PUT 0, then LONG_BINPUT into the far: the right machine says that such an index is odd.
printf '\200\002Nq\000r\377\377\377\037.' >"$work/far.pkl"

mkdir "$work/seeds"
if [ -n "${SECS:-}" ]; then
  unzip -p corpus/benign/simple_linear.pt '*/data.pkl' >"$work/seeds/program"
  export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_BENCH_UNTIL_CRASH=1
  export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/fuzz-asan/fuzz/mutate_pickle.so"
  afl-fuzz -m none -t 2000 -s 1 -V "$SECS" -i "$work/seeds" -o "$work/out" -- build/fuzz-asan/planted/fuzz_pickle >"$work/log" 2>&1
  found=$(find "$work/out/default/crashes" -name 'id*' 2>/dev/null | head -n 1)
  check "the fuzzer finds it within $SECS seconds" "$([ -n "$found" ]; echo $?)" || tail "$work/log"
  if [ -n "$found" ]; then
    sed -n 's/^\(run_time\|execs_done\) *: */found: \1 /p' "$work/out/default/fuzzer_stats"
    cp "$found" "$work/found.pkl"
  fi
fi

for file in "$work/far.pkl" "$work/found.pkl"; do
  [ -f "$file" ] || continue
  lines=$(judge "$OUT/ckptlint" "$file")
  check "the right program reads $(basename "$file")" "$(echo "$lines" | grep -q RUN001; [ $? -ne 0 ]; echo $?)"
done

lines=$(judge "$OUT/planted/ckptlint" "$work/far.pkl" corpus/benign/simple_linear.pt)
echo "$lines"
check "it is not checked" "$(echo "$lines" | head -n 1 | grep -qx 'not checked'; echo $?)"
check "the reason is said: the worker's death, and of what" "$(echo "$lines" | grep -q 'RUN001/crashed: .*Segmentation fault'; echo $?)"
check "the file behind it is judged as ever" "$(echo "$lines" | tail -n 1 | grep -qx clean; echo $?)"
check "exit 2" "$([ "$(cat "$work/code")" -eq 2 ]; echo $?)"
check "no released program has it" "$(grep -q 'a planted bug' "$OUT/ckptlint"; [ $? -ne 0 ]; echo $?)"
check "the planted one has" "$(grep -q 'a planted bug' "$OUT/planted/ckptlint"; echo $?)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
