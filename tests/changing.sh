#!/bin/sh
# Inputs that change while they are read are never clean: a byte written, the file cut, the file replaced by another.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
big=build/${MODE:-release}/tests/bench/big
"$big" 4 100000000 "$work/original.pt" || exit 1

# Starts a scan that takes most of a second (digests of 400 MB), changes the file under it, compares what is said.
changed() { # promise, exit (a pattern), text of the report, command that changes FILE
  cp "$work/original.pt" "$work/file.pt"
  "$CKPTLINT" inspect --hash sha256 "$work/file.pt" >"$work/out" 2>&1 &
  scan=$!
  sleep 0.1
  FILE=$work/file.pt sh -c "$4"
  wait "$scan"
  code=$?
  # shellcheck disable=SC2254 # a pattern
  case $code in
  $2) grep -q "$3" "$work/out" && passed=$((passed + 1)) && return ;;
  esac
  echo "broken: $1 (exit $code)"
  head -n 5 "$work/out"
  failed=$((failed + 1))
}

changed "nothing changed: clean" 0 CLEAN true
# Exit 1 where the byte comes before its reader: then the checksum differs too.
changed "a byte is written into it" '[12]' RUN003/identity 'printf x | dd of="$FILE" bs=1 seek=300000000 conv=notrunc 2>/dev/null'
changed "it grows" 2 RUN003/identity 'printf x >>"$FILE"'
changed "it is cut under the reader" 2 RUN003 'truncate -s 1000 "$FILE"'
changed "it is removed" 2 RUN003/identity 'rm "$FILE"'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
