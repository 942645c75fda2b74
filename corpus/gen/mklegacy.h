/* A stream as torch.save wrote it before 1.6 (format-spec C): five pickles, then for each
 * storage an int64 count and the bytes. */
#ifndef CKPTLINT_CORPUS_GEN_MKLEGACY_H
#define CKPTLINT_CORPUS_GEN_MKLEGACY_H

#include "corpus/gen/bytes.h"

struct legacy_block {
  struct span key, data;
  int64_t count; /* that the block states */
};

enum { LEGACY_BLOCKS = 16 };
struct legacy_plan {
  /* Empty: as torch writes it. The object has no default. */
  struct span magic, protocol, info, object, keys;
  struct legacy_block blocks[LEGACY_BLOCKS];
  size_t num_blocks;
  struct span trailing;
};

void make_legacy(const struct legacy_plan *plan, struct bytes *out);

#endif
