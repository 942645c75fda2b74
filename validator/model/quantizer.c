#include "model/quantizer.h"

#include <math.h>

#include "model/elements.h"

/* Where its values stand. */
struct places {
  uint32_t scale, zero_point; /* rows of values */
  uint64_t channels, run;
};
enum found { FOUND, CUT, WRONG };

/* Of a plan that tensors share one long list in; limits.call_steps keeps an honest worker below it. */
enum { QUANTIZERS_WORK = 1 << 28 };

static bool is_number(const struct plan_value *v) {
  return v->kind == PLAN_VAL_INT || (v->kind == PLAN_VAL_FLOAT && isfinite(v->real));
}

static double number_of(const struct plan_value *v) {
  return v->kind == PLAN_VAL_INT ? (double)v->number : v->real;
}

static uint64_t count_children(const struct plan *p, uint32_t row) {
  uint64_t n = 0;
  for (uint32_t c = row + 1; c < p->values[row].end; c = p->values[c].end) n++;
  return n;
}

/* One number a channel: a tensor of them, or a list, which what a program adds later makes longer. */
static enum found one_a_channel(const struct plan *p, uint32_t row, uint64_t channels) {
  const struct plan_value *v = &p->values[row];
  if (v->kind == PLAN_VAL_TENSOR) {
    const struct plan_tensor *t = &p->tensors[v->number];
    enum dtype_class cls = dtype_table[t->dtype].cls;
    return t->numel == channels && (cls == DT_FLOAT || cls == DT_INT) ? FOUND : WRONG;
  }
  if (v->kind != PLAN_VAL_LIST) return WRONG;
  if (count_children(p, row) != channels) return CUT;
  for (uint32_t c = row + 1; c < v->end; c = p->values[c].end)
    if (!is_number(&p->values[c])) return WRONG;
  return FOUND;
}

static enum found per_tensor(const struct plan *p, const struct plan_tensor *t, struct places *out) {
  out->scale = plan_child(p, t->value, SPAN("scale"));
  out->zero_point = plan_child(p, t->value, SPAN("zero_point"));
  out->channels = out->run = 1;
  if (out->scale == UINT32_MAX || out->zero_point == UINT32_MAX) return CUT;
  return is_number(&p->values[out->scale]) && is_number(&p->values[out->zero_point]) ? FOUND : WRONG;
}

static enum found per_channel(const struct plan *p, const struct plan_tensor *t, uint32_t scales,
                              struct places *out) {
  const uint64_t *size = p->dims + t->first_dim;
  uint32_t zeros = plan_child(p, t->value, SPAN("zero_points")), axis = plan_child(p, t->value, SPAN("axis"));
  if (zeros == UINT32_MAX || axis == UINT32_MAX) return CUT;
  const struct plan_value *v = &p->values[axis];
  if (v->kind != PLAN_VAL_INT || v->number < 0 || v->number >= t->ndim) return WRONG;
  *out = (struct places){plan_resolve(p, scales), plan_resolve(p, zeros), size[v->number], 1};
  for (uint32_t i = (uint32_t)v->number + 1; t->numel && i < t->ndim; i++)
    out->run *= size[i]; /* at most numel */
  enum found s = one_a_channel(p, out->scale, out->channels),
             z = one_a_channel(p, out->zero_point, out->channels);
  return s == WRONG || z == WRONG ? WRONG : s == FOUND ? z : s;
}

static enum found find(const struct plan *p, const struct plan_tensor *t, struct places *out) {
  uint32_t scales = plan_child(p, t->value, SPAN("scales"));
  return scales == UINT32_MAX ? per_tensor(p, t, out) : per_channel(p, t, scales, out);
}

/* How many values are looked at for one tensor. */
static uint64_t work_of(const struct plan *p, const struct plan_tensor *t) {
  static const char *const lists[] = {"scales", "zero_points"};
  uint64_t n = count_children(p, plan_resolve(p, t->value));
  for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
    uint32_t row = plan_resolve(p, plan_child(p, t->value, span_str(lists[i])));
    if (row < p->num_values) n += count_children(p, row);
  }
  return n;
}

bool quantizers_ok(const struct plan *p) {
  struct places unused;
  uint64_t left = QUANTIZERS_WORK;
  for (uint32_t i = 0; i < p->num_tensors; i++) {
    if (!(p->tensors[i].flags & PLAN_QUANTIZED)) continue;
    uint64_t work = work_of(p, &p->tensors[i]);
    if (work > left || find(p, &p->tensors[i], &unused) == WRONG) return false;
    left -= work;
  }
  return true;
}

static bool read_tensor(struct plan_bytes *b, const struct plan_tensor *t, double *out) {
  struct elements e;
  struct span bytes = {0};
  if (!elements_readable(b->plan, t) || !plan_bytes_read(b, t->storage, &bytes)) return false;
  elements_begin(&e, b->plan, t, bytes);
  for (const uint8_t *p; (p = elements_next(&e));) *out++ = elements_value(&e, p);
  return true;
}

/* NULL: they can't be read. */
static const double *read_numbers(struct plan_bytes *b, uint32_t row, uint64_t n) {
  const struct plan_value *v = &b->plan->values[row];
  double *out = n <= SIZE_MAX ? arena_array(b->arena, (size_t)n, double) : NULL;
  if (!out) return NULL;
  if (v->kind == PLAN_VAL_TENSOR) return read_tensor(b, &b->plan->tensors[v->number], out) ? out : NULL;
  if (is_number(v)) {
    out[0] = number_of(v);
    return out;
  }
  double *next = out;
  for (uint32_t c = row + 1; c < v->end; c = b->plan->values[c].end) *next++ = number_of(&b->plan->values[c]);
  return out;
}

/* A tensor without elements may claim any number of channels: there is nothing to be meant by them. */
bool quantizer_read(struct quantizer *q, struct plan_bytes *b, const struct plan_tensor *t) {
  struct places at;
  if (find(b->plan, t, &at) != FOUND || (t->numel == 0 && at.channels > 1)) return false;
  *q = (struct quantizer){.channels = at.channels,
                          .run = at.run,
                          .scale = read_numbers(b, at.scale, at.channels),
                          .zero_point = read_numbers(b, at.zero_point, at.channels)};
  return q->scale && q->zero_point;
}
