#!/bin/sh
# The command line as its users meet it: every tests/cli/NAME.sh runs in an empty folder, and what it prints is compared.
#   NAME.exact   the output, byte for byte
#   NAME.glob    the output line by line: a shell pattern each; a line `...` stands for any number of lines
#   NAME.exit    the exit code of the script; 0 if there is none
# SCRIPT_SECONDS is what one may take (60).
# A script has CKPTLINT, GEN (the corpus generator), CORPUS (the folder) and the functions of tests/cli/lib. Ends with
# "N passed, N failed". UPDATE=1 rewrites the .exact files. $1…: only these names.
set -u
cd "$(dirname "$0")/.." || exit 1
top=$(pwd)
CKPTLINT=${CKPTLINT:-$top/build/release/ckptlint}
case $CKPTLINT in /*) ;; *) CKPTLINT=$top/$CKPTLINT ;; esac
GEN=${GEN:-${CKPTLINT%/*}/corpus/gen}
CORPUS=$top/corpus
LIB=$top/tests/cli/lib
export CKPTLINT GEN CORPUS LIB
# Generated once; the scripts copy what they need.
work=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
(cd "$top" && "$GEN" "$work/cases") || exit 1
CASES=$work/cases
export CASES
escape=$(printf '\033')
passed=0 failed=0

# Patterns on descriptor 3, lines on 4. `...` gives up lines until the next pattern fits.
matches() {
  wild=false
  while IFS= read -r pattern <&3; do
    if [ "$pattern" = ... ]; then
      wild=true
      continue
    fi
    while :; do
      IFS= read -r line <&4 || { echo "nothing fits the pattern: $pattern"; return 1; }
      # shellcheck disable=SC2254 # a pattern is what it is
      case $line in $pattern) break ;; esac
      $wild || { printf 'line:    %s\npattern: %s\n' "$line" "$pattern"; return 1; }
    done
    wild=false
  done
  $wild || ! IFS= read -r line <&4 || { echo "a line too many: $line"; return 1; }
}

check() { # path without .sh
  want=0
  [ ! -f "$1.exit" ] || want=$(cat "$1.exit")
  [ "$code" = "$want" ] || { echo "exit $code, expected $want"; return 1; }
  if grep -q "$escape" "$work/output"; then echo 'an escape byte in the output'; return 1; fi
  if [ -f "$1.exact" ] && [ -n "${UPDATE:-}" ]; then cp "$work/output" "$1.exact"; fi
  if [ -f "$1.exact" ]; then diff "$1.exact" "$work/output"; return; fi
  [ -f "$1.glob" ] || { [ ! -s "$work/output" ] || { echo 'it says:'; head -5 "$work/output"; return 1; }; return 0; }
  matches 3<"$1.glob" 4<"$work/output"
}

for script in "$top"/tests/cli/*.sh; do
  name=$(basename "$script" .sh)
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  mkdir "$work/$name"
  (cd "$work/$name" && timeout -k 5 "${SCRIPT_SECONDS:-60}" sh "$script") >"$work/output" 2>&1
  code=$?
  if check "${script%.sh}" >"$work/why" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $name"
    sed 's/^/  /' "$work/why"
  fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
