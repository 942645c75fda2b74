#!/bin/sh
# run.sh SECONDS JOBS TARGET…: a sitting with each target, JOBS at a time. It begins with what is kept (corpus/fuzz), what
# earlier sittings found (STATE) and the seeds. Ends with 1 when a target broke, and says how to see it again.
#   BUILD     fast, asan: AFL++; inproc: libFuzzer
#   KEEP      no: what is found is forgotten, and the seeds are left out; for a quick look
#   STATE     build/fuzz/state unless given: inputs by target, and sittings.tsv, a line for each sitting
#   MUTATES_pickle, MUTATES_zip   the targets that take the mutator
# A line of sittings.tsv: when, target, build, commit, seconds, executions, edges, edges there are, inputs, crashes, hangs.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-fast}
MUTATES_pickle=${MUTATES_pickle:-} MUTATES_zip=${MUTATES_zip:-}
STATE=${STATE:-build/fuzz/state}
KEEP=${KEEP:-yes}
secs=$1 jobs=$2
shift 2
export BUILD STATE KEEP secs
export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_ALLOW_TMP=1
# Leaks are found by the replays; here they would stop nothing but the fuzzing.
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1
if [ "$jobs" -gt 1 ]; then
  printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh "$0" "$secs" 1
  exit $?
fi

gather() { # folder, from…
  to=$1
  shift
  mkdir -p "$to"
  for from; do
    [ ! -d "$from" ] || find "$from" -type f ! -name README.txt -size -64k -exec cp -n -t "$to" {} +
  done
}
line() { printf '%s\t' "$(date -u +%Y-%m-%dT%H:%M)" "$t" "$BUILD" "$(git rev-parse --short HEAD 2>/dev/null)"; }

with_afl() {
  mutator=
  case " $MUTATES_pickle " in *" $t "*) mutator=pickle ;; esac
  case " $MUTATES_zip " in *" $t "*) mutator=zip ;; esac
  [ -z "$mutator" ] || export AFL_CUSTOM_MUTATOR_LIBRARY="$PWD/build/fuzz-$BUILD/fuzz/mutate_$mutator.so"
  # shellcheck disable=SC2086 # two words, or none
  afl-fuzz -m none -t 2000 -V "$secs" -i "$out/in" -o "$out" $dict -- "$program" >"$out/log" 2>&1
  unset AFL_CUSTOM_MUTATOR_LIBRARY
  stats=$out/default/fuzzer_stats
  [ -f "$stats" ] || return 1
  value() { sed -n "s/^$1 *: *//p" "$stats"; }
  { line; printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(value run_time)" "$(value execs_done)" "$(value edges_found)" \
    "$(value total_edges)" "$(value corpus_count)" "$(value saved_crashes)" "$(value saved_hangs)"; } >"$out/row"
  gather "$out/broke" "$out/default/crashes" "$out/default/hangs"
  [ "$KEEP" = no ] || afl-cmin -m none -i "$out/default/queue" -o "$out/min" -- "$program" >"$out/log.min" 2>&1
}

# Its clock runs where the target has no processor: a minute, so that a busy machine breaks nothing.
with_libfuzzer() {
  mkdir -p "$out/broke"
  "$program" -max_total_time="$secs" -max_len=8192 -timeout=60 -rss_limit_mb=3000 -print_final_stats=1 \
    ${dict:+-dict="build/fuzz/dict/$t.dict"} -artifact_prefix="$out/broke/" "$out/in" >"$out/log" 2>&1
  value() { grep -o "$1: *[0-9]*" "$out/log" | tail -n 1 | tr -dc 0-9; }
  execs=$(value stat::number_of_executed_units)
  [ -n "$execs" ] || return 1
  all=$(grep -o '([0-9]* inline' "$out/log" | head -n 1 | tr -dc 0-9)
  { line; printf '%s\t%s\t%s\t%s\t%s\t%s\t0\n' "$secs" "$execs" "$(value cov)" "$all" "$(value corp)" \
    "$(find "$out/broke" -type f | wc -l)"; } >"$out/row"
  mkdir -p "$out/min"
  "$program" -merge=1 "$out/min" "$out/in" >"$out/log.min" 2>&1
}

status=0
for t; do
  out=build/fuzz/out/$BUILD/$t
  program=build/fuzz-$BUILD/fuzz/fuzz_$t
  dict=
  [ ! -f "build/fuzz/dict/$t.dict" ] || dict="-x build/fuzz/dict/$t.dict"
  rm -rf "$out"
  mkdir -p "$STATE"
  gather "$out/in" "corpus/fuzz/$t"
  if [ "$KEEP" != no ] || [ ! -d "corpus/fuzz/$t" ]; then gather "$out/in" "$STATE/$t" "build/fuzz/seeds/$t"; fi
  # All that is kept is replayed elsewhere; what the fuzzer runs before it begins is not bounded by SECONDS.
  [ "$KEEP" != no ] || (cd "$out/in" && find . -type f -printf '%s %f\n' | sort -n | sed '1,40d; s/^[0-9]* //' | xargs -r rm)
  if [ "$BUILD" = inproc ]; then with_libfuzzer; else with_afl; fi
  if [ ! -f "$out/row" ]; then
    tail -n 20 "$out/log"
    echo "$t: the fuzzer did not run"
    status=1
    continue
  fi
  cat "$out/row" >>"$STATE/sittings.tsv"
  if [ "$(find "$out/min" -type f 2>/dev/null | wc -l)" -gt 0 ]; then
    rm -rf "${STATE:?}/$t"
    gather "$STATE/$t" "$out/min"
  fi
  awk -F '\t' '{print $2 ": " $6 " runs in " $5 " s, " $7 " of " $8 " edges, " $9 " inputs, " $10 " crashes, " $11 " hangs"}' "$out/row"
  for f in "$out/broke"/*; do
    [ -f "$f" ] || continue
    mkdir -p "$STATE/broke/$t"
    cp "$f" "$STATE/broke/$t/"
    status=1
    echo "  build/asan/fuzz/replay_$t $STATE/broke/$t/$(basename "$f")"
  done
done
exit $status
