/* GGUF: the files of llama.cpp (ggml, docs/gguf.md and src/gguf.cpp).
 *
 *     "GGUF"; u32 version; u64 tensors; u64 values (version 1: u32, as are all lengths and sizes)
 *     each value:  key (u64 length, bytes); u32 type; the value
 *     each tensor: name; u32 dimensions; u64 each, the fastest first; u32 type; u64 offset in the data
 *     zeros up to a multiple of general.alignment (32); then the data, each tensor padded to it
 *
 * There is no program in it, but the texts may hold a chat template, which loaders run as one. */
#ifndef CKPTLINT_CONTAINER_GGUF_H
#define CKPTLINT_CONTAINER_GGUF_H

#include "base/limits.h"
#include "base/observe.h"
#include "container/plain.h"

/* Every rule of the reference reader holds, and: no key or name twice, the tensors tile the data in their
 * order, and all padding is zero. Values become texts. Reads each byte of the mapping once, so that nothing
 * changes behind a check. False, observed with the offset in the file: a rule is broken, a limit is hit, or
 * it is of a version or type that is not known here. */
NODISCARD bool gguf_read(struct plain *out, struct arena *a, struct observations *o, const struct limits *max,
                         struct span file);

#endif
