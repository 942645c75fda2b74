#!/bin/sh
# keep.sh TARGET…: what the sittings have found into the repository. Of the inputs those that reach every edge that any of
# them reaches, up to 16 KiB each, into corpus/fuzz/TARGET under their digests; and the lines about the sittings.
set -u
cd "$(dirname "$0")/.." || exit 1
STATE=${STATE:-build/fuzz/state}
export AFL_ALLOW_TMP=1 AFL_NO_AFFINITY=1
all=$(mktemp -d) || exit 1
trap 'rm -rf "$all"' EXIT
for t; do
  [ -d "$STATE/$t" ] && [ -x "build/fuzz-fast/fuzz/fuzz_$t" ] || continue
  mkdir -p "$all/$t" "corpus/fuzz/$t"
  find "$STATE/$t" "corpus/fuzz/$t" -type f -size -17k -exec cp {} "$all/$t" \;
  afl-cmin -e -m none -i "$all/$t" -o "$all/$t.min" -- "build/fuzz-fast/fuzz/fuzz_$t" >"$all/log" 2>&1
  if [ "$(find "$all/$t.min" -type f 2>/dev/null | wc -l)" -eq 0 ]; then
    tail -n 5 "$all/log"
    echo "$t: nothing kept"
    continue
  fi
  rm -f "corpus/fuzz/$t"/*
  for f in "$all/$t.min"/*; do cp "$f" "corpus/fuzz/$t/$(sha256sum <"$f" | cut -c 1-16)"; done
  echo "$t: $(find "corpus/fuzz/$t" -type f | wc -l) inputs"
done
if [ -f "$STATE/sittings.tsv" ]; then
  cat "$STATE/sittings.tsv" >>fuzz/sittings.tsv
  rm "$STATE/sittings.tsv"
fi
