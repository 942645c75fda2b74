#!/bin/sh
# dict.sh FOLDER: a dictionary for each target that has words, from the tables (DICT, tools/dict.c) and from fuzz/dict/.
set -eu
cd "$(dirname "$0")/.."
. fuzz/new_folder.sh
new_folder "$1"
out=$new
for d in pickle zip formats json arch; do "$DICT" "$d" >"$out/$d"; done
dict() { # target, table…
  target=$1
  shift
  for table; do
    [ -f "fuzz/dict/$table.dict" ] && cat "fuzz/dict/$table.dict"
    cat "$out/$table"
  done >"$out/$target.dict"
}
dict pickle pickle
dict zip zip
for t in scan plan report legacy joblib folder; do dict $t zip pickle; done
for t in gguf npy safetensors tar; do dict $t formats; done
for t in json lock policy goldens adapter; do dict $t json; done
for t in arch match expr; do dict $t json arch; done
keep_folder "$1"
