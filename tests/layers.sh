#!/bin/sh
# Folders are layers: an include points to a lower floor or stays in its own folder (ARCHITECTURE.md). The floors:
cd "$(dirname "$0")/.." || exit 1
awk '
BEGIN {
  floor["base"] = 1
  floor["container"] = floor["pickle"] = floor["tensor"] = floor["report"] = 2
  floor["model"] = 3; floor["arch"] = 4; floor["forward"] = 5; floor["rules"] = 5
  floor["sandbox"] = 6; floor["api"] = 7; floor["cli"] = 8
}
FNR == 1 { split(FILENAME, part, "/"); home = part[1] == "validator" ? part[2] : part[1]; seen++ }
/^#include "/ {
  split($2, quoted, "\""); path = quoted[2]; split(path, p, "/"); to = p[1]
  if (!(to in floor)) { print FILENAME ":" FNR ": " path " names no layer"; bad++ }
  else if (to != home && floor[to] >= floor[home]) { print FILENAME ":" FNR ": " home " (floor " floor[home] ") includes " path " (floor " floor[to] ")"; bad++ }
}
END { if (seen < 50) { print "only " seen " files were read"; bad++ }; exit bad > 0 }
' validator/*/*.[ch] rules/*.[ch] sandbox/*.[ch]
layers=$?

# At the top stand these folders and what readers and tools look for there; generated files are never tracked.
top='.ci .clang-format .clang-tidy .cppcheck .editorconfig .gitignore ARCHITECTURE.md CHANGELOG.md LICENSE Makefile README.md SECURITY.md
corpus fuzz rules sandbox tests validator'
for name in $(git ls-files 2>/dev/null | sed 's:/.*::' | sort -u); do
  echo "$top" | tr ' ' '\n' | grep -qxF -e "$name" && continue
  echo "$name does not belong at the top of the repository"
  layers=1
done
exit $layers
