#include "forward/weights.h"

#include "base/reader.h"
#include "model/quantizer.h"

enum { MAX_ITEM = 16 };

/* bool is copied, because a file may hold other bytes than 0 and 1. */
static bool as_it_lies(const struct plan *plan, const struct plan_tensor *row) {
  return row->flags & PLAN_CONTIGUOUS && !plan->storages[row->storage - 1].big_endian &&
         (row->dtype == DTYPE_F32 || row->dtype == DTYPE_I64);
}

uint64_t weight_bytes(const struct plan *plan, const struct fvalue *weight) {
  return as_it_lies(plan, &plan->tensors[weight->index]) ? 0 : ft_bytes(&weight->t);
}

/* The plan has proved this; it is asked again where the bytes are read, because everything below trusts it.
 */
static bool inside(const struct plan *plan, const struct plan_tensor *row, uint64_t bytes) {
  const uint64_t *size = plan->dims + row->first_dim, *stride = size + row->ndim;
  uint64_t last = row->offset, reach;
  if (row->numel == 0) return true;
  for (uint32_t i = 0; i < row->ndim; i++)
    if (size[i] == 0 || !try_mul(size[i] - 1, stride[i], &reach) || !try_add(last, reach, &last))
      return false;
  return last < bytes / dtype_size((enum dtype)row->dtype);
}

/* The element's bytes in little-endian order: where they lie, or turned around in `swapped`. */
static const uint8_t *in_order(uint8_t swapped[MAX_ITEM], const uint8_t *p, size_t size, bool big_endian) {
  if (!big_endian) return p;
  for (size_t i = 0; i < size; i++) swapped[i] = p[size - 1 - i];
  return swapped;
}

static int64_t load_int(enum dtype d, const uint8_t *p) {
  switch (dtype_size(d)) {
  case 8: return (int64_t)load_u64le(p);
  case 4: return dtype_table[d].cls == DT_UINT ? (int64_t)load_u32le(p) : (int32_t)load_u32le(p);
  case 2: return dtype_table[d].cls == DT_UINT ? (int64_t)load_u16le(p) : (int16_t)load_u16le(p);
  case 1: return dtype_table[d].cls == DT_UINT ? (int64_t)p[0] : (int8_t)p[0];
  default: return 0;
  }
}

static void store_element(struct ftensor *out, uint64_t i, enum dtype d, const uint8_t *p) {
  switch (out->type) {
  case FT_F32: ft_f32_out(out)[i] = (float)dtype_load(d, p); break;
  case FT_I64: ft_i64_out(out)[i] = load_int(d, p); break;
  case FT_BOOL: ft_bool_out(out)[i] = p[0] != 0; break;
  }
}

/* One row: n elements, `step` bytes apart. bfloat16 has a path of its own: it is what large models are saved
 * in. */
static void convert_row(struct ftensor *out, uint64_t at, enum dtype d, const uint8_t *p, uint64_t step,
                        uint64_t n, bool big_endian) {
  uint8_t swapped[MAX_ITEM] = {0};
  if (d == DTYPE_BF16 && !big_endian) {
    for (uint64_t i = 0; i < n; i++) {
      uint32_t bits = (uint32_t)load_u16le(p + i * step) << 16;
      memcpy(ft_f32_out(out) + at + i, &bits, sizeof bits);
    }
    return;
  }
  for (uint64_t i = 0; i < n; i++)
    store_element(out, at + i, d, in_order(swapped, p + i * step, dtype_size(d), big_endian));
}

static void convert(struct ftensor *out, const struct plan *plan, const struct plan_tensor *row,
                    const uint8_t *base) {
  const uint64_t *stride = plan->dims + row->first_dim + row->ndim, item = dtype_size((enum dtype)row->dtype);
  const uint32_t outer = out->ndim ? out->ndim - 1 : 0;
  const uint64_t n = out->ndim ? out->size[outer] : 1, step = out->ndim ? stride[outer] * item : 0;
  const bool big_endian = plan->storages[row->storage - 1].big_endian != 0;
  uint64_t index[FT_DIMS] = {0};
  for (uint64_t done = 0; done < out->numel; done += n) {
    uint64_t at = row->offset;
    for (uint32_t i = 0; i < outer; i++) at += index[i] * stride[i];
    convert_row(out, done, (enum dtype)row->dtype, base + at * item, step, n, big_endian);
    for (uint32_t i = outer; i > 0 && ++index[i - 1] == out->size[i - 1]; i--) index[i - 1] = 0;
  }
}

static void dequantize(struct ftensor *t, const struct quantizer *q) {
  float *x = ft_f32_out(t);
  for (uint64_t at = 0; at < t->numel; at += q->run) {
    const uint64_t c = quantizer_channel(q, at), n = q->channels == 1 ? t->numel : q->run;
    for (uint64_t i = at; i < at + n; i++) x[i] = quantizer_real(q, c, (double)x[i]);
    if (q->channels == 1) return;
  }
}

static bool unreadable(struct weights *w, const struct plan_tensor *row, struct span why) {
  return refuse(w->bytes.obs, (struct observation){.kind = OBS_FWD_WEIGHT_UNREADABLE,
                                                   .subject = plan_span(w->bytes.plan, row->key),
                                                   .detail = why});
}

bool weights_load(struct weights *w, struct fvalue *v, void **owned) {
  const struct plan *plan = w->bytes.plan;
  const struct plan_tensor *row = &plan->tensors[v->index];
  const bool quantized = row->flags & PLAN_QUANTIZED;
  struct quantizer q;
  struct span bytes;
  *owned = NULL;
  if (!plan_bytes_read(&w->bytes, row->storage, &bytes)) return false;
  if (!inside(plan, row, bytes.n)) return unreadable(w, row, SPAN("it beyond the end of its storage"));
  if (quantized && !quantizer_read(&q, &w->bytes, row))
    return unreadable(w, row, SPAN("its scales and zero points"));
  if (as_it_lies(plan, row)) {
    const uint8_t *p = v->t.numel ? bytes.p + row->offset * dtype_size((enum dtype)row->dtype) : bytes.p;
    v->t.data.in = p;
    if ((uintptr_t)p % ft_itemsize(v->t.type) == 0)
      return true; /* a legacy file's storages may lie anywhere */
  }
  v->t.data.out = *owned = fpool_take(w->pool, ft_bytes(&v->t));
  if (!*owned)
    return refuse(w->bytes.obs,
                  (struct observation){
                      .kind = OBS_FWD_MEMORY, .subject = plan_span(plan, row->key), .want = w->pool->budget});
  if (v->t.numel == 0) return true;
  convert(&v->t, plan, row, bytes.p);
  if (quantized) dequantize(&v->t, &q);
  return true;
}
