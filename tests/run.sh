#!/bin/sh
# Runs every suite and adds them up: the last line is "N passed, N failed". A suite is a cmocka program of
# build/MODE/tests, or a script tests/*.sh or tests/oracle/*.py that says "N passed, N failed" as its last line, or nothing of
# the kind: then its exit code is one test. "SKIPPED name: reason" is neither; under CI=true it must be listed in
# tests/allowed-skips.
set -u
cd "$(dirname "$0")/.." || exit 1
MODE=${MODE:-release}
OUT=$PWD/build/$MODE
CKPTLINT=$OUT/ckptlint GEN=$OUT/corpus/gen
export MODE OUT CKPTLINT GEN
log=$OUT/tests/log
mkdir -p "$log"
passed=0
failed=0

add() { # name, passed, failed
  passed=$((passed + $2))
  failed=$((failed + $3))
  if [ "$3" -gt 0 ]; then
    printf 'FAILED  %-28s %s passed, %s failed\n' "$1" "$2" "$3"
    grep -vE '^\[( +OK +| RUN +|=+|-+| +PASSED +)\]' "$log/$1" | tail -n 40
  else
    printf 'ok      %-28s %s\n' "$1" "$2"
  fi
}

skip() { # name, line
  printf '%s\n' "$2"
  if [ "${CI:-}" = true ] && ! grep -q "^$1:" tests/allowed-skips; then
    echo "FAILED  $1 was skipped and tests/allowed-skips does not list it"
    failed=$((failed + 1))
  fi
}

cmocka() { # path
  name=$(basename "$(dirname "$1")")_$(basename "$1" | sed 's/^test_//')
  "$1" >"$log/$name" 2>&1
  code=$?
  ran=$(sed -n 's/^\[=*\] \(.*: \)\{0,1\}\([0-9][0-9]*\) test(s) run\.$/\2/p' "$log/$name" | awk '{n += $1} END {print n + 0}')
  bad=$(sed -n 's/^\[ *FAILED *\] \(.*: \)\{0,1\}\([0-9][0-9]*\) test(s).*/\2/p' "$log/$name" | awk '{n += $1} END {print n + 0}')
  out=$(sed -n 's/^\[ *SKIPPED *\] \(.*: \)\{0,1\}\([0-9][0-9]*\) test(s).*/\2/p' "$log/$name" | awk '{n += $1} END {print n + 0}')
  [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1 # it died, or ran nothing
  [ "$ran" -eq 0 ] && [ "$bad" -eq 0 ] && bad=1
  [ "$ran" -lt $((bad + out)) ] && ran=$((bad + out))
  add "$name" $((ran - bad - out)) "$bad"
  [ "$out" -gt 0 ] && skip "$name" "SKIPPED $name: $out test(s) inside say why in $log/$name"
}

script() { # command…
  name=$(basename "$1" | sed 's/\.[a-z]*$//')
  case "$1" in *.py) set -- /usr/bin/python3 "$@" ;; *) set -- sh "$@" ;; esac
  "$@" >"$log/$name" 2>&1
  code=$?
  line=$(grep -m 1 '^SKIPPED ' "$log/$name")
  sum=$(tail -n 1 "$log/$name" | sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed.*/\1 \2/p')
  if [ -n "$line" ] && [ "$code" -eq 0 ]; then skip "$name" "$line"; [ -z "$sum" ] && return; fi
  if [ -n "$sum" ]; then
    good=${sum% *}
    bad=${sum#* }
    [ "$code" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    add "$name" "$good" "$bad"
  elif [ "$code" -eq 0 ]; then
    add "$name" 1 0
  else
    add "$name" 0 1
  fi
}

for t in "$OUT"/tests/unit/test_* "$OUT"/tests/sandbox/test_*; do
  case "$t" in *.d | *.o | *'*') continue ;; esac
  cmocka "$t"
done
for t in lint layers rules_docs documents json_front globals_torch hardening corpus answers catalogue exhaustion nested folders cli examples library install no_seccomp sandbox_told sandbox_items paranoid interrupted changing regress fuzz planted matrix msan; do
  [ -f "tests/$t.sh" ] && script "tests/$t.sh"
done
for t in \
  tests/oom/oom.py tests/faults/faults.py \
  tests/oracle/real.py \
  tests/oracle/zip_readers.py \
  tests/oracle/differential.py tests/oracle/safetensors_rules.py tests/oracle/mutate_real.py \
  tests/oracle/numpy_files.py \
  tests/oracle/pickled_arrays.py \
  tests/oracle/joblib_arrays.py \
  tests/oracle/nested_storages.py \
  tests/oracle/distributed.py \
  tests/oracle/tar_files.py \
  tests/oracle/torch_scan.py \
  tests/oracle/torch_objects.py tests/oracle/harmless.py tests/oracle/published.py tests/oracle/learners.py tests/oracle/science.py \
  tests/oracle/decompile.py \
  tests/oracle/torch_forward.py tests/oracle/torch_statements.py tests/oracle/torch_sequences.py tests/oracle/quantized.py tests/oracle/broken.py tests/oracle/edges.py tests/oracle/onnx_cases.py \
  tests/oracle/load_state_dict.py tests/oracle/goldens.py tests/oracle/weights.py \
  tests/oracle/no_weights.py tests/oracle/tutorial_saves.py \
  tests/oracle/wrappers.py \
  tests/oracle/configs.py \
  tests/oracle/resume.py tests/oracle/series.py \
  tests/oracle/arch_schema.py \
  tests/oracle/torch_layers.py tests/oracle/torch_own.py tests/oracle/torch_grid.py tests/oracle/forward_memory.py \
  tests/oracle/torchvision_forward.py \
  tests/oracle/export.py \
  tests/oracle/families.py tests/oracle/architectures.py tests/oracle/mutations.py tests/oracle/derived.py \
  tests/oracle/hugging_face.py \
  tests/oracle/diff.py \
  tests/oracle/describe.py \
  tests/oracle/lock.py \
  tests/oracle/schema.py; do
  if [ ! -x /usr/bin/python3 ]; then skip "$(basename "$t" .py)" "SKIPPED $(basename "$t" .py): there is no /usr/bin/python3"; else script "$t"; fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
