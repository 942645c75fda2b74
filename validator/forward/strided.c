#include "forward/strided.h"

void strided_dense(struct strided *v, const struct ftensor *t) {
  *v = (struct strided){.ndim = t->ndim};
  int64_t stride = 1;
  for (uint32_t i = t->ndim; i > 0; i--) {
    v->size[i - 1] = t->size[i - 1];
    v->stride[i - 1] = stride;
    stride *= (int64_t)(t->size[i - 1] ? t->size[i - 1] : 1); /* ft_shape holds this product below 2^59 */
  }
}

void strided_insert(struct strided *v, uint32_t at, uint64_t size, int64_t stride) {
  memmove(v->size + at + 1, v->size + at, (v->ndim - at) * sizeof v->size[0]);
  memmove(v->stride + at + 1, v->stride + at, (v->ndim - at) * sizeof v->stride[0]);
  v->size[at] = size;
  v->stride[at] = stride;
  v->ndim++;
}

void strided_move(struct strided *v, uint32_t from, uint32_t to) {
  const uint64_t size = v->size[from];
  const int64_t stride = v->stride[from];
  v->ndim--;
  memmove(v->size + from, v->size + from + 1, (v->ndim - from) * sizeof v->size[0]);
  memmove(v->stride + from, v->stride + from + 1, (v->ndim - from) * sizeof v->stride[0]);
  strided_insert(v, to, size, stride);
}

uint64_t strided_count(const struct strided *v) {
  uint64_t n = 1;
  for (uint32_t i = 0; i < v->ndim; i++)
    if (v->size[i] == 0) return 0; /* the sizes around it may have any product */
  for (uint32_t i = 0; i < v->ndim; i++) n *= v->size[i];
  return n;
}

bool strided_is_dense(const struct strided *v) {
  int64_t stride = 1;
  for (uint32_t i = v->ndim; i > 0; i--) {
    if (v->size[i - 1] != 1 && v->stride[i - 1] != stride) return false;
    stride *= (int64_t)v->size[i - 1];
  }
  return strided_count(v) > 0;
}

/* ---- copying ---- */

/* Dimensions that lie one behind the other in both tensors are one. Those of size 1 go. */
static void merge_dimensions(struct strided *v) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < v->ndim; i++) {
    if (v->size[i] == 1) continue;
    if (n && v->stride[n - 1] == v->stride[i] * (int64_t)v->size[i]) {
      v->size[n - 1] *= v->size[i];
      v->stride[n - 1] = v->stride[i];
      continue;
    }
    v->size[n] = v->size[i];
    v->stride[n++] = v->stride[i];
  }
  v->ndim = n;
}

/* The size of an element is a constant here, so that each memcpy is one move. */
static void copy_row_4(uint8_t *out, const uint8_t *in, int64_t step, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) memcpy(out + i * 4, in + (int64_t)i * step, 4);
}
static void copy_row_8(uint8_t *out, const uint8_t *in, int64_t step, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) memcpy(out + i * 8, in + (int64_t)i * step, 8);
}
static void copy_row_1(uint8_t *out, const uint8_t *in, int64_t step, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) out[i] = in[(int64_t)i * step];
}

static void copy_row(uint8_t *out, const uint8_t *in, int64_t step, uint64_t n, uint64_t item) {
  if (step == (int64_t)item)
    memcpy(out, in, n * item);
  else if (item == 4)
    copy_row_4(out, in, step, n);
  else if (item == 8)
    copy_row_8(out, in, step, n);
  else
    copy_row_1(out, in, step, n);
}

void strided_copy(void *out, const struct ftensor *in, const struct strided *v) {
  struct strided m = *v;
  const uint64_t count = strided_count(v), item = ft_itemsize(in->type);
  if (count == 0) return;
  merge_dimensions(&m);
  const uint32_t outer = m.ndim ? m.ndim - 1 : 0;
  const uint64_t n = m.ndim ? m.size[outer] : 1;
  const int64_t step = m.ndim ? m.stride[outer] * (int64_t)item : (int64_t)item;
  uint64_t index[STRIDED_DIMS] = {0};
  const uint8_t *base = in->data.in;
  uint8_t *to = out;
  int64_t at = m.offset;
  for (uint64_t done = 0; done < count; done += n, to += n * item) {
    copy_row(to, base + at * (int64_t)item, step, n, item);
    for (uint32_t i = outer; i > 0; i--) {
      at += m.stride[i - 1];
      if (++index[i - 1] < m.size[i - 1]) break;
      at -= m.stride[i - 1] * (int64_t)m.size[i - 1];
      index[i - 1] = 0;
    }
  }
}

/* ---- ops ---- */

bool strided_shape(struct op_call *c, strided_fn *view) {
  struct strided v;
  if (!view(c, &v) || !op_result(c, op_tensor(c, 0)->type, v.size, v.ndim)) return false;
  c->dense = strided_is_dense(&v);
  c->offset = (uint64_t)v.offset;
  return true;
}

bool strided_run(struct op_call *c, strided_fn *view) {
  struct strided v;
  if (!view(c, &v)) return false;
  strided_copy(c->out->data.out, op_tensor(c, 0), &v);
  return true;
}
