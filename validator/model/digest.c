#include "model/digest.h"

#include "model/plan_bytes.h"
#include "tensor/stats.h"

static const uint8_t magic[8] = {'C', 'K', 'L', 'S', 'H', 'A', 0, 1};

static struct view view_of(const struct plan *p, const struct plan_tensor *t) {
  struct view v = {.dtype = (enum dtype)t->dtype,
                   .ndim = t->ndim,
                   .offset = t->offset,
                   .numel = t->numel,
                   .contiguous = (t->flags & PLAN_CONTIGUOUS) != 0,
                   .expanded = (t->flags & PLAN_EXPANDED) != 0};
  for (uint32_t i = 0; i < t->ndim; i++) {
    v.size[i] = p->dims[t->first_dim + i];
    v.stride[i] = p->dims[t->first_dim + t->ndim + i];
    if (t->numel) v.extent += (v.size[i] - 1) * v.stride[i]; /* plan_open proved that it fits */
  }
  if (t->numel) v.extent += v.offset + 1;
  return v;
}

static bool has_bytes(const struct plan *p, const struct plan_tensor *t) {
  return !(t->flags & (PLAN_META | PLAN_UNPROVED | PLAN_SPARSE)) && t->storage &&
         p->storages[t->storage - 1].member;
}

bool digest_run(const struct plan *p, struct span file, const struct limits *max, void *region, size_t size,
                struct arena *a, struct observations *o) {
  struct digests *out = region;
  struct plan_bytes storages;
  if (!plan_bytes_open(&storages, p, file, a, o) || size < sizeof *out ||
      (size - sizeof *out) / sizeof(struct digest) < p->num_tensors)
    return false;
  memcpy(out->magic, magic, sizeof magic);
  out->n = p->num_tensors;
  for (uint32_t i = 0; i < p->num_tensors; i++) {
    const struct plan_tensor *t = &p->tensors[i];
    struct tensor_stats stats;
    struct span bytes;
    if (!has_bytes(p, t) || !plan_bytes_read(&storages, t->storage, &bytes)) continue;
    struct view v = view_of(p, t);
    tensor_stats(&stats, &v, bytes, p->storages[t->storage - 1].big_endian != 0, true, max->stats_elements);
    out->tensor[i].known = stats.hashed;
    if (stats.hashed) memcpy(out->tensor[i].sha256, stats.sha256, sizeof stats.sha256);
  }
  out->complete = 1;
  return true;
}

const struct digests *digest_open(const void *region, size_t size, const struct plan *p) {
  const struct digests *d = region;
  bool fine = size >= sizeof *d && memcmp(d->magic, magic, sizeof magic) == 0 && d->complete == 1 &&
              d->n == p->num_tensors && (size - sizeof *d) / sizeof(struct digest) >= d->n;
  return fine ? d : NULL;
}
