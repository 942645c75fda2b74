#!/bin/sh
# seeds.sh FOLDER: the seeds of every target, from the corpus. A seed is a file and a byte 0 for its knobs (fuzz.h).
set -eu
cd "$(dirname "$0")/.."
. fuzz/new_folder.sh
new_folder "$1"
# shellcheck disable=SC2154 # new_folder sets it
out=$new work=$new/work
GEN=${GEN:-build/release/corpus/gen}
mkdir "$work"
"$GEN" "$work/files"
"$GEN" --programs "$work/programs"
mkdir -p "$out/zip" "$out/scan" "$out/plan" "$out/pickle" "$out/view" "$out/wire" "$out/tar"
mkdir -p "$out/gguf" "$out/safetensors" "$out/npy" "$out/joblib" "$out/folder" "$out/legacy" "$out/report"
mkdir -p "$out/json" "$out/arch" "$out/match" "$out/expr" "$out/policy" "$out/lock" "$out/escape"
mkdir -p "$out/unpack" "$out/index" "$out/diff" "$out/goldens" "$out/adapter"

seed() { # file, seed
  { cat "$1"; printf '\000'; } >"$2"
}
# Large ones cost more than they show.
small() { find "$1" -type f -size -8k | LC_ALL=C sort; }

for f in $(small "$work/files") $(small corpus/benign); do
  name=$(basename "$f")
  seed "$f" "$out/scan/$name"
  case $name in e* | f* | k*) seed "$f" "$out/unpack/$name" ;; esac
  case $name in d* | *legacy*) seed "$f" "$out/legacy/$name" ;; esac
  case $name in b* | e* | h* | z-*) seed "$f" "$out/report/$name" ;; esac
  case $name in
  *.gguf) seed "$f" "$out/gguf/$name" ;;
  *safetensors*) seed "$f" "$out/safetensors/$name" ;;
  *.npy) seed "$f" "$out/npy/$name" ;;
  *.joblib) seed "$f" "$out/joblib/$name" ;;
  esac
  case $name in e* | f* | z-* | simple* | demo*) seed "$f" "$out/zip/$name" ;; esac
  case $name in z-* | h0[1-4]* | simple* | whole*) seed "$f" "$out/plan/$name" ;; esac
done
# Zeros to the end make them larger.
for f in "$work"/files/*-tar*.pt; do
  seed "$f" "$out/tar/$(basename "$f")"
  seed "$f" "$out/scan/$(basename "$f")"
done
for f in $(small "$work/programs"); do seed "$f" "$out/pickle/$(basename "$f")"; done

# dtype, ranks, offset, sizes, strides, 24 bytes of storage.
storage='\000\000\200\077\000\000\000\100\000\000\100\100\000\000\200\100\000\000\240\100\000\000\300\100\000'
# shellcheck disable=SC2059 # the escapes are the point
view() { printf "$2$storage" >"$out/view/$1"; }
view f32-2x3 '\002\002\000\002\003\003\001'
view f64-3 '\001\001\000\003\001'
view u8-scalar '\011\000\005'
view bool-empty '\012\002\001\000\003\003\001'
view f32-expanded '\002\002\000\300\024\001\000\000'
view f32-overflow '\002\002\000\300\041\300\041\001\001'
view f16-negative '\003\001\377\377\377\377\377\377\377\377\377\002\001'
view c64-ranks '\014\202\000\001\001\001\001\001'

# magic, type, flags, length, seq; FINDING, TEXT, END, last words.
frame() { printf 'CKL1%b\000\000%b%b' "$1" "$2" "$3"; } # type, length, seq
{ frame '\003\000' '\005\000\000\000' '\000\000\000\000'; printf '\000\000\000\000\001\000'; } >"$out/wire/end"
{ frame '\002\000' '\006\000\000\000' '\000\000\000\000'; printf '\001\000a.py'
  frame '\003\000' '\005\000\000\000' '\001\000\000\000'; printf '\001\000\000\000\001\000'; } >"$out/wire/text"
{ frame '\004\000' '\014\000\000\000' '\377\377\377\377'; printf '\073\000\000\000\076\000\000\300\001\000\000\000\000'; } >"$out/wire/violation"
{ frame '\001\000' '\072\000\000\000' '\000\000\000\000'
  printf '\001\000\000\000\004\004\002\000'
  printf '\010\000\000\000\000\000\000\000\001\000\000\000\000\000\000\000\002\000\000\000\000\000\000\000\003\000\000\000\000\000\000\000'
  printf '\000\000\000\000\002\000\000\000\002\000\000\000abcdef'
  frame '\003\000' '\005\000\000\000' '\001\000\000\000'; printf '\001\000\000\000\001\000'; } >"$out/wire/finding"
# The length of .metadata in 2 bytes, .metadata, a file with its slices.
. corpus/dcp.sh
dcp() { # seed, file, entries, places, what stood where
  metadata "$3" "$4" "${5:-}" >"$work/metadata"
  n=$(wc -c <"$work/metadata")
  { printf "\\$(printf %03o $((n % 256)))\\$(printf %03o $((n / 256)))"; cat "$work/metadata" "$2"; printf '\000'; } >"$out/folder/$1"
}
two="$work/two"
printf 'I3\n.I4\n.' >"$two"
both='place a __0_0.distcp 0 4; place b __0_0.distcp 4 4'
dcp bytes "$two" 'bytes_entry a; bytes_entry b' "$both"
dcp stood "$two" 'bytes_entry a; bytes_entry b' "$both" 'stood a optim state x; stood b model y'
dcp absent "$two" 'bytes_entry a; bytes_entry b' 'place a __0_0.distcp 0 4; place b __1_0.distcp 0 4'
dcp range "$two" 'bytes_entry a; bytes_entry b' 'place a __0_0.distcp 0 4; place b __0_0.distcp 4 5'
dcp twice "$two" 'bytes_entry a; bytes_entry b' "$both; place b __0_0.distcp 0 4"
dcp unlisted "$two" 'bytes_entry a' "$both"
dcp no-place "$two" 'bytes_entry a; bytes_entry b; bytes_entry c' "$both"
dcp gap "$two" 'bytes_entry a' 'place a __0_0.distcp 4 4'
dcp overlap "$two" 'bytes_entry a; bytes_entry b' 'place a __0_0.distcp 0 8; place b __0_0.distcp 4 4'
dcp no-info "$two" 'bytes_entry a' "object metadata MetadataIndex; printf '}(S\"fqn\"\nS\"a\"\nubN'"
dcp no-index "$two" 'bytes_entry a' "printf 'S\"a\"\nN'"
dcp no-size "$two" 'bytes_entry a' "object metadata MetadataIndex; printf '}(S\"fqn\"\nS\"a\"\nS\"offset\"\nI1\nubN'"
dcp no-form "$two" "printf 'S\"a\"\nN'; printf 'S\"b\"\n'; object metadata TensorStorageMetadata; printf '}b'" "$both"
dcp no-slice "$work/files/z-linear-untied.pt" 'bytes_entry a' "place a __0_0.distcp 0 $(wc -c <"$work/files/z-linear-untied.pt")"
printf '\002\000N.%s\000' 'I3' >"$out/folder/no-metadata"
one=$(wc -c <"$work/files/z-tensor.pt")
dcp tensor "$work/files/z-tensor.pt" 'tensor_entry a' "place a __0_0.distcp 0 $one 0 0"
row=$(wc -c <"$work/files/z-tensor-row.pt")
cat "$work/files/z-tensor-row.pt" "$work/files/z-tensor-row.pt" >"$work/rows"
for second in 0 1 2; do # it covers the first, fills the tensor, lies outside of it
  dcp "rows-$second" "$work/rows" "tensor_entry a 'chunk 0 1; chunk $second 1'" "place a __0_0.distcp 0 $row 0 0; place a __0_0.distcp $row $row $second 0"
done

# Architecture files; with tensors behind a NUL for the matcher; their expressions, one each.
for f in $(small rules/models) $(small corpus/arch) corpus/benign/*.json; do
  name=$(basename "$f")
  case $name in *.json) ;; *) continue ;; esac
  for t in json arch; do seed "$f" "$out/$t/$name"; done
  { cat "$f"; printf '\000weight float32 3 4\nmodule.layer1.0.bias float32 4\nsteps int64\n\000'; } >"$out/match/$name"
  sed -n 's/.*"\([^"]*[(=*[][^"]*\)".*/\1/p' "$f" | head -n 4 | while read -r line; do
    printf '%s\000' "$line" >"$out/expr/$(printf %s "$line" | sha256sum | cut -c 1-16)"
  done
done
tensors='a.weight float32 2 3\na.bias float32 2\n'
# shellcheck disable=SC2059 # the escapes are the point
printf "$tensors\\000a.weight float16 2 3\nb.bias float32 2\nsteps int64\n\\000" >"$out/diff/other"
# shellcheck disable=SC2059 # the escapes are the point
printf "module.a.weight float32 2 3\n\\000$tensors\\000" >"$out/diff/prefix"
adapter() { # seed, members of adapter_config.json, module of the factors, rank
  m=base_model.model.$3
  # shellcheck disable=SC2059 # the escapes are the point
  { printf '{"base_model_name_or_path": "org/model", "peft_type": "LORA", %s}\000' "$2"; printf "$m.lora_A.weight float32 $4 3\n$m.lora_B.weight float32 2 $4\n\000"; } >"$out/adapter/$1"
}
adapter fits '"r": 8, "target_modules": ["q_proj"]' model.layers.0.q_proj 8
adapter others '"r": 8, "rank_pattern": null, "target_modules": ["v_proj", "layers.1.q_proj"]' model.layers.0.q_proj 4
adapter pattern '"r": 8, "rank_pattern": {"q_proj": 4}, "target_modules": ".*_proj"' model.layers.0.q_proj 4
adapter experts '"r": 8, "target_modules": [], "target_parameters": ["experts.gate"]' model.layers.0.mlp.experts 8
adapter no-rank '"r": 0' q_proj 8
adapter no-text '"r": 8, "target_modules": [1]' q_proj 8
printf '{"peft_type": "IA3", "base_model_name_or_path": null}\000' >"$out/adapter/no-base"
printf '{"peft_type"\000' >"$out/adapter/cut"
first=model-00001-of-00002.safetensors second=model-00002-of-00002.safetensors
index() { # seed, members of the index, files: a name, a line, tensors, each ends with a NUL
  # shellcheck disable=SC2059 # the escapes are the point
  { printf '%s\000' "$2"; printf "$3\\000"; } >"$out/index/$1"
}
where='"weight_map": {"a.weight": "'$first'", "a.bias": "'$second'"}'
weight="$first\na.weight float32 2 3\n\000" bias="$second\na.bias float32 2\n\000"
index two "{\"metadata\": {\"total_size\": 32}, $where}" "$weight$bias"
index beside "{\"metadata\": {\"total_size\": 32}, $where}" "$second\na.bias float32 2\n\000pytorch_model.bin\na.weight float32 2 3\na.bias float32 3\n\000"
index other-total "{\"metadata\": {\"total_size\": 1}, $where}" "$weight$bias"
index misplaced "{$where}" "$second\na.weight float32 2 3\n\000$first\na.bias float32 2\n\000"
index doubled "{$where}" "$weight$second\na.weight float32 2 3\na.bias float32 2\nmore float32 1\n\000"
index absent "{$where}" "$weight$second\nb float32 1\n\000"
index empty "{$where}" "$weight$second\n\000"
index no-map '{"metadata": {}}' "$weight$bias"
index list '[]' "$weight$bias"
index bad-map '{"weight_map": {"a": 1}}' "$weight$bias"
index cut '{"weight_map": {' "$weight$bias"
index path '{"weight_map": {"a.weight": "../x.safetensors"}}' "$weight$bias"
index unnamed '{"weight_map": {}}' "pytorch_model-00001-of-00003.bin\na.weight float32 2 3\n\000pytorch_model-00002-of-00003.bin\na.bias float32 2\n\000"
index same "{$where}" "$weight${bias}pytorch_model.bin\na.weight float32 2 3\na.bias float32 2\n\000"
index unlike "{$where}" "$weight${bias}pytorch_model.bin\na.weight float64 2 3\nb.bias float32 2\n\000"
zeros=$(printf '%064d' 0)
printf '{"policy": 1, "note": "n", "allow": {"a.B": "why"}, "files": [{"path": "a.pt", "size": 12, "sha256": "%s", "allow": {"c.D": "why"}}]}\000' "$zeros" >"$out/policy/whole"
printf '{"lock": 1, "state_dict": "", "tensors": {"a.weight": {"dtype": "float32", "shape": [2, 3], "sha256": "%s"}, "a.bias": {"dtype": "float32", "shape": [2], "sha256": null}, "steps": {"dtype": "int64", "shape": [], "sha256": null}}}\000' "$zeros" >"$out/lock/whole"

# Goldens: a generator, inline numbers, .npy in base64 (float32 [1, 2], and the same in Fortran order).
npy() { # order, shape, dtype, bytes
  { printf '\223NUMPY\001\000v\000'; printf "%-117s\n" "{'descr': '$3', 'fortran_order': $1, 'shape': $2, }"; printf "$4"; } | base64 -w 0
}
head='"goldens": 1, "tool": "ckptlint 0.1.0", "blas": "Haswell", "arch": {"name": "M", "sha256": "'$zeros'"}, "checkpoint": {"path": "m.pt", "size": 9, "sha256": "'$zeros'", "weights_sha256": "'$zeros'"}'
recorded() { printf '{%s, "tests": [%s]}\000' "$head" "$2" >"$out/goldens/$1"; }
numbers=$(npy False '(1, 2)' '<f4' '\000\000\200\077\000\000\000\100')
turned=$(npy True '(1, 2)' '<f4' '\000\000\200\077\000\000\000\100')
recorded npy '{"B": 1, "T": 2, "x": "rand(0)", "n": "randint(0)", "b": "ones", "y": {"npy": "'"$numbers"'"}, "m": {"argmax": [1]}}'
recorded turned '{"B": 1, "T": 2, "x": "rand(7)", "n": "arange", "b": "zeros", "y": {"npy": "'"$turned"'", "rtol": 0.1}}'
recorded inline '{"x": [[1, 2, 3]], "n": [[1]], "b": [[1]], "y": [[0, 0]], "m": [[2]]}, {"B": 2, "T": 1, "x": "rand(0)", "n": "randint(1)", "b": "ones", "y": [[0, 0], [0, 0]]}'
printf 'a\033[2J\342\200\256\303\251\344\270\255\363\240\201\201\377\355\240\200"\\\000' >"$out/escape/hidden"
rm -rf "$work"
for d in "$out"/*; do echo "$(basename "$d"): $(find "$d" -type f | wc -l) seeds"; done
keep_folder "$1"
