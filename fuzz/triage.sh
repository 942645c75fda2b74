#!/bin/sh
# triage.sh TARGET…: every input in STATE/broke that still breaks its target, made small, into corpus/regress/TARGET/DIGEST;
# of those that end in the same words only the smallest. Name it after what it shows, and fix the target or the program.
set -u
cd "$(dirname "$0")/.." || exit 1
STATE=${STATE:-build/fuzz/state}
OUT=${OUT:-build/asan}
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=0 UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
export AFL_NO_AFFINITY=1 AFL_ALLOW_TMP=1 AFL_SKIP_CPUFREQ=1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
words() { # target, file: what it says when it breaks; empty: it does not
  (cd "$work" && timeout 20 "$OLDPWD/$OUT/fuzz/replay_$1" "$2" 2>&1) >"$work/said" && return
  grep -m 1 -E 'property failed|ERROR: AddressSanitizer|runtime error|: failed:' "$work/said" | sed 's/==[0-9]*==//; s/0x[0-9a-f]*//g' || echo broke
}
new=0
for t; do
  for f in "$STATE/broke/$t"/*; do
    [ -f "$f" ] || continue
    f=$PWD/$f
    said=$(words "$t" "$f")
    [ -n "$said" ] || continue
    mkdir -p "corpus/regress/$t"
    afl-tmin -m none -t 5000 -i "$f" -o "$work/small" -- "build/fuzz-fast/fuzz/fuzz_$t" >/dev/null 2>&1 || cp "$f" "$work/small"
    [ "$(words "$t" "$work/small")" = "$said" ] || cp "$f" "$work/small"
    if grep -qxF "$t $said" "$work/known" 2>/dev/null; then continue; fi
    echo "$t $said" >>"$work/known"
    name=corpus/regress/$t/$(sha256sum <"$work/small" | cut -c 1-16)
    cp "$work/small" "$name"
    echo "$name: $said"
    new=$((new + 1))
  done
done
echo "$new new"
