/* Tensors side by side: cat, stack; and roll, where two parts of one tensor change places. */
#include "forward/families.h"

enum { INPUT, DIM };

/* torch.cat leaves out one-dimensional tensors without elements, whatever the others' shape. */
static bool counts_in_cat(const struct ftensor *t) { return t->ndim != 1 || t->size[0] != 0; }

static bool same_types(struct op_call *c, const struct op_value *list) {
  if (list->n == 0) return op_error(c, "an empty list of tensors");
  for (uint32_t i = 1; i < list->n; i++)
    if (list->tensors[i]->type != list->tensors[0]->type)
      return op_unsupported(c, "a %s tensor beside a %s one", ft_name(list->tensors[i]->type),
                            ft_name(list->tensors[0]->type));
  return true;
}

/* The first tensor that counts, or the first of all. */
static const struct ftensor *cat_model(const struct op_value *list) {
  for (uint32_t i = 0; i < list->n; i++)
    if (counts_in_cat(list->tensors[i])) return list->tensors[i];
  return list->tensors[0];
}

bool cat_shape(struct op_call *c) {
  const struct op_value *list = &c->arg[INPUT];
  uint32_t axis;
  if (!same_types(c, list)) return false;
  const struct ftensor *model = cat_model(list);
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, model->size, sizeof size);
  if (!op_axis(c, c->arg[DIM].i, model->ndim, &axis)) return false;
  size[axis] = 0;
  for (uint32_t i = 0; i < list->n; i++) {
    const struct ftensor *t = list->tensors[i];
    if (t->ndim == 0) return op_error(c, "a tensor of no dimensions can't stand beside others");
    if (!counts_in_cat(t)) continue;
    bool fits = t->ndim == model->ndim;
    for (uint32_t d = 0; fits && d < t->ndim; d++) fits = d == axis || t->size[d] == model->size[d];
    if (!fits)
      return op_error(c, "%s and %s along dimension %u", ft_shape_text(c->arena, model),
                      ft_shape_text(c->arena, t), axis);
    if (!try_add(size[axis], t->size[axis], &size[axis]))
      return op_error(c, "the result has too many elements");
  }
  return op_result(c, model->type, size, model->ndim);
}

/* Copies t's part of every row of the result: `outer` rows, `row` bytes apart. */
static void copy_part(uint8_t *out, uint64_t row, uint64_t outer, const struct ftensor *t) {
  const uint64_t part = outer ? ft_bytes(t) / outer : 0;
  for (uint64_t o = 0; o < outer; o++) memcpy(out + o * row, (const uint8_t *)t->data.in + o * part, part);
}

static uint64_t product(const uint64_t *size, uint32_t n) {
  uint64_t p = 1;
  for (uint32_t i = 0; i < n; i++) p *= size[i];
  return p;
}

bool cat_run(struct op_call *c) {
  const struct op_value *list = &c->arg[INPUT];
  uint32_t axis;
  if (!op_axis(c, c->arg[DIM].i, c->out->ndim, &axis)) return false;
  if (c->out->numel == 0) return true;
  const uint64_t outer = product(c->out->size, axis), row = ft_bytes(c->out) / outer;
  uint8_t *out = c->out->data.out;
  for (uint32_t i = 0; i < list->n; i++) {
    const struct ftensor *t = list->tensors[i];
    if (!counts_in_cat(t)) continue;
    copy_part(out, row, outer, t);
    out += ft_bytes(t) / outer;
  }
  return true;
}

bool stack_shape(struct op_call *c) {
  const struct op_value *list = &c->arg[INPUT];
  uint32_t axis;
  if (!same_types(c, list)) return false;
  const struct ftensor *first = list->tensors[0];
  if (!op_axis(c, c->arg[DIM].i, first->ndim + 1, &axis)) return false;
  for (uint32_t i = 1; i < list->n; i++)
    if (!ft_same_shape(list->tensors[i], first))
      return op_error(c, "%s and %s", ft_shape_text(c->arena, first),
                      ft_shape_text(c->arena, list->tensors[i]));
  uint64_t size[FT_DIMS + 1] = {0};
  memcpy(size, first->size, axis * sizeof size[0]);
  size[axis] = list->n;
  memcpy(size + axis + 1, first->size + axis, (first->ndim - axis) * sizeof size[0]);
  return op_result(c, first->type, size, first->ndim + 1);
}

bool stack_run(struct op_call *c) {
  const struct op_value *list = &c->arg[INPUT];
  uint32_t axis;
  if (!op_axis(c, c->arg[DIM].i, c->out->ndim, &axis)) return false;
  if (c->out->numel == 0) return true;
  const uint64_t outer = product(c->out->size, axis), row = ft_bytes(c->out) / outer;
  for (uint32_t i = 0; i < list->n; i++)
    copy_part((uint8_t *)c->out->data.out + i * (row / list->n), row, outer, list->tensors[i]);
  return true;
}

/* ---- roll(x, shifts, dims): without dims the tensor is flat ---- */

enum { SHIFTS = 1, DIMS };

static uint32_t list_length(const struct op_value *v) {
  return v->kind == OPV_INTS ? v->n : v->kind == OPV_INT ? 1 : 0;
}
static int64_t list_item(const struct op_value *v, uint32_t i) {
  return v->kind == OPV_INTS ? v->ints[i] : v->i;
}

/* How far each dimension is moved on, in [0, its size). */
static bool roll_read(struct op_call *c, uint64_t *shift) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const struct op_value *shifts = &c->arg[SHIFTS], *dims = &c->arg[DIMS];
  const uint32_t n = list_length(shifts), m = list_length(dims);
  if (n == 0 || (m == 0 && n != 1) || (m && m != n) || (m && x->ndim == 0))
    return op_error(c, "%u shifts for %u dimensions", n, m);
  for (uint32_t i = 0; i < m; i++) {
    uint32_t axis;
    if (!op_axis(c, list_item(dims, i), x->ndim, &axis)) return false;
    const int64_t size = x->ndim ? (int64_t)x->size[axis] : 1;
    if (size == 0) continue;
    const int64_t by = list_item(shifts, i) % size;
    shift[axis] = (shift[axis] + (uint64_t)(by < 0 ? by + size : by)) % (uint64_t)size;
  }
  return true;
}

bool roll_shape(struct op_call *c) {
  uint64_t shift[FT_DIMS] = {0};
  return roll_read(c, shift) && shape_like_input(c);
}

/* One row moved on by `shift` elements. */
static void roll_row(uint8_t *out, const uint8_t *in, uint64_t n, uint64_t shift, uint64_t item) {
  memcpy(out + shift * item, in, (n - shift) * item);
  memcpy(out, in + (n - shift) * item, shift * item);
}

bool roll_run(struct op_call *c) {
  const struct ftensor *x = op_tensor(c, INPUT);
  const uint64_t item = ft_itemsize(x->type);
  uint64_t shift[FT_DIMS] = {0}, index[FT_DIMS] = {0};
  if (!roll_read(c, shift)) return false;
  if (x->numel == 0) return true;
  const uint8_t *in = x->data.in;
  uint8_t *out = c->out->data.out;
  if (list_length(&c->arg[DIMS]) == 0) {
    const int64_t n = (int64_t)x->numel, by = list_item(&c->arg[SHIFTS], 0) % n;
    roll_row(out, in, x->numel, (uint64_t)(by < 0 ? by + n : by), item);
    return true;
  }
  const uint32_t outer = x->ndim ? x->ndim - 1 : 0;
  const uint64_t n = x->ndim ? x->size[outer] : 1;
  for (uint64_t done = 0; done < x->numel; done += n) {
    uint64_t row = 0;
    for (uint32_t i = 0; i < outer; i++) row = row * x->size[i] + (index[i] + shift[i]) % x->size[i];
    roll_row(out + row * n * item, in + done * item, n, shift[outer], item);
    for (uint32_t i = outer; i > 0 && ++index[i - 1] == x->size[i - 1]; i--) index[i - 1] = 0;
  }
  return true;
}
