#!/bin/sh
# A planted bug of the parser is contained and told; `make planted` shows as well that the fuzzer finds it.
exec sh "$(dirname "$0")/../fuzz/planted/planted.sh"
