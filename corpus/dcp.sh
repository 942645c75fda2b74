# To be sourced: pieces of .metadata, the pickle of a distributed checkpoint (format-spec G.8), with the names of torch 2.
D=torch.distributed.checkpoint
object() { printf "c$D.%s\\n%s\\n)\\201" "$1" "$2"; } # module, class: what its state is follows
size() { printf 'ctorch\nSize\n((' && printf 'I%s\n' "$@" && printf 'ttR'; } # numbers

# Entries of state_dict_metadata.
bytes_entry() { # fqn
  printf "S'%s'\n" "$1"
  object metadata BytesStorageMetadata
}
tensor_entry() { # fqn: float32 [2, 3] in one chunk
  printf "S'%s'\n" "$1"
  object metadata TensorStorageMetadata
  printf "}(S'properties'\n"
  object metadata TensorProperties
  printf '(ctorch\nfloat32\nNI00\nNI00\ntb'
  printf "S'size'\n" && size 2 3
  printf "S'chunks'\n(l"
  object metadata ChunkStorageMetadata
  printf "}(S'offsets'\n" && size 0 0
  printf "S'sizes'\n" && size 2 3
  printf 'ubaub'
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

metadata() { # commands that print the entries, commands that print the places
  printf '\200\002'
  object metadata Metadata
  printf "}(S'state_dict_metadata'\n}("
  eval "$1"
  printf "uS'storage_data'\n}("
  eval "$2"
  printf 'uub.'
}
