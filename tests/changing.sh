#!/bin/sh
# Inputs that change while they are read are never clean: a byte written, the file cut, the file replaced by another.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
big=build/${MODE:-release}/tests/bench/big
"$big" 4 100000000 "$work/original.pt" || exit 1

# Starts a scan (digests of 400 MB) and stops its worker in the middle, so that the change falls between the broker's two looks
# however fast or busy the machine is. 1: it was done before it could be stopped.
begin() { # file, seconds that the worker goes on for
  "$CKPTLINT" inspect --hash sha256 "$1" >"$work/out" 2>&1 &
  scan=$!
  while kill -0 "$scan" 2>/dev/null; do
    worker=$(children "$scan" | head -n 1)
    [ -n "$worker" ] && grep -q "$1" "/proc/$scan/maps" 2>/dev/null && stops "$worker" || continue
    [ "$2" = 0 ] && return 0
    kill -s CONT "$worker" && sleep "$2" && stops "$worker" && return 0
  done
  wait "$scan"
  return 1
}

changed() { # promise, exit (a pattern), text of the report, command that changes FILE, seconds before it (0)
  cp "$work/original.pt" "$work/file.pt"
  began=false
  for _ in 1 2 3 4 5; do begin "$work/file.pt" "${5:-0}" && began=true && break; done
  $began; check "$1: a worker can be stopped" $?
  FILE=$work/file.pt sh -c "$4"
  kill -s CONT "$worker"
  wait "$scan"
  code=$?
  # shellcheck disable=SC2254 # a pattern
  case $code in
  $2) grep -q "$3" "$work/out" && check "$1" 0 && return ;;
  esac
  check "$1 (exit $code)" 1
  head -n 5 "$work/out"
}

changed "nothing changed: clean" 0 CLEAN true
# Exit 1 where the byte comes before its reader: then the checksum differs too.
changed "a byte is written into it" '[12]' RUN003/identity 'printf x | dd of="$FILE" bs=1 seek=300000000 conv=notrunc 2>/dev/null'
changed "it grows" 2 RUN003/identity 'printf x >>"$FILE"'
changed "it is cut under the reader" 2 RUN003 'truncate -s 1000 "$FILE"'
for pause in 0 0.005 0.03; do
  changed "it is cut to a page $pause s later" 2 RUN003 'truncate -s 4096 "$FILE"' $pause
  changed "it is cut in the middle $pause s later" 2 RUN003 'truncate -s 200000000 "$FILE"' $pause
  # Behind the end of the file its last page has zeros: checksums may differ first.
  changed "it is cut in its last page $pause s later" '[12]' RUN003 'truncate -s 399999999 "$FILE"' $pause
done
changed "it is removed" 2 RUN003/identity 'rm "$FILE"'
done_checking
