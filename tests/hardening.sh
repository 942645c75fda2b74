#!/bin/sh
# What the release build promises of its own file: it can be placed anywhere, its tables are read-only once it runs, no
# stack is executable, libraries come from the system's folders and are six, and the writable globals are those below.
# Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
[ "${MODE:-release}" = release ] || { echo "SKIPPED hardening: only the release build is hardened"; exit 0; }
program=${CKPTLINT:-build/release/ckptlint}
headers=$(readelf -hldW "$program") || exit 1
passed=0 failed=0

check() { # promise, what contradicts it
  if [ -z "$2" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'broken: %s: %s\n' "$1" "$2"
  fi
}
without() { # pattern: "none" when no header fits it
  printf '%s\n' "$headers" | grep -qE "$1" || echo none
}
with() { printf '%s\n' "$headers" | grep -E "$1"; }

# Writable data of ours, each with its reason: what is made at compile time is const, and lies in .data.rel.ro.
#   algorithm evp     tensor/stats: libcrypto's functions, loaded once before any sealed process
#   budget_left       base/json: what cJSON may still allocate, for its allocator knows no context
#   memory_failed     base/memory: whether this process was ever refused memory
#   preloads          sandbox/environment: what was preloaded, read before the environment is wiped
#   came              sandbox/spawn: the signal that ends the run, for its handler knows no context
#   format progress   api/second: words of a command line, which exec takes as char *
#   library loaded    container/unpack_foreign: libarchive's functions, loaded once before the seal
#   zlib bzip2 lzma have_*   container/unpack_broken: the codecs' functions, and which there are, likewise
listed=' algorithm budget_left bzip2 came evp format have_bzip2 have_lzma have_zlib library loaded lzma memory_failed preloads progress zlib '
# The compiler's and libc's own.
runtime=' __TMC_END__ __bss_start __cpu_features2 __cpu_model __data_start data_start __dso_handle __environ _edata _end completed environ _environ stderr stdout stdin '

check 'position-independent' "$(without 'Type: +DYN \(Position-Independent')"
check 'RELRO' "$(without '^ *GNU_RELRO ')"
check 'symbols bound at start' "$(without 'FLAGS_1\).*\bNOW\b')"
check 'no executable stack' "$(without '^ *GNU_STACK .* RW +0x')"
check 'the size of the stack is for the system to say' "$(with '^ *GNU_STACK +0x0+ 0x0+ 0x0+ 0x0+ 0x0*[1-9a-f]')"
# CET: functions begin with endbr64. The note that switches it on is missing as long as Debian's crt files have none.
check 'functions are marked for indirect branches' "$(objdump -d --no-show-raw-insn "$program" | awk '/endbr64/ {n++} END {if (n < 500) print n + 0}')"
check 'code is mapped apart from data' "$(with '^ *LOAD .* R +0x' | grep -q . || echo none)"
check 'no segment is writable and executable' "$(with '^ *LOAD .* RWE ')"
check 'no RPATH or RUNPATH' "$(with '\((RPATH|RUNPATH)\)')"
check 'text without relocations' "$(with '\(TEXTREL\)')"
needed=$(printf '%s\n' "$headers" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | LC_ALL=C sort | tr '\n' ' ')
[ "$needed" = 'libc.so.6 libcjson.so.1 libdeflate.so.0 libm.so.6 libmd.so.0 libseccomp.so.2 ' ] && needed=
check 'needs libc, libm, libseccomp, libcjson, libdeflate, libmd' "$needed"
resolved=$(ldd "$program" | awk '{print $1}' | grep -vE '^(linux-vdso|/lib(64)?/ld-linux|lib(c|cjson|deflate|m|md|seccomp)\.so)')
check 'these need nothing else' "$resolved"
fortified=$(nm -D --undefined-only "$program" | grep -c '_chk@')
[ "$fortified" -gt 0 ] && fortified=
check 'calls of libc are fortified' "$fortified"
check 'the stack is protected' "$(nm -D --undefined-only "$program" | grep -q '__stack_chk_fail@' || echo none)"

globals=
for name in $(readelf -SsW "$program" | awk '
    $1 == "[" { sub(/\]/, "", $2); if ($3 ~ /^\.(t?data|t?bss)$/) writable[$2] }
    $1 ~ /^\[[0-9]+\]$/ { n = $1; gsub(/[][]/, "", n); if ($2 ~ /^\.(t?data|t?bss)$/) writable[n] }
    $1 ~ /^[0-9]+:$/ && $7 in writable && $4 != "SECTION" { sub(/[@.].*/, "", $8); print $8 }' | LC_ALL=C sort -u); do
  case " $runtime $listed " in *[[:space:]]"$name"[[:space:]]*) ;; *) globals="$globals $name" ;; esac
done
check 'writable globals are listed here' "$globals"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
