#!/bin/sh
# make demo: the main job on two files. A checkpoint that torch wrote (corpus/benign) is scanned, checked against its
# architecture and run; a hostile one, generated on the spot and harmless by construction, is scanned and explained.
set -u
cd "$(dirname "$0")/.." || exit 1
OUT=$PWD/build/${MODE:-release}
ckptlint=$OUT/ckptlint
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0

show() { # expected exit, command…
  want=$1
  shift
  printf '\n$ %s\n' "$(echo "$*" | sed "s|^$OUT/||")"
  "$@"
  got=$?
  echo "exit $got"
  [ "$got" -eq "$want" ] || { echo "demo: expected exit $want"; wrong=1; }
}

echo "1. A small model that torch saved: is it safe, is it the model, does it compute what its author recorded?"
show 0 "$ckptlint" forward corpus/benign/simple_cnn.pt --arch corpus/benign/simple_cnn.json

echo
echo "2. A file whose torch.load would run a command. Scanning it runs nothing."
"$OUT/corpus/gen" "$work" demo-hostile.pt && cd "$work" || exit 1
show 1 "$ckptlint" demo-hostile.pt
show 1 "$ckptlint" inspect --pickle demo-hostile.pt

echo
echo "3. What the rule means, and what to do."
show 0 "$ckptlint" explain GLB301
exit "$wrong"
