#!/bin/sh
# What the documents refer to is there: links, files, reasons of rules, make's targets, fuzz targets; and what comments refer
# to: sections of validator/doc/format-spec.md and rows of corpus/threats.tsv. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
find . -path ./build -prune -o -path ./.git -prune -o -type f -print | sed 's|^\./||' >"${work:?}/files"
grep '\.md$' "$work/files" >"$work/pages"
grep -E '\.(c|h|def|inc|sh|py|cases)$' "$work/files" | grep -v '^corpus/fuzz/' >"$work/sources"
pages=$(cat "$work/pages")

# [text](path): beside the page, or an address.
for page in $pages; do
  for link in $(sed 's/`[^`]*`//g' "$page" | grep -oE '\]\([^)# ]+' | cut -c3-); do
    case $link in *://* | mailto:*) continue ;; esac
    [ -e "${page%"${page##*/}"}$link" ]
    check "$page: there is no $link" $?
  done
done

# `name.c`, alone or behind the end of its path; NAME, ID and the like stand for any.
# shellcheck disable=SC2086 # names of pages
for name in $(grep -ohE '`[a-z0-9_./-]+\.(c|h|def|sh|awk|mk|tsv|cases)`' $pages | tr -d '`' | sort -u); do
  grep -qE "(^|/)$(printf '%s' "$name" | sed 's/\./\\./g')\$" "$work/files"
  check "no file is called $name: $(grep -lF "\`$name\`" $pages | tr '\n' ' ')" $?
done

# RULE/reason; the changelog names what is gone.
sed -nE 's/^OBS\(\w+, *(\w+), *\w+, *"([^"]+)".*/\1\/\2/p' validator/base/obs_*.def >"$work/reasons"
for reason in $(grep -v '^CHANGELOG' "$work/pages" | xargs grep -ohE '\b[A-Z]{3}[0-9]{3}/[a-z0-9]+(-[a-z0-9]+)*' | sort -u); do
  grep -qx "$reason" "$work/reasons"
  check "no reason is called $reason" $?
done

# `make target`
# shellcheck disable=SC2086
for target in $(grep -ohE '(`|^    )make [a-z][a-z-]*' $pages | sed 's/.*make //' | sort -u); do
  grep -qE "^(\.PHONY:.* )?$target( .*)?:|^\.PHONY:.* $target( |\$)" Makefile fuzz/fuzz.mk
  check "make has no $target" $?
done

for target in fuzz/fuzz_*.c; do
  name=$(basename "$target" .c)
  grep -q "^| .*\`$name\`.* |" fuzz/README.md
  check "fuzz/README.md has no row for $name" $?
done

# "format-spec D.3", "threats H09": over the end of a line too.
refer() { # pattern
  # shellcheck disable=SC2046 # names of sources
  sed 's|^ *\*||; s|^#||' $(cat "$work/sources") | tr -s '\n ' '  ' | grep -ohE "$1" | grep -oE '[A-I0][.0-9]*[0-9]b?$' | sort -u
}
for section in $(refer 'format-spec,? [A-G0]\.[0-9]+'); do
  grep -qE "^### $(printf '%s' "$section" | sed 's/\./\\./') " validator/doc/format-spec.md
  check "format-spec has no section $section" $?
done
for row in $(refer '[Tt]hreats [A-I][0-9][0-9]b?'); do
  grep -q "^$row	" corpus/threats.tsv
  check "corpus/threats.tsv has no row $row" $?
done
[ "$(refer 'format-spec,? [A-G0]\.[0-9]+' | wc -l)" -ge 20 ]
check "comments name sections of format-spec" $?
done_checking
