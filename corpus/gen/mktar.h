/* A file as torch.save wrote it before 0.1.10 (format-spec C.5): a tar of four members,
 * each with a pax header before it. The tables of storages and tensors come from directives:
 *
 *     data KEY f32 1 2 3             a storage
 *     view KEY OF OFFSET ELEMENTS    one that is part of another
 *     tensor KEY OF OFFSET 2,3 3,1   sizes and strides, `-` for none; OF `-` for no storage
 *     tensor-class KEY FloatTensor   another than that of its storage
 *     member NAME "…"                other bytes of a member
 *     again NAME "…"                 one more member
 *     without NAME
 *     bend NAME FIELD "…"            bytes over a field of its header, which then gets its checksum again;
 *                                    or `pax` for its pax records, `padding` for what fills its last block,
 *                                    `pax-bytes` for so long a record
 *     end "…"                        instead of the zeros at the end */
#ifndef CKPTLINT_CORPUS_GEN_MKTAR_H
#define CKPTLINT_CORPUS_GEN_MKTAR_H

#include "base/arena.h"
#include "corpus/gen/text.h"

enum { TAR_MEMBERS = 8, TAR_ROWS = 8, TAR_BENDS = 4, TAR_DIMS = 4 };

struct tar_storage {
  int64_t key;
  const char *type; /* "Float" */
  int64_t numel;
  struct span data;
};
struct tar_view {
  int64_t key, of, offset, numel;
};
struct tar_tensor {
  int64_t key, of, offset;
  bool has_storage;
  struct span cls;
  int64_t sizes[TAR_DIMS], strides[TAR_DIMS];
  size_t num_sizes, num_strides;
};
struct tar_item {
  struct span name, data;
};
struct tar_bend {
  struct span name, field, text;
};

struct tar_plan {
  struct span object;
  struct tar_storage storages[TAR_ROWS];
  struct tar_view views[TAR_ROWS];
  struct tar_tensor tensors[TAR_ROWS];
  struct tar_item changes[TAR_MEMBERS], more[TAR_MEMBERS];
  struct tar_bend bends[TAR_BENDS];
  struct span without, end, trailing;
  size_t num_storages, num_views, num_tensors, num_changes, num_more, num_bends;
};

/* Follows the directive, if it is one of these. What it keeps is copied to the arena. */
bool tar_directive(struct tar_plan *plan, struct arena *a, const struct line *l);
/* Where the program goes that `pickle NAME` writes: it is all of that member. */
struct span *tar_program(struct tar_plan *plan, struct span name);
void make_tar(const struct tar_plan *plan, struct bytes *out);

#endif
