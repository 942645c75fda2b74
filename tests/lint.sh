#!/bin/sh
# The quick half of the analysers: format, cppcheck, shell scripts. `make lint` runs clang-tidy and gcc's analyser as well.
set -u
cd "$(dirname "$0")/.." || exit 1
[ "${MODE:-release}" = release ] || { echo "0 passed, 0 failed"; exit 0; } # the sources are the same
for tool in clang-format cppcheck shellcheck git; do
  command -v $tool >/dev/null || { echo "SKIPPED lint: $tool is not installed"; exit 0; }
done
git ls-files >/dev/null 2>&1 || { echo "SKIPPED lint: this is no checkout of the repository"; exit 0; }
make -s lint-quick
