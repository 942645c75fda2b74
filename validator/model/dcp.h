/* A directory of torch.distributed.checkpoint (format-spec G.8): .metadata, a pickle of records, says where
 * in the .distcp files the chunks of each tensor are; every chunk is a file of its own, as torch.save writes
 * it. .metadata was scanned as any pickle: here its plan is read. */
#ifndef CKPTLINT_MODEL_DCP_H
#define CKPTLINT_MODEL_DCP_H

#include "model/folder.h"
#include "tensor/view.h"

/* A row of storage_data whose bytes are in the folder. */
struct dcp_slice {
  struct span fqn;       /* of the entry */
  uint32_t file;         /* of the folder */
  uint64_t at, n;        /* in it */
  struct span name;      /* "__0_0.distcp!layer.weight", with "[0, 4]" if it begins elsewhere than at 0 */
  bool has_offsets;      /* false: not a chunk of a tensor */
  uint32_t ndim, number; /* number: in the order of storage_data */
  uint64_t offsets[MAX_DIMS];
  const struct plan *plan; /* the caller's, who scans it: about the one mapping, members called NAME!MEMBER;
                              NULL: it was not read to its end */
};
/* Bytes of a .distcp file that are no slice's. */
struct dcp_gap {
  uint32_t file; /* of the folder */
  uint64_t at, n;
};
struct dcp {
  struct folder *f;
  const struct plan *p; /* of .metadata */
  uint32_t file;        /* .metadata's number */
  VEC(struct dcp_slice) slices;
  VEC(struct dcp_gap) gaps; /* max->chunks at most */
  bool left_out;            /* rows of storage_data that were observed instead */
  bool whole;               /* nothing was observed that makes the plan less than the checkpoint */
};

bool dcp_is_metadata(struct span name); /* ".metadata" */
bool dcp_is_data(struct span name);     /* "__0_0.distcp" */

/* Of a folder with .distcp files: reads storage_data. Observed: slices that are not in the folder, slices
 * that share bytes, bytes of no slice. False: there is none, or .metadata can't be believed, which is
 * observed. */
NODISCARD bool dcp_open(struct dcp *d, struct folder *f);
/* When the slices are scanned: the chunks against the tensors of the metadata, and the plan over all of them
 * (w may be NULL: none). False: that plan is not whole. */
NODISCARD bool dcp_merge(struct dcp *d, struct plan_writer *w);

/* Observes it of .metadata: the plan is not whole. */
void dcp_note(struct dcp *d, enum obs_kind kind, struct span fqn, struct span detail, uint64_t got,
              uint64_t want);

/* ---- values of the metadata (dcp_values.c) ---- */

/* Rows are UINT32_MAX where there is none. Records that stand in two places are not looked for at the second:
 * no writer makes such, and a search would not end in linear time. */
uint32_t dcp_field(const struct plan *p, uint32_t row, const char *name);
bool dcp_is_record(const struct plan *p, uint32_t row);
bool dcp_class_is(const struct plan *p, uint32_t row, const char *name); /* the class, without its module */
NODISCARD bool dcp_number(const struct plan *p, uint32_t row, uint64_t *out);
NODISCARD bool dcp_text(const struct plan *p, uint32_t row, struct span *out);
/* A torch.Size, tuple or list of numbers. */
NODISCARD bool dcp_sizes(const struct plan *p, uint32_t row, uint64_t out[MAX_DIMS], uint32_t *n);

#endif
