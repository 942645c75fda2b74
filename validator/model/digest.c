#include "model/digest.h"

#include "model/quantizer.h"
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

static void add_numbers(struct sha256_run *sha, const double *numbers, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    uint8_t bytes[sizeof *numbers];
    uint64_t bits;
    memcpy(&bits, &numbers[i], sizeof bits);
    for (uint32_t k = 0; k < sizeof bytes; k++) bytes[k] = (uint8_t)(bits >> 8 * k);
    sha256_add(sha, span_of(bytes, sizeof bytes));
  }
}

/* Integers are nothing without what they mean: over their digest, the scales, the zero points and how many
 * elements in a row have the same. False: it is not known. */
static bool add_meaning(struct digest *d, struct plan_bytes *storages, const struct plan_tensor *t) {
  struct quantizer q;
  struct sha256_run sha;
  if (!quantizer_read(&q, storages, t) || !sha256_begin(&sha)) return false;
  const double run = (double)q.run;
  sha256_add(&sha, span_of(d->sha256, sizeof d->sha256));
  add_numbers(&sha, q.scale, q.channels);
  add_numbers(&sha, q.zero_point, q.channels);
  add_numbers(&sha, &run, 1);
  return sha256_end(&sha, d->sha256);
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
    if (stats.hashed && t->flags & PLAN_QUANTIZED)
      out->tensor[i].known = add_meaning(&out->tensor[i], &storages, t);
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
