#!/bin/sh
# The threat model, corpus/threats.tsv, against the corpus: every id of it has a case in corpus/MANIFEST.tsv or a row in
# corpus/not-a-file.tsv, and these name no other id; every rule is raised by a row of the manifest or of corpus/commands.tsv, and
# has a near miss, a file of corpus/near.tsv or a command, that does not raise it.
#   CKPTLINT, GEN   the programs. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
corpus_folder || exit 1
rules=$(sed -n 's/^RULE(\([A-Z0-9]*\),.*/\1/p' rules/rules.def)
tab=$(printf '\t')
holds() { # command…: its failure was explained by it
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

ids() { grep -v '^#' corpus/threats.tsv | cut -f1; }

is_threat() { # id, the list that has it
  [ "$1" = - ] || ids | grep -qx "$1" || { echo "FAILED $2 names $1, which is no row of corpus/threats.tsv"; return 1; }
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

has_positive() {
  grep -v '^#' corpus/MANIFEST.tsv | cut -f5 | grep -q "$1/" || grep -q "^$1${tab}raises$tab" corpus/commands.tsv || {
    echo "FAILED nothing raises $1: no row of corpus/MANIFEST.tsv, none of corpus/commands.tsv"
    return 1
  }
}

has_near_miss() {
  grep -q "^$1$tab" corpus/near.tsv || grep -q "^$1${tab}near$tab" corpus/commands.tsv || {
    echo "FAILED $1 has no near miss in corpus/near.tsv nor in corpus/commands.tsv"
    return 1
  }
}

is_rule() {
  echo "$rules" | grep -qx "$1" || { echo "FAILED $2: there is no rule $1"; return 1; }
}

command_holds() { # rule, raises or near, arguments
  case $3 in
  "test "*)
    # shellcheck disable=SC2086 # its words
    set -- "$1" "$2" $3
    grep -q "$5" "$4" || { echo "FAILED $1: $4 has no $5"; return 1; }
    return 0
    ;;
  esac
  # shellcheck disable=SC2086 # its words
  (cd "$work" && "$CKPTLINT" $3 --format ndjson) >"$work/report" 2>"$work/errors"
  grep -q '"type":"file"' "$work/report" || { echo "FAILED $3: no report: $(head -c 300 "$work/errors")"; return 1; }
  if grep -q "\"rule\":\"$1\"" "$work/report"; then said=raises; else said=near; fi
  [ $said = "$2" ] || { echo "FAILED $3: for $1 this is '$said', not '$2'"; return 1; }
}

near_holds() { # rule, file
  grep -q "^$2$tab" corpus/MANIFEST.tsv || { echo "FAILED $1: the manifest has no $2"; return 1; }
  "$CKPTLINT" --format ndjson "$work/files/$2" >"$work/report"
  grep -q '"type":"file_end"' "$work/report" || { echo "FAILED $1: no report on $2"; return 1; }
  ! grep -q "\"rule\":\"$1\"" "$work/report" || { echo "FAILED $2 raises $1"; return 1; }
}

for id in $(ids); do holds has_case "$id"; done
for id in $(grep -hv '^#' corpus/MANIFEST.tsv | cut -f2 | sort -u); do holds is_threat "$id" corpus/MANIFEST.tsv; done
while IFS=$tab read -r id how where; do
  case $id in \#*) continue ;; esac
  holds is_threat "$id" corpus/not-a-file.tsv
  holds row_holds "$id" "$how" "$where"
done <corpus/not-a-file.tsv
for rule in $rules; do
  holds has_positive "$rule"
  holds has_near_miss "$rule"
done
while IFS=$tab read -r rule file; do
  case $rule in \#*) continue ;; esac
  holds is_rule "$rule" corpus/near.tsv
  holds near_holds "$rule" "$file"
done <corpus/near.tsv
while IFS=$tab read -r rule how arguments; do
  case $rule in \#*) continue ;; esac
  holds is_rule "$rule" corpus/commands.tsv
  holds command_holds "$rule" "$how" "$arguments"
done <corpus/commands.tsv
done_checking
