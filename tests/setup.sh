#!/bin/sh
# Installs what is missing, from Debian's packages. `setup.sh build`: what the program needs to be built and run;
# `setup.sh test`: what the tests need as well; `setup.sh lint`: what make lint calls. As another user than root it only
# says what is missing.
set -eu

BUILD="gcc make pkg-config libc6-dev linux-libc-dev libseccomp-dev libcjson-dev libdeflate-dev libmd-dev libssl3 libopenblas0-serial libarchive13"
TEST="$BUILD clang libclang-rt-14-dev afl++ libcmocka-dev unzip zip p7zip-full libarchive-tools zstd xz-utils lz4 bzip2 ziptool python3"
LINT="$BUILD clang-format clang-tidy cppcheck shellcheck valgrind"
# The oracles: Debian's own python3 with torch. CI installs them; elsewhere the suites that need them say SKIPPED.
ORACLES="python3-torch python3-torchvision python3-numpy python3-joblib python3-sklearn python3-pandas python3-lz4 python3-jsonschema python3-omegaconf python3-easydict libonnx-testdata"

case "${1:-build}" in
build) want=$BUILD ;;
lint) want=$LINT ;;
test) want=$TEST; [ "${CI:-}" = true ] && want="$want $ORACLES clang-format cppcheck shellcheck git" ;;
*) echo "usage: setup.sh build|test|lint" >&2; exit 4 ;;
esac

missing=
for p in $want; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
  echo "missing packages; as root: apt-get install$missing" >&2
  exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
