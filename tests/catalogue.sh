#!/bin/sh
# The threat model against the corpus: every id of it has a case in corpus/MANIFEST.tsv or a row in corpus/not-a-file.tsv;
# every rule that the manifest raises has a near miss in corpus/near.tsv, a file that does not raise it.
#   CKPTLINT, GEN   the programs. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
CKPTLINT=${CKPTLINT:-build/release/ckptlint}
GEN=${GEN:-${CKPTLINT%/*}/corpus/gen}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$GEN" "$work/files" || exit 1
tab=$(printf '\t')
passed=0 failed=0
check() { # command…: its failure was explained by it
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# The catalogue's rows, by section.
ids() {
  for section in A:12 B:16 C:18 D:7 E:22 F:10 G:15 H:33 I:12; do
    seq -f "${section%:*}%02g" "${section#*:}"
  done
  echo I03b
}

has_case() {
  grep -v '^#' corpus/MANIFEST.tsv | cut -f2 | grep -qx "$1" || grep -q "^$1$tab" corpus/not-a-file.tsv || {
    echo "FAILED $1 has no case and no row in corpus/not-a-file.tsv"
    return 1
  }
}

row_holds() { # id, how, where
  case $2 in
  test) [ -f "$3" ] || { echo "FAILED $1: there is no $3"; return 1; } ;;
  scope | open) [ -n "$3" ] || { echo "FAILED $1: no reason"; return 1; } ;;
  *) echo "FAILED $1: '$2' is none of test, scope, open"; return 1 ;;
  esac
}

has_near_miss() {
  grep -q "^$1$tab" corpus/near.tsv || { echo "FAILED $1 has no near miss in corpus/near.tsv"; return 1; }
}

near_holds() { # rule, file
  grep -q "^$2$tab" corpus/MANIFEST.tsv || { echo "FAILED $1: the manifest has no $2"; return 1; }
  "$CKPTLINT" --format ndjson "$work/files/$2" >"$work/report"
  grep -q '"type":"file_end"' "$work/report" || { echo "FAILED $1: no report on $2"; return 1; }
  ! grep -q "\"rule\":\"$1\"" "$work/report" || { echo "FAILED $2 raises $1"; return 1; }
}

for id in $(ids); do check has_case "$id"; done
while IFS=$tab read -r id how where; do
  case $id in \#*) ;; *) check row_holds "$id" "$how" "$where" ;; esac
done <corpus/not-a-file.tsv
for rule in $(grep -v '^#' corpus/MANIFEST.tsv | cut -f5 | grep -oE '[A-Z]{3}[0-9]{3}' | sort -u); do check has_near_miss "$rule"; done
while IFS=$tab read -r rule file; do
  case $rule in \#*) ;; *) check near_holds "$rule" "$file" ;; esac
done <corpus/near.tsv
echo "$passed passed, $failed failed"
[ $failed = 0 ]
