#!/bin/sh
# make bench: times as ratios beside something everybody has, run in turn on this machine. The peak is private memory
# of the largest process (RssAnon + RssShmem + VmPTE); cached pages of the input don't count.
set -eu
cd "$(dirname "$0")/../.."
OUT=build/${MODE:-release}
work=${BENCH_DIR:-$(mktemp -d)}
trap 'rm -rf "$work"' EXIT
measure() { "$OUT/tests/bench/measure" "$@"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

row() { # label, runs, baseline label, baseline (a shell command), command…
  label=$1 runs=$2 name=$3 base=$4
  shift 4
  sh -c "$base" >/dev/null 2>&1 || true # warm the cache
  # shellcheck disable=SC2046 # three words each
  set -- $(measure "$runs" "$@") $(measure "$runs" sh -c "$base")
  printf '%-44s %9.1f ms %8.1f MiB   %6s x %s (%.1f ms)\n' "$label" "$1" "$2" "$(ratio "$1" "$4")" "$name" "$4"
  took=$1 base_took=$4
}

aim() { # label, milliseconds, how many it may take
  printf '%-44s %9.1f ms                %6s x the %s ms that it may take\n' "$1" "$2" "$(ratio "$2" "$3")" "$3"
}

echo "building the inputs in $work"
"$OUT/tests/bench/big" 16 67108864 "$work/gib.pt"
"$OUT/tests/bench/big" 100000 16 "$work/many.pt"
"$OUT/tests/bench/big" 999998 4 "$work/million.pt" 10
"$OUT/corpus/gen" "$work/corpus"
mkdir "$work/dir"
for i in $(seq 1000); do cp corpus/benign/simple_linear.pt "$work/dir/$i.pt"; done

row "quick scan, 1 GiB torch zip" 21 "cat" "cat $work/gib.pt" "$OUT/ckptlint" --depth quick "$work/gib.pt"
row "quick scan, 100,000 tensors" 11 "cat" "cat $work/many.pt" "$OUT/ckptlint" --depth quick "$work/many.pt"
"$OUT/tests/bench/machine" 21 "$work/many.pt"
cat >"$work/many.json" <<'END'
{"arch": 1, "config": {"n": 100000}, "modules": {"layer.{i < n}": {"modules": {"weight": "Parameter(4)"}}}}
END
row "quick check, 100,000 tensors" 15 "quick scan" "$OUT/ckptlint --depth quick $work/many.pt" \
  "$OUT/ckptlint" check --depth quick --arch "$work/many.json" "$work/many.pt"
aim "  all of it" "$took" 300
aim "  its scan, the first worker" "$base_took" 300
aim "  its model, the second worker" "$(awk -v a="$took" -v b="$base_took" 'BEGIN { print a - b }')" 300
row "full check, 100,000 tensors" 15 "full scan" "$OUT/ckptlint $work/many.pt" \
  "$OUT/ckptlint" check --arch "$work/many.json" "$work/many.pt"
cat >"$work/llama-70b.json" <<'END'
{"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64,
 "num_key_value_heads": 8, "vocab_size": 32000, "architectures": ["LlamaForCausalLM"]}
END
aim "expand Llama 2 70B, 723 keys" "$("$OUT/tests/bench/expand" 21 rules/models/llama.json "$work/llama-70b.json")" 20
aim "slowest hint, of 150 wrong config values" \
  "$("$OUT/tests/unit/test_mutations" 2>&1 | sed -n 's/.*; the slowest took \([0-9]*\) ms$/\1/p')" 1000
row "full scan, 1 GiB torch zip" 5 "one-thread read" "$OUT/tests/bench/read $work/gib.pt" "$OUT/ckptlint" "$work/gib.pt"
row "full scan, 1,000 small files" 5 "cat" "cat $work/dir/*.pt" "$OUT/ckptlint" "$work/dir"
row "start: ckptlint version" 21 "true" "true" "$OUT/ckptlint" version
row "exhaustion: 1,000,000 members" 5 "cat" "cat $work/million.pt" "$OUT/ckptlint" --depth quick "$work/million.pt"
for name in g01-memo-doubling.pkl g05-deep-lists.pkl g05-deep-tuples.pt; do
  row "exhaustion: $name" 11 "cat" "cat $work/corpus/$name" "$OUT/ckptlint" "$work/corpus/$name"
done
"$OUT/tests/bench/machine" 101 "$work/corpus/g01-memo-doubling.pkl"
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  load='import sys, torch; torch.load(sys.argv[1], weights_only=True)'
  row "quick scan, 100,000 tensors" 3 "torch.load" "/usr/bin/python3 -c '$load' $work/many.pt" "$OUT/ckptlint" --depth quick "$work/many.pt"
  row "full scan, 1 GiB torch zip" 3 "torch.load" "/usr/bin/python3 -c '$load' $work/gib.pt" "$OUT/ckptlint" "$work/gib.pt"
  CKPTLINT="$OUT/ckptlint" /usr/bin/python3 tests/bench/forward.py
else
  echo "torch is not installed: no rows beside torch.load"
fi
