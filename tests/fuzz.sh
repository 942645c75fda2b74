#!/bin/sh
# Half a minute of AFL++ over all targets: nothing may crash, hang or break a property. `make fuzz T=scan SECS=3600` is
# the long run.
set -u
cd "$(dirname "$0")/.." || exit 1
[ "${MODE:-release}" = release ] || { echo "0 passed, 0 failed"; exit 0; }
command -v afl-fuzz >/dev/null || { echo "SKIPPED fuzz: afl++ is not installed"; exit 0; }
passed=0
failed=0
make -s -j2 fuzz-smoke >build/fuzz.log 2>&1
code=$?
tail -n 20 build/fuzz.log
passed=$(grep -c ' runs in .* 0 crashes, 0 hangs$' build/fuzz.log)
failed=$(grep -c ' runs in ' build/fuzz.log)
failed=$((failed - passed))
[ "$code" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
