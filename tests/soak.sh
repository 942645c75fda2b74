#!/bin/sh
# Long work in one process: a command with two workers over a mixed tree, and a session of the library beside it. Each
# second both brokers are looked at: resident memory (all, and anonymous), descriptors, children. The medians of the last
# quarter may not exceed those of the first (memory by 1 MiB), there are never more children than workers, and each file
# keeps its verdict. Prints the table; ends with "N passed, N failed".
#   SECS             how long (3600)
#   OUT              the folder of the programs
#   CKPTLINT_REAL    a folder whose files are added to the tree
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
. tests/lib
SECS=${SECS:-3600}
OUT=${OUT:-$PWD/build/release}
command='' session='' work=${work:?}
# shellcheck disable=SC2086 # numbers, or nothing
trap 'kill $command $session 2>/dev/null; rm -rf "$work"' EXIT

# ---- the tree: every case of the corpus, what torch wrote, archives in archives, large ones, real ones ----

"$OUT/corpus/gen" "$work/tree" || exit 1
cp -r corpus/benign corpus/regress "$work/tree"
for i in 1 2 3 4 5 6; do "$OUT/tests/bench/big" $((i * i)) 3000000 "$work/tree/big$i.pt" || exit 1; done
"$OUT/tests/bench/big" 5000 64 "$work/tree/many.pt" || exit 1
[ -z "${CKPTLINT_REAL:-}" ] || ln -s "$CKPTLINT_REAL"/* "$work/tree"
cd "$work" || exit 1
find -L tree -type f ! -name '*.json' ! -name '*.npy' | sort >files
files=$(wc -l <files)
# The list is read whole before the first file: as long as two workers may need, and a command that gets through it is
# followed by another.
yes files | head -n $((SECS * 150 / files + 1)) | xargs cat >list

# ---- both run ----

mkfifo reports
# A verdict each: how many events a file has does not matter here. One that changes is told with its findings, unless it is that
# of a file which the end of the soak interrupted.
awk -v FS='"verdict":"' 'function tell() { if (changed) { print "FAILED " name ": " changed; wrong++ }; changed = "" }
  /^\{"type":"file"/ {
    tell(); split($2, verdict, "\""); name = $1; sub(/.*"path":"/, "", name); sub(/".*/, "", name); n++
    if (name in first && first[name] != verdict[1]) changed = verdict[1] ", the first time " first[name]
    if (!(name in first)) first[name] = verdict[1]
  }
  changed && /^\{"type":"finding"/ { changed = /"rule":"RUN006"/ ? "" : changed "\n  " $0 }
  END { tell(); print n + 0 " files by the command"; exit wrong > 0 || n == 0 }' reports >judged &
judge=$!
exec 3>reports
start_command() {
  "$OUT/ckptlint" scan -j 2 --timeout 600 --nested --format ndjson --files-from list >&3 2>>err &
  command=$!
}
start_command
# shellcheck disable=SC2046 # names without blanks
"$OUT/tests/soak/session" "$OUT/ckptlint" "$SECS" $(find tree -name '*.pt' ! -name 'big*' | sort | head -n 300) >session.out 2>>err &
session=$!

# ---- what they hold, once a second: seconds, then for each broker resident KiB, anonymous KiB, descriptors, children ----

look() { # process
  # shellcheck disable=SC2012,SC2046 # numbers
  echo $(awk '/^VmRSS|^RssAnon/ { print $2 }' "/proc/$1/status" 2>/dev/null) $(ls "/proc/$1/fd" 2>/dev/null | wc -l) \
    $(wc -w <"/proc/$1/task/$1/children")
}
started=$(date +%s)
commands=1
sleep 3
broker=$(cat "/proc/$session/task/$session/children")
broker=${broker%% *}
while seconds=$(($(date +%s) - started)) && [ "$seconds" -lt $((SECS - 1)) ]; do
  if ! kill -0 "$command" 2>/dev/null; then
    start_command
    commands=$((commands + 1))
    sleep 2
  fi
  echo "$seconds $(look "$command") $(look "$broker")" | awk 'NF == 9' >>samples
  sleep 1
done
kill "$command" && wait "$command" 2>/dev/null
command=''
exec 3>&-
wait "$judge"
check 'each file has the same verdict each time, by the command' $?
cat judged
echo "$commands command(s), a tree of $files files"
wait "$session"
check 'each file has the same verdict each time, by the session' $?
session=''
cat session.out
[ -s err ] && head err
check 'nothing is said on standard error' "$([ ! -s err ]; echo $?)"

# ---- the table ----

median() { # column, first line, last line
  sed -n "$2,$3p" samples | cut -d' ' -f"$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'
}
most() { cut -d' ' -f"$1" samples | sort -n | tail -n 1; }
lines=$(wc -l <samples)
quarter=$((lines / 4))
printf '%-34s %10s %10s %10s %10s %10s\n' "median of each quarter" 1st 2nd 3rd 4th greatest
row() { # column, allowed growth, name
  a=$(median "$1" 1 $quarter) d=$(median "$1" $((3 * quarter + 1)) "$lines")
  printf '%-34s %10s %10s %10s %10s %10s\n' "$3" "$a" "$(median "$1" $((quarter + 1)) $((2 * quarter)))" \
    "$(median "$1" $((2 * quarter + 1)) $((3 * quarter)))" "$d" "$(most "$1")"
  check "$3 does not grow" "$([ "$d" -le $((a + $2)) ]; echo $?)"
}
row 2 1024 'command: resident KiB'
row 3 1024 'command: anonymous KiB'
row 4 0 'command: descriptors'
row 6 1024 'session: resident KiB'
row 7 1024 'session: anonymous KiB'
row 8 0 'session: descriptors'
check 'the command has no more children than workers' "$([ "$(most 5)" -le 2 ]; echo $?)"
check 'the session has no more children than workers' "$([ "$(most 9)" -le 2 ]; echo $?)"
echo "$lines samples in $SECS s"
done_checking
