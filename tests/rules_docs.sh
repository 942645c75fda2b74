#!/bin/sh
# Each rule of rules/rules.def has its page rules/doc/ID.md with the same name, severity, effect and title and all five
# sections; no page is without a rule; a reason that a page shows ("[FMT102/local-name]") is one that the rule has, and the
# finding that it shows has the form of the reason's sentence.
# Run from the top folder; prints what is wrong and exits 1 if anything is.
set -u
# rules.def as "id|name|severity|effect|title", spelled as the reports spell them
rows=$(sed -nE 's/^RULE\((\w+), +"([^"]+)", +(\w+), +(\w+), +"(.*)"\)$/\1|\2|\L\3|\4\E|\5/p' rules/rules.def |
  sed -E 's/\|unchecked\|/|not checked|/; s/\|incompat\|/|incompatible|/')
reasons=$(sed -nE 's/^OBS\(\w+, *(\w+), *\w+, *"([^"]+)".*/\1\/\2/p' validator/base/obs_*.def)

complain() {
  echo "$*"
  : > "$failed"
}
failed=$(mktemp) && rm -f "$failed"
field() { sed -n "2,6s/^$2: //p" "$1"; }

check_page() { # id, name, severity, effect, title
  page=rules/doc/$1.md
  [ -f "$page" ] || { complain "$1 has no page"; return; }
  found="$(field "$page" id)|$(field "$page" name)|$(field "$page" severity)|$(field "$page" effect)|$(field "$page" title)"
  [ "$found" = "$1|$2|$3|$4|$5" ] || complain "$page: the front matter says $found, rules.def says $1|$2|$3|$4|$5"
  sections=$(grep '^## ' "$page" | tr '\n' ' ')
  [ "$sections" = '## What ## Why ## Example ## Fix ## References ' ] || complain "$page: sections are $sections"
  case $reasons in *"$1/"*) ;; *) return ;; esac
  for shown in $(grep -oE '\[[A-Z]{3}[0-9]{3}/[a-z0-9-]+\]' "$page" | tr -d '[]'); do
    printf '%s\n' "$reasons" | grep -qx "$shown" || complain "$page shows $shown, which is no reason of that rule"
  done
}

[ -n "$rows" ] && [ "$(printf '%s\n' "$rows" | wc -l)" -eq "$(grep -c '^RULE(' rules/rules.def)" ] ||
  complain 'a row of rules.def is not understood by this test'
while IFS='|' read -r id name severity effect title; do
  check_page "$id" "$name" "$severity" "$effect" "$title"
done <<EOF
$rows
EOF
for page in rules/doc/*.md; do
  id=$(basename "$page" .md)
  grep -q "^RULE($id," rules/rules.def || complain "$page belongs to no rule"
done
told=$(awk -f tests/sentences.awk validator/base/obs_*.def rules/doc/*.md)
[ -z "$told" ] || complain "$told"
[ -e "$failed" ] && { rm -f "$failed"; exit 1; }
echo 'rules_docs: ok'
