#!/bin/sh
# Ctrl-C and its kin: the run ends within a second, the report is a whole document that says so, what was judged stays
# judged, nothing is left behind.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
mkdir "${work:?}/tree"
"build/${MODE:-release}/tests/bench/big" 4 50000000 "$work/tree/1.pt" || exit 1
for i in 2 3 4 5 6; do ln "$work/tree/1.pt" "$work/tree/$i.pt"; done

# A shell starts what goes to the background with SIGINT ignored; env gives it back.
# Freezes a worker of $pid in the middle of its work, so that only the signal can end the run.
freeze() {
  for i in $(seq 500); do
    worker=$(children "$pid" | head -n 1)
    [ -n "$worker" ] && stops "$worker" && return 0
    sleep 0.01
  done
  echo "no worker to freeze"
  return 1
}
end_by() { # signal
  began=$(date +%s%N)
  kill -s "$1" "$pid"
  wait "$pid"
  code=$?
  took=$((($(date +%s%N) - began) / 1000000))
}
stopped() { # signal, command, options…
  signal=$1
  shift
  setsid env --default-signal=INT "$CKPTLINT" "$@" >"$work/report" 2>"$work/err" &
  pid=$!
  freeze
  end_by "$signal"
}

for signal in INT TERM HUP; do
  stopped "$signal" inspect --hash sha256 --jobs 2 --format ndjson "$work/tree"
  [ "$code" -eq 130 ]; check "$signal: exit 130, not $code" $?
  [ "$took" -lt 1000 ]; check "$signal: within a second, not $took ms" $?
  tail -n 1 "$work/report" | grep -q '^{"type":"summary","complete":false,"exit":130.*stopped by a signal'; check "$signal: the summary says so" $?
  grep -q '"verdict":"not checked"' "$work/report" && grep -q '"rule":"RUN006"' "$work/report"; check "$signal: what was begun is not checked" $?
  [ -z "$(children "$pid")" ] && ! kill -0 "$worker" 2>/dev/null; check "$signal: no worker is left" $?
done
stopped INT inspect --hash sha256 --format json "$work/tree"
head -c 1 "$work/report" | grep -q '{' && tail -n 1 "$work/report" | grep -q '}$' && grep -q '"exit": *130' "$work/report"; check "the JSON document is whole" $?
stopped INT inspect --hash sha256 "$work/tree"
grep -q 'stopped by a signal' "$work/report"; check "and people are told" $?
stopped INT lock "$work/tree/1.pt"
[ "$code" -eq 130 ] && [ ! -s "$work/report" ]; check "no half of a lock file" $?
stopped INT diff "$work/tree/1.pt" "$work/tree/2.pt"
[ "$code" -eq 130 ]; check "diff stops, too" $?

# The second process of --paranoid stands still, and nobody reads on in vain.
setsid env --default-signal=INT "$CKPTLINT" inspect --paranoid --hash sha256 --format ndjson "$work/tree" >"$work/report" &
pid=$!
for i in $(seq 500); do
  worker=$(children "$pid" | head -n 1)
  [ -n "$worker" ] && kill -s STOP "$worker" && break
done
sleep 0.3
end_by INT
[ "$code" -eq 130 ] && [ "$took" -lt 1000 ] && ! grep -q '6.pt","verdict":"clean"' "$work/report"; check "without its second run nothing is clean" $?

# As from a terminal: the whole group gets it. A worker that died of it would look like a crash.
setsid env --default-signal=INT "$CKPTLINT" inspect --hash sha256 --jobs 2 --format ndjson "$work/tree" >"$work/report" &
pid=$!
freeze
end_by INT
pid=-$pid
[ "$code" -eq 130 ] && ! grep -q RUN001 "$work/report"; check "Ctrl-C for the whole group" $?

# What was judged stays judged: one input is done, the other one comes from a pipe that nobody closes.
mkfifo "$work/fifo"
sleep 60 >"$work/fifo" &
sleeper=$!
setsid env --default-signal=INT "$CKPTLINT" --jobs 1 --format ndjson corpus/benign/simple_linear.pt - <"$work/fifo" >"$work/report" &
pid=$!
sleep 0.5
end_by INT
kill "$sleeper"
[ "$code" -eq 130 ] && [ "$took" -lt 1000 ]; check "while it waits for standard input" $?
grep -q 'simple_linear.pt","verdict":"clean"' "$work/report"; check "what was judged keeps its verdict" $?
done_checking
