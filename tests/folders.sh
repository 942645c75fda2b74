#!/bin/sh
# Folders of weights as one model: shards and their index, the same model in two formats, hostile indexes. Each case is
# a good folder with one change; what is expected is what format-spec and huggingface_hub say of such an index.
set -u
CKPTLINT=${CKPTLINT:-$PWD/build/ckptlint}
GEN=${GEN:-${CKPTLINT%/*}/corpus/gen}
. corpus/dcp.sh
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
"$GEN" "$T/cases" || exit 1
cd "$T" || exit 1
passed=0
failed=0
expect() { # exit, what the report must hold (a pattern), arguments…
  code=$1 pattern=$2
  shift 2
  "$CKPTLINT" --format ndjson "$@" >"$T/out" 2>&1
  got=$?
  if [ "$got" = "$code" ] && grep -q -- "$pattern" "$T/out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $*: exit $got, expected $code and $pattern"
    head -c 1500 "$T/out"
  fi
}
lacks() { # pattern that the last report must not hold
  if grep -q -- "$1" "$T/out"; then
    failed=$((failed + 1))
    echo "FAILED: the report holds $1"
  else
    passed=$((passed + 1))
  fi
}

# A safetensors file of float32 tensors [2, 3]: file, keys…
st() {
  file=$1 at=0 header=
  shift
  for key in "$@"; do
    header="$header${header:+,}\"$key\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[$at,$((at + 24))]}"
    at=$((at + 24))
  done
  header="{$header}"
  while [ $((${#header} % 8)) != 0 ]; do header="$header "; done
  {
    # shellcheck disable=SC2059 # octal escapes are what is wanted
    printf "\\$(printf %03o $((${#header} % 256)))\\$(printf %03o $((${#header} / 256)))\\0\\0\\0\\0\\0\\0"
    printf %s "$header"
    head -c $at /dev/zero | tr '\0' '\077'
  } >"$file"
}
one=model-00001-of-00002.safetensors two=model-00002-of-00002.safetensors
index() { # folder, members of weight_map as JSON, total_size
  printf '{"metadata":{"total_size":%s},"weight_map":{%s}}' "${3:-72}" "$2" >"$1/model.safetensors.index.json"
}
whole="\"a\":\"$one\",\"b\":\"$one\",\"c\":\"$two\""
folder() { # name: a good one
  mkdir "$1"
  st "$1/$one" a b
  st "$1/$two" c
  index "$1" "$whole"
  echo '{"architectures":["Net"]}' >"$1/config.json"
  echo 'A model.' >"$1/README.md"
}

# ---- good folders ----
folder good
expect 0 '"path":"good","verdict":"clean".*"format":"model folder","num_tensors":3,"params":18' good
grep -q "\"path\":\"good/$two\",\"parent\":\"good\"" out && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: a shard has no parent"; }
lacks KEY507
expect 0 '"key":"c"' inspect good
[ "$(grep -c '"type":"tensor"' out)" = 3 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: not three tensors"; }
for jobs in 1 2 7; do
  "$CKPTLINT" -j $jobs --format ndjson good >jobs.$jobs
  cmp jobs.1 jobs.$jobs && passed=$((passed + 1)) || failed=$((failed + 1))
done
# Shards of which the report has room for each, and not for all.
folder room
# shellcheck disable=SC2046 # its words
st room/$one $(seq -f a%g 400)
# shellcheck disable=SC2046
st room/$two $(seq -f b%g 400)
index room "$(seq -f "\"a%g\":\"$one\"," 400)$(seq -f "\"b%g\":\"$two\"," 399)\"b400\":\"$two\"" 19200
expect 0 '"path":"room","verdict":"clean"' --max-plan 1M room
expect 2 'LIM808.*"reason":"plan"' --max-plan 160K room
[ "$(grep -c '"parent":"room","verdict":"clean"' out)" = 2 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo 'FAILED: a shard has no room of its own'; }
mkdir -p many/unet many/text
cp good/* many/unet
st many/text/model.safetensors a b c
echo '{}' >many/text/config.json
st many/alone.safetensors a
expect 0 '"inputs":3,"inside":3' many
mkdir single
st single/model.safetensors a b c
echo '{}' >single/config.json
st single/pytorch_model.bin a b c
expect 0 '"path":"single","verdict":"clean"' single
lacks formats

# ---- code beside the weights: none of it is read, and all of it is named ----
folder code
echo '{"auto_map":{"AutoConfig":"configuration_own.OwnConfig","AutoModel":"other/repo--modeling.Own","n":1}}' >code/config.json
echo '{"auto_map":{"AutoTokenizer":["tokenization_own.Own",null]}}' >code/tokenizer_config.json
echo 'import os' >code/configuration_own.py
expect 0 '"rule":"FMT119".*configuration_own.OwnConfig.*imports configuration_own.py"' code
expect 0 'FMT119.*other/repo--modeling.Own.*imports code of another repository' code
expect 0 'FMT119.*tokenizer_config.json: auto_map names tokenization_own.Own.*imports code that is not in this folder' code
[ "$(grep -c FMT119 out)" = 3 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: not three names of code"; }
expect 1 FMT119 --fail-on medium code
echo '{"auto_map":' >code/config.json
rm code/tokenizer_config.json
expect 0 '"path":"code","verdict":"clean"' code
lacks FMT119

# ---- the index and its shards ----
change() { cp -r good "$1"; } # a copy to be spoiled
change missing && rm "missing/$two"
expect 1 KEY507.*shard-missing missing
lacks '"reason":"key"'
change extra && st extra/model-00003-of-00002.safetensors d
expect 1 shard-extra extra
change doubled && st "doubled/$two" c a && index doubled "$whole" 96
expect 1 '"reason":"doubled"' doubled
lacks unlisted
change misplaced && index misplaced "\"a\":\"$two\",\"b\":\"$one\",\"c\":\"$two\""
expect 1 '"reason":"misplaced"' misplaced
lacks unlisted
change absent && index absent "$whole,\"d\":\"$two\""
expect 1 '"reason":"key"' absent
change unlisted && index unlisted "\"a\":\"$one\",\"c\":\"$two\""
expect 1 '"reason":"unlisted"' unlisted
change total && index total "$whole" 73
expect 0 total-size total
change total-text && index total-text "$whole" '"72"'
expect 0 total-size total-text
change noindex && rm noindex/model.safetensors.index.json
expect 1 no-index noindex
lacks shard-count
rm "noindex/$one"
expect 1 shard-count noindex
change nodict && printf '\200\002K\001.' >"nodict/$two"
expect 1 '"reason":"no-state-dict"' nodict
change link && mv "link/$two" c.safetensors && ln -s ../c.safetensors "link/$two"
expect 2 "\"path\":\"link/$two\",\"parent\":\"link\",\"verdict\":\"error\"" link
expect 2 'RUN004.*leads out of the directory' link

# A variant in the name of the index, where transformers and where diffusers put it.
for index in model.safetensors.index.fp16.json model.safetensors.fp16.index.json; do
  rm -rf variant && mkdir variant
  st variant/model.fp16-00001-of-00002.safetensors a b
  st variant/model.fp16-00002-of-00002.safetensors c
  sed 's/model-/model.fp16-/g' good/model.safetensors.index.json >variant/$index
  echo '{}' >variant/config.json
  expect 0 '"path":"variant","verdict":"clean"' variant
  rm variant/model.fp16-00002-of-00002.safetensors
  expect 1 KEY507.*shard-missing variant
  st variant/model.fp16-00003-of-00002.safetensors d
  expect 1 KEY507.*shard-extra variant
done

# ---- what an index may not say ----
for path in ../c.safetensors /etc/passwd sub/c.safetensors .. . '' 'C:c' '..\\c.safetensors' './c'; do
  rm -rf outside && change outside
  index outside "\"a\":\"$one\",\"b\":\"$one\",\"c\":\"$path\""
  expect 1 'FMT107.*index-path' outside
done
spoil() { # name, text of the index, exit, pattern
  change "$1"
  printf "$2" >"$1/model.safetensors.index.json"
  expect "$3" "$4" "$1"
}
spoil empty '' 1 '"reason":"json"'
spoil cut '{"weight_map": {' 1 '"reason":"json"'
spoil list '[]' 1 '"reason":"form"'
spoil number '{"weight_map": {"a": 1}}' 1 '"reason":"form"'
spoil nomap '{"metadata": {}}' 1 '"reason":"form"'
spoil twice "{\"weight_map\": {\"a\": \"$one\", \"a\": \"$two\"}}" 1 '"reason":"json"'
spoil nul '{"weight_map": {"a": "x\\u0000"}}' 1 '"reason":"json"'
change deep && { head -c 100000 /dev/zero | tr '\0' '['; } >deep/model.safetensors.index.json
expect 2 LIM806 deep

# ---- two formats ----
cp -r single lacks-key && st lacks-key/pytorch_model.bin a b
expect 1 formats-keys lacks-key
cp -r single more-keys && st more-keys/pytorch_model.bin a b c d
expect 1 formats-keys more-keys
cp -r good both && st both/pytorch_model.bin a b c
expect 0 '"verdict":"clean"' both
cp -r single reshaped && sed -i 's/\[2,3\]/[3,2]/' reshaped/pytorch_model.bin
expect 1 formats-shape reshaped

# ---- the model that its config.json names ----
# y = b(a(x)) with weights in two shards; every weight is 0x3f3f3f3f, which float32 reads as 0.7470588…
mkdir families
cat >families/tiny.json <<'END'
{"arch": 1, "name": "Tiny", "match": {"model_type": "tiny"},
 "config": {"hidden": 4},
 "modules": {"a": "Linear(3, hidden, bias=False)", "b": "Linear(3, hidden, bias=False)"},
 "forward(x)": ["a(x) + b(x)"],
 "inputs": {"x": "float32[3]"}, "outputs": {"y": "float32[hidden]"},
 "tests": [{"x": [1, 0, 1], "y": [2.988236, 2.988236]}]}
END
change named
st "named/$one" a.weight
st "named/$two" b.weight
index named "\"a.weight\":\"$one\",\"b.weight\":\"$two\"" 48
echo '{"model_type": "tiny", "hidden": 2}' >named/config.json
expect 0 '"path":"named","verdict":"clean".*"matched":2,.*"status":"pass"' check --families families named
expect 0 '"status":"pass"' forward --families families named
expect 0 '"status":"pass"' forward --arch families/tiny.json named
expect 0 '"status":"pass"' check --families families --arch tiny named
expect 0 '"matched":2' --families families named
lacks '"parent":"named".*"check"'
expect 1 '"path":"named","verdict":"incompatible"' check --families families --set hidden=3 named
grep -q KEY503 out && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: the shape is not told"; }
cp -r named wrong && echo '{"model_type": "tiny", "hidden": 3}' >wrong/config.json
expect 1 KEY503 --families families wrong
cp -r named halved && rm "halved/$two" && index halved "\"a.weight\":\"$one\"" 24
expect 1 KEY501 --families families halved
# What names no family is no matter, unless a check was asked for; -v says so.
expect 0 '"verdict":"clean"' good
expect 2 'KEY512.*model_type' check good
expect 0 'config-beside' -v good
printf '{' >halved/config.json
expect 0 '"path":"halved","verdict":"clean"' halved
rm halved/config.json
expect 4 'an architecture is needed' check halved
expect 2 KEY512.*none check halved named --families families
# A file that has the name of all weights has its config.json beside it, too.
mkdir beside && st beside/model.safetensors a.weight b.weight && cp named/config.json beside
expect 0 '"matched":2' check --families families beside/model.safetensors
expect 0 '"matched":2' --families families beside/model.safetensors
cp beside/model.safetensors beside/other.safetensors
expect 0 '"verdict":"clean"' --families families beside/other.safetensors
lacks '"check"'
expect 4 'an architecture is needed' check --families families beside/other.safetensors

# ---- a shard is a file like any other ----
change hostile && printf "cposix\nsystem\n(S'true'\ntR." >"hostile/$two"
expect 1 '"path":"hostile","verdict":"unsafe"' hostile
grep -q GLB301 out && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAILED: the shard's call is not told"; }
change torn && head -c 90 "good/$two" >"torn/$two"
expect 1 '"path":"torn","verdict":"unsafe"' torn
mkdir words && echo '{}' >words/tokenizer.index.json && echo x >words/README.md
expect 3 'no input is a checkpoint' words

# ---- distributed checkpoints ----
# More of them in tests/oracle/distributed.py. Entries here are bytes: each slice is a pickle.
dcp() { # folder, entries, places
  mkdir "$1"
  printf 'I3\n.I4\n.' >"$1/__0_0.distcp"
  metadata "for fqn in $2; do bytes_entry \$fqn; done" "$3" >"$1/.metadata"
}
ab='place a __0_0.distcp 0 4; place b __0_0.distcp 4 4'
dcp dcp 'a b' "$ab"
expect 0 '"path":"dcp","verdict":"findings".*"format":"model folder"' dcp
lacks KEY507
lacks '"reason":"class"'
expect 0 '"entries":2' inspect dcp
for path in ../a.distcp /etc/a.distcp sub/a.distcp .. ''; do
  rm -rf dcp-path && dcp dcp-path 'a b' "place a __0_0.distcp 0 4; place b '$path' 4 4"
  expect 1 'FMT107.*dcp-path' dcp-path
done
dcp dcp-absent 'a b' 'place a __0_0.distcp 0 4; place b __1_0.distcp 0 4'
expect 1 'KEY507.*dcp-file' dcp-absent
dcp dcp-range 'a b' 'place a __0_0.distcp 0 4; place b __0_0.distcp 4 5'
expect 1 'TNS401.*dcp-range' dcp-range
dcp dcp-overflow 'a b' 'place a __0_0.distcp 0 4; place b __0_0.distcp 9223372036854775807 9223372036854775807'
expect 1 'TNS401.*dcp-range' dcp-overflow
# What is there of such a slice is run by who reads it all the same.
dcp dcp-range-hostile 'a b' 'place a __0_0.distcp 0 4; place b __0_0.distcp 4 26'
printf "I3\n.cposix\nsystem\n(S'true'\ntR" >dcp-range-hostile/__0_0.distcp
expect 1 'TNS401.*dcp-range' dcp-range-hostile
expect 1 'GLB301.*"member":"__0_0.distcp!b!pickle"' dcp-range-hostile
# Bytes of no slice, and all of them where .metadata is no pickle.
dcp dcp-gap-hostile 'a b' "$ab"
printf "I3\n.I4\n.cposix\nsystem\n(S'true'\ntR." >dcp-gap-hostile/__0_0.distcp
expect 1 'FMT108.*dcp-gap' dcp-gap-hostile
expect 1 'GLB301.*"member":"__0_0.distcp"' dcp-gap-hostile
dcp dcp-junk-hostile 'a b' "$ab"
printf "I3\n.cposix\nsystem\n(S'true'\ntR." >dcp-junk-hostile/__0_0.distcp
echo junk >dcp-junk-hostile/.metadata
expect 1 'KEY507.*dcp-unread' dcp-junk-hostile
expect 1 'GLB301.*"member":"__0_0.distcp"' dcp-junk-hostile
cat cases/a01-exec.pt cases/z-tensor.pt >dcp-junk-hostile/__0_0.distcp
expect 1 'GLB301.*"member":"__0_0.distcp"' dcp-junk-hostile
cat cases/z-tensor.pt cases/z-tensor.pt >dcp-junk-hostile/__0_0.distcp
expect 2 'KEY507.*dcp-unread' dcp-junk-hostile
lacks GLB301
dcp dcp-twice 'a b' "$ab; place b __0_0.distcp 0 4"
expect 1 'KEY507.*dcp-twice' dcp-twice
dcp dcp-unlisted a "$ab"
expect 1 'KEY507.*dcp-unlisted' dcp-unlisted
expect 1 '"path":"dcp-unlisted","verdict":"findings","complete":true' dcp-unlisted
lacks RUN001
dcp dcp-no-place 'a b c' "$ab"
expect 1 'TNS401.*dcp-place' dcp-no-place
# What stands where the metadata has something else.
spoiled() { # folder, what the report says of it, commands that print .metadata behind the class
  dcp "$1" a 'place a __0_0.distcp 0 4'
  { printf '\200\002' && object metadata Metadata && eval "$3"; } >"$1/.metadata"
  expect 1 "KEY507.*$2" "$1"
}
info() { object filesystem _StorageInfo && printf "}(S'relative_path'\nS'__0_0.distcp'\nS'offset'\nI0\nS'length'\nI4\nub"; }
spoiled dcp-no-entries 'no state_dict_metadata' "printf \"}(S'storage_data'\n}(\" && place a __0_0.distcp 0 4 && printf 'uub.'"
spoiled dcp-no-index 'a key is no MetadataIndex' "printf \"}(S'state_dict_metadata'\n}S'storage_data'\n}(S'a'\n\" && info && printf 'uub.'"
spoiled dcp-no-size 'its offset is no torch.Size' "printf \"}(S'state_dict_metadata'\n}S'storage_data'\n}(\" && object metadata MetadataIndex &&
  printf \"}(S'fqn'\nS'a'\nS'offset'\nI3\nub\" && info && printf 'uub.'"
mkdir dcp-tensor
cat cases/z-tensor.pt cases/z-tensor.pt >dcp-tensor/__0_0.distcp
n=$(wc -c <cases/z-tensor.pt)
metadata 'tensor_entry a; tensor_entry b' "place a __0_0.distcp 0 $n 0 0; place b __0_0.distcp $n $n 0 0" >dcp-tensor/.metadata
expect 0 '"num_tensors":2,"params":12' dcp-tensor
expect 0 '"key":"b","state_key":"b","dtype":"float32","shape":\[2,3\].*"min":1,"max":6' inspect --tensors dcp-tensor
metadata 'tensor_entry a; tensor_entry b' "place a __0_0.distcp 0 $n 0 0; place b __0_0.distcp $n $n 0 1" >dcp-tensor/.metadata
expect 1 'TNS401.*dcp-place' dcp-tensor
metadata 'tensor_entry a; tensor_entry b' "place a __0_0.distcp 0 $n 0 0; place b __0_0.distcp $n $n 0" >dcp-tensor/.metadata
expect 1 'TNS401.*dcp-place' dcp-tensor
# Two lists of 2,000 numbers, of which the report has room for one.
dcp dcp-room 'a b' "$ab"
{ printf '(' && yes I3 | head -n 2000 && printf 'l.'; } >slice
n=$(wc -c <slice)
cat slice slice >dcp-room/__0_0.distcp
metadata 'bytes_entry a; bytes_entry b' "place a __0_0.distcp 0 $n; place b __0_0.distcp $n $n" >dcp-room/.metadata
expect 0 '"path":"dcp-room","verdict":"findings"' --max-plan 512K dcp-room
expect 2 'LIM808.*"reason":"plan"' --max-plan 128K dcp-room
dcp dcp-gap a 'place a __0_0.distcp 0 4'
expect 2 'FMT108.*dcp-gap' dcp-gap
dcp dcp-overlap 'a b' 'place a __0_0.distcp 0 8; place b __0_0.distcp 4 4'
expect 1 'FMT104.*dcp-overlap' dcp-overlap
dcp dcp-hostile 'a b' "$ab"
printf "I3\n.cposix\nsystem\n(S'true'\ntR." >dcp-hostile/__0_0.distcp
metadata 'bytes_entry a; bytes_entry b' 'place a __0_0.distcp 0 4; place b __0_0.distcp 4 26' >dcp-hostile/.metadata
expect 1 'GLB301.*"member":"__0_0.distcp!b!pickle"' dcp-hostile
dcp dcp-unfinished 'a b' "$ab" && rm dcp-unfinished/.metadata
expect 1 'KEY507.*dcp-no-metadata' dcp-unfinished
dcp dcp-cut 'a b' "$ab" && printf '\200\002c' >dcp-cut/.metadata
expect 1 'KEY507.*dcp-unread' dcp-cut
lacks '"path":"dcp-cut/__0_0.distcp"'

# ---- symbolic links ----
# The cache of huggingface_hub: a snapshot is links to blobs, which are called by their digests.
cache=hub/models--o--n
mkdir -p $cache/blobs $cache/refs $cache/snapshots/4f2a hub/.locks
cp "good/$one" $cache/blobs/1a && cp "good/$two" $cache/blobs/2b && cp good/model.safetensors.index.json $cache/blobs/3c
cp good/config.json $cache/blobs/4d && cp good/README.md $cache/blobs/5e && printf 4f2a >$cache/refs/main
for link in "1a $one" "2b $two" '3c model.safetensors.index.json' '4d config.json' '5e README.md'; do
  ln -s "../../blobs/${link% *}" "$cache/snapshots/4f2a/${link#* }"
done
for path in $cache/snapshots/4f2a $cache/snapshots/4f2a/ $cache/snapshots $cache hub; do
  expect 0 'snapshots/4f2a","verdict":"clean".*"format":"model folder","num_tensors":3' "$path"
  lacks blobs/
  expect 0 '"inputs":1,"inside":2' "$path"
done
ln -s hub/models--o--n/snapshots/4f2a current # what a person names is followed
expect 0 '"path":"current","verdict":"clean".*"num_tensors":3' current
cp good/$one $cache/blobs/6f # a blob that no snapshot has is judged as it is
expect 0 '"path":"hub/models--o--n/blobs/6f"' hub
for target in ../../../../good/$one ../../../secret /etc/passwd gone x.pt . ..; do
  rm -f $cache/snapshots/4f2a/x.pt
  case $target in
  ../../../../* | ../../../* | /*) why='leads out of' ;;
  gone) why='leads nowhere' ;;
  x.pt) why='leads to itself' ;;
  ..) why='not walked' ;;
  .) rm -f $cache/snapshots/4f2a/x.pt && ln -s . $cache/snapshots/4f2a/x.pt && expect 0 '"verdict":"clean"' $cache/snapshots/4f2a && continue ;;
  esac
  ln -s "$target" $cache/snapshots/4f2a/x.pt
  expect 2 "4f2a/x.pt.*\"verdict\":\"error\"" $cache/snapshots/4f2a
  expect 2 "RUN004.*$why" $cache/snapshots/4f2a
done
# Without blobs/ beside it, a folder called snapshots is one like any other.
mkdir -p plain/snapshots/1 plain/files && cp good/$one plain/files/a && ln -s ../../files/a plain/snapshots/1/a.safetensors
expect 2 'leads out of' plain/snapshots/1
expect 0 '"path":"plain/snapshots/1/a.safetensors","verdict":"clean"' plain
# What is behind a link is judged like anything else.
mkdir linked && printf "cposix\nsystem\n(S'true'\ntR." >linked/data && ln -s data linked/README.md
expect 1 '"path":"linked/README.md","verdict":"unsafe"' linked

# ---- 300 shards ----
mkdir shards
map=
for i in $(seq -f %05.0f 300); do
  map="$map${map:+,}\"k$i\":\"model-$i-of-00300.safetensors\""
  st "shards/model-$i-of-00300.safetensors" "k$i"
done
index shards "$map" 7200
expect 0 '"path":"shards","verdict":"clean".*"num_tensors":300' shards
lacks KEY507
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
