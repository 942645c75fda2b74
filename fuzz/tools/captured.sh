#!/bin/sh
# captured.sh: stands for the program while an oracle runs. Each architecture file that the oracle compares becomes a seed of
# fuzz_arch, so that a sitting begins with every op:
#   SEEDS=$PWD/build/fuzz/state/arch CKPTLINT=$PWD/fuzz/tools/captured.sh /usr/bin/python3 tests/oracle/torch_grid.py
#   SEEDS      the folder that they are put into (it exists)
#   PROGRAM    build/ckptlint unless given
: "${SEEDS:?names the folder of the seeds}"
previous=
for word; do
  if [ "$previous" = --arch ] && [ -f "$word" ] && [ "$(wc -c <"$word")" -lt 8192 ]; then
    { cat "$word"; printf '\000'; } >"$SEEDS/$(sha256sum <"$word" | cut -c 1-16)"
  fi
  previous=$word
done
exec "${PROGRAM:-$(dirname "$0")/../../build/ckptlint}" "$@"
