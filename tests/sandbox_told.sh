#!/bin/sh
# What the sandbox is, every report tells: the digest of the filters, layers that are off, libraries put into the process
# from outside. Nothing but an option weakens it, and there is no build without it.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
file=corpus/benign/simple_linear.pt

"$CKPTLINT" --format ndjson "$file" >"$work/report"
"$CKPTLINT" doctor --format json >"$work/doctor"
digest=$(sed -n 's/.*"policy_sha256":"\([0-9a-f]\{64\}\)".*/\1/p' "$work/report")
[ -n "$digest" ]; check "a report has the filters' digest" $?
[ "$digest" = "$(sed -n 's/.*"policy_sha256":"\([0-9a-f]\{64\}\)".*/\1/p' "$work/doctor")" ]; check "doctor has the same" $?
"$CKPTLINT" doctor | grep -q "policy sha256 $digest"; check "and shows it to people" $?
"$CKPTLINT" -v "$file" | grep -qx "System-call filters sha256:$digest\."; check "and so does a report with -v" $?
if [ "${MODE:-release}" = release ] && grep -q '"libseccomp":"2.5.4"' "$work/report"; then
  grep -q "^$(uname -m) sha256 $digest\$" tests/sandbox/golden.txt; check "it is the golden one" $?
fi

"$CKPTLINT" --sandbox none --format ndjson "$file" >"$work/none"
grep -q '"level":"none"' "$work/none"; check "without the seal no level is claimed" $?
grep -q 'policy_sha256' "$work/none"; [ $? -eq 1 ]; check "nor a digest of filters that are not on" $?
for layer in mdwe landlock seccomp; do
  grep -q "\"rule\":\"RUN008\".*\"reason\":\"layer\".*lacks $layer" "$work/none"; check "and the report says that $layer is off" $?
done

# A library that every system has, loaded before main.
LD_PRELOAD=libm.so.6 "$CKPTLINT" --format ndjson "$file" >"$work/preload"
grep -q '"preloaded":\["LD_PRELOAD"\]' "$work/preload"; check "LD_PRELOAD is told in the report" $?
grep -q '"rule":"RUN008".*"reason":"preload"' "$work/preload"; check "and beside the verdict" $?
LD_PRELOAD=libm.so.6 "$CKPTLINT" doctor | grep -q 'LD_PRELOAD put code of others'; check "and by doctor" $?
LD_PRELOAD='' "$CKPTLINT" --format ndjson "$file" | grep -q preloaded; [ $? -eq 1 ]; check "an empty LD_PRELOAD is none" $?

# No variable weakens anything; the worker's environment is empty but for what a terminal needs.
CKPTLINT_SANDBOX=none CKPTLINT_ARGS='--sandbox none' SECCOMP=0 "$CKPTLINT" --format ndjson "$file" >"$work/env"
cmp -s "$work/report" "$work/env"; check "variables change nothing" $?

# A build whose headers know no seccomp must not become a program without it.
mkdir -p "$work/empty/linux"
: >"$work/empty/seccomp.h"
: >"$work/empty/linux/seccomp.h"
for c in sandbox/policy.c sandbox/end.c sandbox/lockdown.c sandbox/probe.c; do
  ${CC:-gcc} -std=c11 -D_GNU_SOURCE -Ivalidator -I. -fsyntax-only "$c" 2>/dev/null; check "$c compiles here" $?
  ${CC:-gcc} -std=c11 -D_GNU_SOURCE -I"$work/empty" -Ivalidator -I. -Werror=implicit-function-declaration -fsyntax-only "$c" 2>/dev/null
  [ $? -ne 0 ]; check "without the headers $c does not" $?
done
done_checking
