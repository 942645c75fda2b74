/* Recognisers that take more than a few fixed bytes. Private to container/. */
#ifndef CKPTLINT_CONTAINER_DETECT_H
#define CKPTLINT_CONTAINER_DETECT_H

#include "base/span.h"

/* What a recogniser looks at: a private copy of the first bytes, and the mapping for who must look further
 * (and copies what it looks at). */
struct probe {
  struct span head;
  struct span file;
};

enum { PROBE_BYTES = 4096 };

static inline bool is_one_of(uint8_t byte, struct span set) { return memchr(set.p, byte, set.n); }

/* The first opcodes are opcodes, their arguments have the form that they must have, and the first one pushes.
 * A pickle of protocol 0 or 1 has no magic; no ordinary text gets through sixteen opcodes. */
bool looks_like_pickle(const struct probe *p);
/* A program that ends after a few opcodes and imports nothing: who unpickles it gets a text or a number. */
bool loads_plain_value(const struct probe *p);
/* Among its first opcodes one calls something, whatever they are else. */
bool reaches_call(const struct probe *p);
/* detect_foreign.c: files of other frameworks (foreign.def), as far as the first bytes, or the last eight,
 * tell. */
bool looks_like_msgpack(const struct probe *p);
bool is_saved_model(const struct probe *p);
bool is_onnx(const struct probe *p);
bool is_coreml(const struct probe *p);
bool is_caffe(const struct probe *p);
bool is_sentencepiece(const struct probe *p);
bool is_tf_checkpoint(const struct probe *p);
bool is_paddle(const struct probe *p);
bool is_darknet(const struct probe *p);
bool is_word2vec(const struct probe *p);
/* A tar header at 0, of any flavour, whose checksum some reader takes. */
bool looks_like_tar(const struct probe *p);
/* A tar that has one of the members of torch.save before 0.1.10. */
bool looks_like_torch_tar(const struct probe *p);

#endif
