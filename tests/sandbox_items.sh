#!/bin/sh
# tests/sandbox/items.tsv against the tests: items 1 to 55, each once, each shown by tests that exist; likewise SECURITY.md.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
table=tests/sandbox/items.tsv
exists() { # file:test
  file=${1%%:*}
  name=${1#*:}
  case $file in
  test_*) grep -q "cmocka_unit_test($name)" "tests/sandbox/$file.c" ;;
  *) grep -qF "$name" "tests/$file" ;;
  esac
}

[ "$(grep -v '^#' $table | cut -f 1 | tr '\n' ' ')" = "$(seq 55 | tr '\n' ' ')" ]; check "items 1 to 55, each once" $?
tab=$(printf '\t')
grep -v '^#' $table >"$work/items"
while IFS=$tab read -r item what where how; do
  case $how in
  run | simulated)
    [ -n "$where" ]; check "$item is shown somewhere" $?
    rest="$where;"
    while [ -n "$rest" ]; do
      exists "${rest%%;*}"; check "$item ($what): ${rest%%;*} is a test" $?
      rest=${rest#*;}
    done
    ;;
  elsewhere:*) echo "not run here: $item, $what: ${how#elsewhere: }" ;;
  *) check "$item: how is it shown?" 1 ;;
  esac
done <"$work/items"

# SECURITY.md names the tests that hold each promise.
for f in $(grep -o '`tests/[^`]*`' SECURITY.md | tr -d '`'); do
  [ -f "$f" ]; check "SECURITY.md: $f is there" $?
done
[ "$(grep -c '^| .* | .*`\(tests\|make\)' SECURITY.md)" -ge 10 ]; check "SECURITY.md: each promise has its tests" $?
done_checking
