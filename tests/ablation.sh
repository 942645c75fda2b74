#!/bin/sh
# Which rows of sandbox/policy.def are needed? Each is left out in turn; the workers then do their work over a small corpus and
# the workloads of tests/sandbox/workloads.h. A row whose absence changes nothing is no longer needed: it goes, or
# tests/sandbox/kept.tsv says which other kernel or library needs it. `make ablation` builds what this links.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
out=$PWD/build/release
flags=$(make -s print-flags MODE=release)
link() { # policy.o, main, program: with that policy in the place of the archive's
  # shellcheck disable=SC2086 # lists
  ${CC:-gcc} $flags "$2" "$1" "$out/core.a" -pie -lcmocka -lseccomp -lcjson -ldeflate -lmd -lm -ldl -o "$3"
}

# The small corpus: every container, archives, a forward pass, digests, a config.
mkdir "${work:?}/files"
cp corpus/benign/*.pt "$work/files/"
"$out/corpus/gen" "$work/cases" || exit 1
mkdir "$work/some"
for f in a01-exec.pt e03-crc-of-storage.pt f-random.pt; do [ -f "$work/cases/$f" ] && cp "$work/cases/$f" "$work/some/"; done
(cd "$work/files" && tar czf ../some/files.tar.gz . && tar cJf ../some/files.tar.xz simple_linear.pt && zip -q ../some/files.zip simple_cnn.pt)
7z a -bd "$work/some/files.7z" "$work/files/simple_model.pt" >/dev/null
zstd -q "$work/files/simple_linear.pt" -o "$work/some/linear.zst"
cp corpus/benign/*.npz corpus/benign/*.safetensors "$work/some/" 2>/dev/null

observe() { # ckptlint, workloads
  "$1" inspect --format ndjson --nested --hash sha256 "$work/files" "$work/some" 2>&1
  "$1" inspect --pickle --opcodes "$work/files/whole_module.pt" 2>&1
  for m in simple_linear simple_cnn complex_model; do "$1" forward --arch "corpus/benign/$m.json" "corpus/benign/$m.pt" --format ndjson 2>&1; done
  "$1" diff "$work/files/simple_linear.pt" "$work/files/simple_linear_legacy.pt" 2>&1
  "$1" lock "$work/files/simple_linear.pt" 2>&1
  "$1" describe "$work/files/simple_cnn.pt" 2>&1
  GLIBC_TUNABLES=glibc.malloc.hugetlb=1 "$1" --format ndjson "$work/files" 2>&1
  GLIBC_TUNABLES=glibc.malloc.hugetlb=1 "$2" 2>&1
  "$2" 2>&1
}
without_digest() { sed 's/"policy_sha256":"[0-9a-f]*"//; s/"name":"seccomp","on":true,"number":[0-9]*//'; }

# shellcheck disable=SC2086
${CC:-gcc} $flags -c tests/sandbox/workloads.c -o "$work/workloads.o" || exit 1
one() { # name, policy.def: programs and what they say
  mkdir -p "$work/$1/sandbox"
  mv "$2" "$work/$1/sandbox/policy.def"
  # shellcheck disable=SC2086
  ${CC:-gcc} -I"$work/$1" $flags -c sandbox/policy.c -o "$work/$1/policy.o" || exit 1
  link "$work/$1/policy.o" "$out/validator/cli/main.o" "$work/$1/ckptlint"
  link "$work/$1/policy.o" "$work/workloads.o" "$work/$1/workloads"
  observe "$work/$1/ckptlint" "$work/$1/workloads" | without_digest >"$work/$1/said"
  rm -f "$work/$1/ckptlint" "$work/$1/workloads"
}

cp sandbox/policy.def "$work/def"
one all "$work/def"
grep -q '"verdict":"clean"' "$work/all/said" && ! grep -q 'violation' "$work/all/said"; check "with all rows the corpus is read" $?
cp sandbox/policy.def "$work/def"
one again "$work/def"
cmp -s "$work/all/said" "$work/again/said"; check "twice the same" $?
for row in $(sed -n 's/^SYSCALL(\([a-z_0-9]*\),.*/\1/p; s/^UNNAMED(.*/UNNAMED/p' sandbox/policy.def); do
  grep -v "^SYSCALL($row,\|^$row(" sandbox/policy.def >"$work/def"
  one "$row" "$work/def"
  kept=$(sed -n "s/^$row	//p" tests/sandbox/kept.tsv)
  if ! cmp -s "$work/all/said" "$work/$row/said"; then
    [ -z "$kept" ]; check "$row is needed here, and tests/sandbox/kept.tsv says that it is not" $?
  elif [ -n "$kept" ]; then
    echo "kept, though nothing here needs it: $row, $kept"
    check "$row" 0
  else
    check "$row is no longer needed" 1
  fi
  rm -rf "${work:?}/$row"
done
done_checking
