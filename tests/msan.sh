#!/bin/sh
# MemorySanitizer over what reads foreign bytes: the unit tests of the parsers and of what they stand on, and every seed of the
# fuzz targets with a few changes. Left out is what libraries compute that it can't see: OpenBLAS (forward), libcrypto
# (digests of whole scans), libarchive, libseccomp; and tests that measure time. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
[ "${MODE:-release}" = release ] || { echo "0 passed, 0 failed"; exit 0; } # it stands beside a release run
command -v clang >/dev/null || { echo "SKIPPED msan: clang is not installed"; exit 0; }
units='arena contents detect disasm gguf globals hash inner json legacy machine near npy plan report safetensors state_dict tar utf8 view walk zip'
targets='zip pickle tar legacy npy gguf safetensors joblib json scan report wire plan folder index view expr policy lock match escape adapter'
out=build/msan

mkdir -p build
# shellcheck disable=SC2046,SC2086 # lists
make -s -j2 MODE=msan CC="${MSAN_CC:-clang}" $(printf "$out/tests/unit/test_%s " $units) $(printf "$out/fuzz/replay_%s " $targets) >build/msan.log 2>&1
check "clang builds the parsers with MemorySanitizer" $? || tail build/msan.log
GEN=${GEN:-$PWD/build/release/corpus/gen} sh fuzz/seeds.sh "$work/seeds" >/dev/null || exit 1
for unit in $units; do
  "$out/tests/unit/test_$unit" >"$work/log" 2>&1
  code=$?
  check "test_$unit" $code
  [ $code -eq 0 ] || grep -A 12 MemorySanitizer "$work/log"
done
for target in $targets; do
  find "$work/seeds/$target" "corpus/regress/$target" "corpus/fuzz/$target" -type f -print0 2>/dev/null | LC_ALL=C sort -z |
    xargs -0 timeout 300 "$out/fuzz/replay_$target" -m 3 >"$work/log" 2>&1
  code=$?
  check "replay_$target" $code
  [ $code -eq 0 ] || tail -n 20 "$work/log"
done
done_checking
