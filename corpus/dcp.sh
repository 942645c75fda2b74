# To be sourced: pieces of .metadata, the pickle of a distributed checkpoint (format-spec G.8), with the names of torch 2.
D=torch.distributed.checkpoint
object() { printf "c$D.%s\\n%s\\n)\\201" "$1" "$2"; } # module, class: what its state is follows
size() { printf 'ctorch\nSize\n((' && printf 'I%s\n' "$@" && printf 'ttR'; } # numbers

# Entries of state_dict_metadata.
bytes_entry() { # fqn
  printf "S'%s'\n" "$1"
  object metadata BytesStorageMetadata
}
chunk() { # row, rows: three columns each
  object metadata ChunkStorageMetadata
  printf "}(S'offsets'\n" && size "$1" 0
  printf "S'sizes'\n" && size "$2" 3
  printf 'ub'
}
tensor_entry() { # fqn, chunks: float32 [2, 3], in one chunk or as said
  printf "S'%s'\n" "$1"
  object metadata TensorStorageMetadata
  printf "}(S'properties'\n"
  object metadata TensorProperties
  printf '(ctorch\nfloat32\nNI00\nNI00\ntb'
  printf "S'size'\n" && size 2 3
  printf "S'chunks'\n(l("
  eval "${2:-chunk 0 2}"
  printf 'eub'
}

# A row of storage_data.
place() { # fqn, file, offset, length; numbers: where the chunk of a tensor begins
  object metadata MetadataIndex
  printf "}(S'fqn'\nS'%s'\n" "$1"
  [ $# = 4 ] || { printf "S'offset'\n" && (shift 4 && size "$@"); }
  printf 'ub'
  object filesystem _StorageInfo
  printf "}(S'relative_path'\nS'%s'\nS'offset'\nI%s\nS'length'\nI%s\nub" "$2" "$3" "$4"
}

# A row of planner_data: where the entry stood before nested dicts were made one.
stood() { # fqn, keys
  printf "S'%s'\n(" "$1" && shift && printf "S'%s'\n" "$@" && printf t
}

metadata() { # commands that print the entries, the places, and what stood where
  printf '\200\002'
  object metadata Metadata
  printf "}(S'state_dict_metadata'\n}("
  eval "$1"
  printf "uS'storage_data'\n}("
  eval "$2"
  printf "uS'planner_data'\n}("
  eval "${3:-}"
  printf 'uub.'
}
