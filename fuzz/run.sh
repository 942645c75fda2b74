#!/bin/sh
# run.sh "TARGET…" SECONDS: AFL++ on each. Ends with 1 when a target crashed or hung, and says how to see it again.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
# Leaks are found by the replays; here they would stop nothing but the fuzzing.
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1
for t in $1; do
  out=build/fuzz/out/$t
  rm -rf "$out"
  mkdir -p "$out"
  case $t in
  zip | pickle) dict="-x fuzz/dict/$t.dict" ;;
  scan) dict='-x fuzz/dict/zip.dict -x fuzz/dict/pickle.dict' ;;
  *) dict= ;;
  esac
  # shellcheck disable=SC2086 # two words
  afl-fuzz -m none -t 2000 -V "$2" -i "build/fuzz/seeds/$t" -o "$out" $dict -- "build/fuzz/fuzz_$t" >"$out/log" 2>&1
  code=$?
  stats=$out/default/fuzzer_stats
  if [ ! -f "$stats" ]; then
    tail -n 20 "$out/log"
    echo "$t: afl-fuzz did not run (exit $code)"
    status=1
    continue
  fi
  value() { sed -n "s/^$1 *: *//p" "$stats"; }
  echo "$t: $(value execs_done) runs, $(value execs_per_sec) a second, $(value corpus_count) inputs kept, $(value saved_crashes) crashes, $(value saved_hangs) hangs"
  for f in "$out"/default/crashes/id* "$out"/default/hangs/id*; do
    [ -f "$f" ] || continue
    status=1
    echo "  build/asan/fuzz/replay_$t '$f'"
  done
done
exit $status
