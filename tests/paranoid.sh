#!/bin/sh
# --paranoid: a second run in a process started anew. Where both agree the report is the one without it, byte for byte; where
# they don't, nothing is clean.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/lib
mkdir "${work:?}/cases"
"$GEN" "$work/cases" || exit 1
mkdir "$work/some"
cp corpus/benign/*.pt corpus/benign/*.safetensors "$work/some/"
for f in a01-exec d-cut-object e03-crc-of-storage f-empty f-random; do cp "$work/cases/$f".* "$work/some/"; done
(cd corpus/benign && tar czf "$work/some/all.tar.gz" ./*.pt)
cp "$work/some/simple_linear.pt" "$work/-- odd name"

same() { # what, arguments…
  what=$1
  shift
  "$CKPTLINT" "$@" >"$work/once" 2>&1
  once=$?
  "$CKPTLINT" --paranoid "$@" >"$work/twice" 2>&1
  [ $? -eq "$once" ] && cmp -s "$work/once" "$work/twice"; check "$what: the same report" $?
}
same "a tree" scan "$work/some"
same "a tree, as JSON" --format json --nested --jobs 2 "$work/some"
same "a tree, as lines" inspect --format ndjson --hash sha256 "$work/some"
same "a check and a forward pass" forward --arch corpus/benign/simple_cnn.json corpus/benign/simple_cnn.pt
same "inspect" inspect --tree --opcodes "$work/some/whole_module.pt" "$work/some/complex_model.pt"
same "a name behind --" -- "$work/-- odd name"
same "nothing there" "$work/gone.pt" "$work/some/simple_cnn.pt"
same "only what is not clean" --quiet "$work/some"

# The same name is a good file for the first process and none for the second; the third input is one for both.
"$CKPTLINT" --paranoid --format ndjson --jobs 1 /proc/self/fd/0 corpus/benign/simple_cnn.pt <corpus/benign/simple_linear.pt >"$work/report"
[ $? -eq 2 ]; check "no agreement: exit 2" $?
grep -q '"path":"/proc/self/fd/0","verdict":"not checked"' "$work/report"; check "and not checked" $?
grep -q '"rule":"RUN007".*"reason":"paranoid"' "$work/report"; check "with the reason" $?
grep -q '"path":"corpus/benign/simple_cnn.pt","verdict":"clean"' "$work/report"; check "the next input is compared as ever" $?

"$CKPTLINT" --paranoid - <corpus/benign/simple_linear.pt >"$work/report" 2>&1
[ $? -eq 4 ]; check "standard input can't be read twice" $?
LD_PRELOAD=libm.so.6 "$CKPTLINT" --paranoid corpus/benign/simple_linear.pt >"$work/report" 2>&1
[ $? -eq 4 ]; check "what is put into one process is not in the other" $?
done_checking
