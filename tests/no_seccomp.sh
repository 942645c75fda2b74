#!/bin/sh
# A host without seccomp: no verdict (exit 5) unless the user asks for less, and then every report says so.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
outer=build/${MODE:-release}/tests/sandbox/outer
file=corpus/benign/simple_linear.pt
exits() { # code, command…
  want=$1
  shift
  "$@" >/dev/null 2>&1
  [ $? -eq "$want" ]
}

exits 0 "$CKPTLINT" "$file"; check "with seccomp the file is clean" $?
exits 5 "$outer" "$CKPTLINT" "$file"; check "without it there is no verdict" $?
exits 5 "$outer" "$CKPTLINT" "$file" --format json; check "in a machine format neither" $?
"$outer" "$CKPTLINT" "$file" --format json 2>/dev/null | grep -q '"exit":5'; check "and the document says so" $?
exits 5 env CKPTLINT_SANDBOX=none "$outer" "$CKPTLINT" "$file"; check "no environment variable weakens it" $?
exits 0 "$outer" "$CKPTLINT" --sandbox none "$file"; check "--sandbox none does" $?
"$outer" "$CKPTLINT" --sandbox none "$file" | grep -q 'sandbox \(none\|reduced\)'; check "and the report names the level" $?
"$outer" "$CKPTLINT" --sandbox none "$file" | grep -q 'RUN008/layer'; check "and which layer is missing" $?
"$outer" "$CKPTLINT" doctor | grep -q 'seccomp  *\(off\|missing\|no\)'; check "doctor shows what is missing" $?
done_checking
