#!/bin/sh
# Archives made by Debian's own tools, looked into under --nested and left alone without it: verdict by exit code.
set -u
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
CKPTLINT=${CKPTLINT:-$PWD/build/ckptlint}
benign=$PWD/corpus/benign
for tool in 7z bsdtar zip zstd xz lz4 bzip2 gzip; do
  command -v "$tool" >/dev/null || { echo "SKIPPED nested: there is no $tool"; exit 0; }
done
passed=0
failed=0
expect() { # exit, reason, arguments…
  code=$1 reason=$2
  shift 2
  "$CKPTLINT" --format ndjson "$@" >"$T/out" 2>&1
  got=$?
  if [ "$got" = "$code" ] && { [ -z "$reason" ] || grep -q "$reason" "$T/out"; }; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $* : exit $got, expected $code and $reason"
    head -c 1500 "$T/out" && echo
  fi
}
cd "$T" || exit 1
mkdir good bad
printf '\200\002}q\000.' >good/p.pkl
printf 'hello\n' >good/README.md
# GLOBAL posix.system, one argument, REDUCE
printf "cposix\nsystem\n(S'true'\ntR." >bad/p.pkl
for d in good bad; do
  tar cf $d.tar $d
  zip -qr $d.zip $d
  7z a -bd $d.7z $d >/dev/null
  bsdtar --format newc -cf $d.cpio $d
  bsdtar --format pax -cf $d.pax.tar $d
  for f in gz:gzip bz2:bzip2 xz:xz zst:zstd lz4:lz4 lzma:lzma; do
    ${f#*:} -c <$d.tar >$d.tar.${f%:*} 2>/dev/null
    ${f#*:} -c <$d/p.pkl >$d.pkl.${f%:*} 2>/dev/null
  done
  zip -q $d-twice.zip $d.tar.gz
done
for a in tar zip 7z cpio pax.tar tar.gz tar.bz2 tar.xz tar.zst tar.lz4 tar.lzma; do
  expect 2 FMT114 good.$a
  expect 2 FMT114 bad.$a
  expect 0 '"parent":"good\.' --nested good.$a
  expect 1 GLB301 --nested bad.$a
done
# What joblib.load unpacks by itself is read without being asked; only protocol 2 and later has a magic.
for f in gz bz2 xz lz4 lzma; do
  expect 0 '!data' good.pkl.$f
  expect 1 GLB301 --nested bad.pkl.$f
done
expect 0 'good-twice.zip!good.tar.gz!good/p.pkl' --nested good-twice.zip
# NeMo packs a folder as `.`: no part of such a name ends in a dot.
tar -czf packed.nemo -C good ./p.pkl ./README.md
expect 0 packed.nemo --nested packed.nemo
if "$CKPTLINT" --nested packed.nemo | grep -q FMT107; then
  failed=$((failed + 1)) && echo "FAILED packed.nemo : ./ is said to end in a dot"
else
  passed=$((passed + 1))
fi
expect 1 GLB301 --nested bad-twice.zip
expect 2 LIM807 --nested=1 good-twice.zip
# At that depth a file of torch is read, though it is an archive too; a zip of pickles is not.
gzip -c <"$benign/complex_model.pt" >model.pt.gz
expect 0 '!data' --nested=1 model.pt.gz
gzip -c <good.zip >good.zip.gz
expect 2 LIM807 --nested=1 good.zip.gz

# A loader unpickles what comes out of a stream before the break, and before what follows it. Any dictionary does for
# lzma-alone, of which joblib looks at two bytes.
python3 - <<'END'
import bz2, gzip, lzma, zlib
call = open("bad/p.pkl", "rb").read()
more = call + bytes(range(256)) * 400
small = {"id": lzma.FILTER_LZMA1, "dict_size": 4096}
for name, data in {
    "sum.zlib": zlib.compress(call)[:-1] + b"\0",
    "cut.zlib": zlib.compress(call, 0)[:-4],
    "behind.zlib": zlib.compress(call) + b"junk",
    "cut.gz": gzip.compress(call + bytes(range(256)) * 2)[:-12],
    "behind.xz": lzma.compress(call) + b"\0\0junk",
    "behind.gz": gzip.compress(call) + b"junk",
    "second.gz": gzip.compress(b"\x80\x02") + gzip.compress(call, 0)[:-4],
    "cut.bz2": bz2.compress(call)[:-6],
    "second.bz2": bz2.compress(b"\x80\x02") + bz2.compress(call)[:-6],
    "sum.bz2": bz2.compress(call)[:-3] + b"\0\0\0",
    "cut.xz": lzma.compress(more)[:-40],
    "cut.lzma": lzma.compress(more, format=lzma.FORMAT_ALONE)[:-40],
    "small.lzma": lzma.compress(call, format=lzma.FORMAT_ALONE, filters=[small]),
}.items():
    open("broken-" + name, "wb").write(data)
END
for f in broken-*; do expect 1 GLB301 "$f"; done

# What came out before a limit is a beginning: calls in it are named, its end is no finding, and the rest is not checked.
python3 - <<'END'
import bz2, gzip, lzma, zlib
zeros = b"B\0\0\0\x02" + bytes(1 << 25)
call = open("bad/p.pkl", "rb").read()[:-1] + b"0" + zeros + b"."
for name, pickle in {"bad": call, "good": b"\x80\x02" + zeros + b"."}.items():
    open(f"long-{name}.pkl", "wb").write(pickle)
    alone = lzma.compress(pickle, format=lzma.FORMAT_ALONE)
    for end, data in {
        "zlib": zlib.compress(pickle),
        "gz": gzip.compress(pickle),
        "bz2": bz2.compress(pickle),
        "xz": lzma.compress(pickle),
        "lzma": alone,
    }.items():
        open(f"long-{name}.{end}", "wb").write(data)
END
for f in zlib gz bz2 xz lzma; do
  expect 2 '"reason":"beginning"' --max-nested-bytes 1M long-good.$f
  expect 1 GLB301 --max-nested-bytes 1M long-bad.$f
  expect 1 'LIM801.*nested-bytes' --max-nested-bytes 1M long-bad.$f
done
expect 2 'LIM801.*nested-ratio' long-good.bz2
expect 1 'GLB301' long-bad.bz2
zip -q long-bad.zip long-bad.pkl
expect 1 'GLB301' --nested --max-nested-bytes 1M long-bad.zip
expect 1 'LIM801.*nested-bytes' --nested --max-nested-bytes 1M long-bad.zip
# To libarchive any number of zeros is an empty tar file.
head -c 3M /dev/zero | gzip -c >zeros.gz
head -c 3M /dev/zero | xz -c >zeros.xz
for f in gz xz; do expect 2 'LIM801.*nested-bytes' --nested --max-nested-bytes 1M zeros.$f; done

# joblib before 0.10: "ZF", the length in hexadecimal digits and blanks, a zlib stream (numpy_pickle_compat.py); one more blank
# where Python 2 wrote it. What is in it is unpickled, so it is read unasked.
zlib() { # file, more: a stream behind such a head
  python3 - "$1" "$2" <<'END'
import sys, zlib
data = open(sys.argv[1], "rb").read()
sys.stdout.buffer.write(b"ZF" + hex(len(data)).encode().ljust(19) + sys.argv[2].encode() + zlib.compress(data))
END
}
for more in '' ' '; do
  zlib good/p.pkl "$more" >good.zf
  zlib bad/p.pkl "$more" >bad.zf
  expect 0 '!data' good.zf
  expect 1 GLB301 bad.zf
done
printf x >>good.zf
expect 2 'FMT114.*bytes follow the stream' good.zf
head -c 35 bad.zf >cut.zf
expect 2 'FMT114.*the stream is damaged' cut.zf
head -c 20M /dev/zero >zeros
zlib zeros '' >zeros.zf
expect 2 FMT114 zeros.zf
expect 2 LIM801 --nested --max-nested-bytes 1M zeros.zf

# stable-baselines3 unpickles what stands as ":serialized:" in its data, in base64 as binascii reads it: other characters are
# passed over, and the padding ends it.
mkdir sb3
printf 2.0.0 >sb3/_stable_baselines3_version
sb3() { # name, text of data
  printf %s "$2" >sb3/data
  (cd sb3 && zip -q ../"$1".zip data _stable_baselines3_version)
}
item() { printf '{"n": 1, "k": {":type:": "x", ":serialized:": %s}}' "$1"; }
bad=$(base64 -w 0 <bad/p.pkl)
sb3 good-sb3 "$(item "\"$(base64 -w 0 <good/p.pkl)\"")"
expect 0 'good-sb3.zip!data:k"' good-sb3.zip
sb3 bad-sb3 "$(item "\"$bad\"")"
expect 1 '"path":"bad-sb3.zip!data:k","parent":"bad-sb3.zip","verdict":"unsafe"' bad-sb3.zip
sb3 odd-sb3 "$(item "\"$(echo "$bad" | sed 's/./&-/g;s/-*=-*/=/g')\"")"
expect 1 GLB301 odd-sb3.zip
sb3 more-sb3 "$(item "\"$bad$bad\"")"
expect 1 GLB301 more-sb3.zip
sb3 cut-sb3 "$(item "\"${bad%???}\"")"
expect 2 'FMT114.*base64 is cut off' cut-sb3.zip
sb3 number-sb3 "$(item 1)"
expect 2 'FMT114.*no text in :serialized:' number-sb3.zip
sb3 list-sb3 '[1]'
expect 2 'FMT114.*JSON is no object' list-sb3.zip
sb3 text-sb3 '{'
expect 2 'FMT114.*JSON is not read' text-sb3.zip

plain() { printf 'just text' | base64; }
sb3 plain-sb3 "$(item "\"$(plain)\"")"
expect 2 'FMT114.*what it spells is no pickle' plain-sb3.zip
# Python's json takes more than is read here, and zipfile more archives.
sb3 nan-sb3 "{\"n\": NaN, \"k\": {\":serialized:\": \"$bad\"}}"
expect 1 GLB301 nan-sb3.zip
expect 1 'FMT114.*JSON is not read' nan-sb3.zip
sb3 nan-good-sb3 "{\"n\": NaN, \"k\": {\":serialized:\": \"$(base64 -w 0 <good/p.pkl)\"}}"
expect 2 'FMT114.*JSON is not read' nan-good-sb3.zip
{ echo '#!/bin/sh' && cat bad-sb3.zip; } >after-script-sb3.zip
expect 1 GLB301 after-script-sb3.zip

# torch.load, which torch.storage._load_from_bytes calls, reads the tar of old torch too.
mkdir tar-in-bytes
for f in sys_info storages tensors; do printf '\200\002K\000.' >tar-in-bytes/$f; done
cp bad/p.pkl tar-in-bytes/pickle
(cd tar-in-bytes && tar --format=ustar -b 1 -cf ../bytes.tar sys_info pickle storages tensors)
n=$(wc -c <bytes.tar)
{
  printf '\200\003ctorch.storage\n_load_from_bytes\nB'
  for shift in 0 8 16 24; do printf "\\$(printf %03o $((n >> shift & 255)))"; done
  cat bytes.tar
  printf '\205R.'
} >tar-in-bytes.pkl
expect 1 GLB301 tar-in-bytes.pkl

# A program of torch.export is never clean; what torch.export.load opens of what it carries along is judged.
mkdir -p x/models x/data/sample_inputs x/data/weights
printf pt2 >x/archive_format
echo '{}' >x/models/model.json
head -c 64 /dev/zero >x/data/weights/weight_0
for d in good bad; do
  cp $d/p.pkl x/data/sample_inputs/model.pt
  zip -qr0 $d.pt2 x
done
expect 2 '"path":"good.pt2!x/data/sample_inputs/model.pt"' good.pt2
expect 2 '"verdict":"not checked".*"inside":{"judged":1,"passed_over":3}' good.pt2
expect 2 RUN005 good.pt2
expect 1 GLB301 bad.pt2
expect 1 GLB301 --nested bad.pt2
cp good/p.pkl x/data/sample_inputs/model.pt
cp bad/p.pkl x/data/weights/weight_0
zip -qr0 weight.pt2 x
expect 1 '"path":"weight.pt2!x/data/weights/weight_0"' weight.pt2
mv x/data/weights/weight_0 x/data/weights/model_weights_config.json
zip -qr0 config.pt2 x
expect 1 '"path":"config.pt2!x/data/weights/model_weights_config.json"' config.pt2

# An npz with a checkpoint beside its array.
mkdir npz
printf "\\223NUMPY\\001\\000\\070\\000{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}\\n\\007" >npz/a.npy
cp good/p.pkl npz/model.pkl
cp bad.zip npz/bad.zip
zip -qr0j npz.zip npz
expect 2 FMT114 npz.zip
expect 1 '"path":"npz.zip!bad.zip!bad/p.pkl","parent"' --nested npz.zip
zip -qd npz.zip bad.zip
expect 0 '"path":"npz.zip","verdict":"findings"' npz.zip
expect 0 FMT109 --nested npz.zip

# Nothing is followed out of an archive.
ln -s /etc/passwd good/link
tar cf link.tar good
expect 1 FMT107 --nested link.tar
rm good/link
tar -P -cf out.tar --transform 's,^good,../../etc,' good
expect 1 FMT107 --nested out.tar

# Bombs: a budget is hit, never clean.
head -c 1100M /dev/zero >zero.bin
tar cf - --format=ustar zero.bin | xz -0 >zero.tar.xz
tar cf - --format=ustar zero.bin | zstd -q >zero.tar.zst
rm zero.bin
expect 2 LIM801 --nested zero.tar.xz
expect 2 LIM801 --nested zero.tar.zst
mkdir many
i=0
while [ $i -lt 20 ]; do cp good/p.pkl many/$i.pkl; i=$((i + 1)); done
tar cf many.tar many
expect 2 LIM802 --nested --max-nested-files 5 many.tar
head -c 100 good.tar.xz >cut.tar.xz
expect 2 FMT114 --nested cut.tar.xz
seq 100000 | bzip2 -1 | head -c -40 >cut.bz2
expect 2 'FMT114.*truncated' --nested cut.bz2
seq 100000 | zstd -q | head -c -40 >cut.zst
expect 2 FMT114 --nested cut.zst
seq 100000 | lz4 -q | head -c -40 >cut.lz4
expect 2 FMT114 --nested cut.lz4
7z a -bd -psecret -mhe=on locked.7z good >/dev/null
expect 2 FMT114 --nested locked.7z
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
