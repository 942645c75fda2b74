/* Padding: any number of dimensions from the last one on, with a constant or with the tensor's own elements.
 */
#include <math.h>

#include "forward/families.h"
#include "forward/window.h"

enum { INPUT, PAD, MODE, VALUE }; /* pad */
enum { PADDING = 1, PAD_VALUE };  /* the modules */

struct padding {
  enum padding_mode mode; /* ZEROS: the constant */
  int64_t before[FT_DIMS];
  const struct op_value *value; /* of the constant; NULL: 0 */
};

/* ---- shape ---- */

static bool check_reach(struct op_call *c, const struct padding *p, uint32_t dim, int64_t after) {
  const uint64_t in = op_tensor(c, INPUT)->size[dim];
  const int64_t most = p->before[dim] > after ? p->before[dim] : after;
  if (p->mode == PAD_ZEROS) return true;
  if (p->before[dim] < 0 || after < 0) return op_unsupported(c, "negative padding that is not constant");
  if (in == 0) return op_error(c, "a padding of dimension %u, which is empty", dim);
  if ((p->mode == PAD_REFLECT && (uint64_t)most >= in) || (p->mode == PAD_CIRCULAR && (uint64_t)most > in))
    return op_error(c, "padding %lld of dimension %u, which has %llu elements", (long long)most, dim,
                    (unsigned long long)in);
  return true;
}

/* `pad`: pairs (before, after), the last dimension's first; an int stands for all of them. `dims`: how many
 * dimensions are padded. Fills p->before. */
static bool padded_shape(struct op_call *c, struct padding *p, const struct op_value *pad, uint32_t dims) {
  const struct ftensor *x = op_tensor(c, INPUT);
  uint64_t size[FT_DIMS] = {0};
  if (dims > x->ndim)
    return op_error(c, "padding of %u dimensions, %s has %u", dims, ft_shape_text(c->arena, x), x->ndim);
  memcpy(size, x->size, sizeof size);
  for (uint32_t i = 0; i < dims; i++) {
    const uint32_t dim = x->ndim - 1 - i;
    const int64_t after = pad->kind == OPV_INT ? pad->i : pad->ints[(size_t)2 * i + 1];
    p->before[dim] = pad->kind == OPV_INT ? pad->i : pad->ints[(size_t)2 * i];
    if (p->before[dim] < INT32_MIN || p->before[dim] > INT32_MAX || after < INT32_MIN || after > INT32_MAX)
      return op_error(c, "a padding of %lld and %lld", (long long)p->before[dim], (long long)after);
    if (!check_reach(c, p, dim, after)) return false;
    const int64_t total = (int64_t)x->size[dim] + p->before[dim] + after; /* a size is below 2^59 */
    if (total < 0)
      return op_error(c, "padding %lld and %lld of dimension %u, which has %llu elements",
                      (long long)p->before[dim], (long long)after, dim, (unsigned long long)x->size[dim]);
    size[dim] = (uint64_t)total;
  }
  if (x->type == FT_I64 && p->value && p->value->kind == OPV_FLOAT && !(fabs(p->value->f) < 0x1p63))
    return op_error(c, "the value %g in an int64 tensor", p->value->f);
  return op_result(c, x->type, size, x->ndim);
}

/* Modes that mirror, repeat or wrap want the padded dimensions behind the channels, with a batch or without:
 * circular ones since torch 2.1. */
static bool check_dims(struct op_call *c, enum padding_mode mode, uint32_t dims) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (mode == PAD_ZEROS) return true;
  if (x->ndim != dims + 2 && x->ndim != dims + 1)
    return op_error(c, "input %s, expected a batch, channels and %u more", ft_shape_text(c->arena, x), dims);
  return true;
}

/* torch.nn.functional.pad */
static bool pad_read(struct op_call *c, struct padding *p) {
  static const char *const names[] = {[PAD_ZEROS] = "constant",
                                      [PAD_REFLECT] = "reflect",
                                      [PAD_REPLICATE] = "replicate",
                                      [PAD_CIRCULAR] = "circular"};
  const struct op_value *pad = &c->arg[PAD];
  uint32_t mode = 0;
  while (mode < PAD_MODES && !span_is(c->arg[MODE].text, names[mode])) mode++;
  if (mode == PAD_MODES) return op_error(c, "mode is none of constant, reflect, replicate, circular");
  if (pad->kind != OPV_INTS || pad->n % 2) return op_error(c, "pad has not an even number of sizes");
  p->mode = (enum padding_mode)mode;
  p->value = c->arg[VALUE].kind == OPV_NONE ? NULL : &c->arg[VALUE];
  if (pad->n / 2 > FT_DIMS) return op_error(c, "pad has %u sizes", pad->n);
  return check_dims(c, p->mode, pad->n / 2) && padded_shape(c, p, pad, pad->n / 2);
}

/* The modules: padding is one int or two for each dimension. */
static bool module_read(struct op_call *c, struct padding *p, enum padding_mode mode, uint32_t dims) {
  const struct op_value *padding = &c->arg[PADDING];
  if (padding->kind == OPV_INTS && padding->n != 2 * dims)
    return op_error(c, "padding has %u sizes, expected %u", padding->n, 2 * dims);
  p->mode = mode;
  p->value = mode == PAD_ZEROS ? &c->arg[PAD_VALUE] : NULL;
  return check_dims(c, mode, dims) && padded_shape(c, p, padding, dims);
}

/* ---- kernel: dtype-blind but for the constant ---- */

static void store_constant(const struct padding *p, enum ftype type, uint8_t *out) {
  const double real = !p->value ? 0 : p->value->kind == OPV_FLOAT ? p->value->f : (double)p->value->i;
  const int64_t number = !p->value ? 0 : p->value->kind == OPV_FLOAT ? (int64_t)real : p->value->i;
  const float f32 = (float)real;
  switch (type) {
  case FT_F32: memcpy(out, &f32, sizeof f32); break;
  case FT_I64: memcpy(out, &number, sizeof number); break;
  case FT_BOOL: *out = real != 0; break;
  }
}

struct filling {
  const struct padding *p;
  const struct ftensor *x, *out;
  uint64_t item;
  uint8_t constant[8];
};

/* One row of the last dimension; `row` is NULL where an outer dimension is constant padding. */
static void fill_row(const struct filling *f, uint8_t *out, const uint8_t *row) {
  const uint32_t last = f->x->ndim - 1;
  const int64_t n = (int64_t)f->x->size[last], total = (int64_t)f->out->size[last],
                before = f->p->before[last];
  int64_t o = 0;
  while (o < total) {
    const int64_t i = o - before, from = row ? padding_source(f->p->mode, (uint64_t)n, i) : -1;
    int64_t count = 1;
    if (row && i >= 0 && i < n) count = n - i < total - o ? n - i : total - o;
    memcpy(out + (uint64_t)o * f->item, from < 0 ? f->constant : row + (uint64_t)from * f->item,
           (uint64_t)count * f->item);
    o += count;
  }
}

/* Where the row of the input begins that belongs to this row of the output; NULL: nowhere. */
static const uint8_t *source_row(const struct filling *f, const uint64_t *index) {
  uint64_t at = 0;
  for (uint32_t i = 0; i + 1 < f->x->ndim; i++) {
    const int64_t from = padding_source(f->p->mode, f->x->size[i], (int64_t)index[i] - f->p->before[i]);
    if (from < 0) return NULL;
    at = at * f->x->size[i] + (uint64_t)from;
  }
  return (const uint8_t *)f->x->data.in + at * f->x->size[f->x->ndim - 1] * f->item;
}

static bool fill_all(struct op_call *c, const struct padding *p) {
  const struct ftensor *x = op_tensor(c, INPUT);
  struct filling f = {.p = p, .x = x, .out = c->out, .item = ft_itemsize(x->type)};
  uint64_t index[FT_DIMS] = {0};
  if (x->ndim == 0) return true;
  store_constant(p, x->type, f.constant);
  const uint64_t width = c->out->size[x->ndim - 1];
  uint8_t *out = c->out->data.out;
  for (uint64_t done = 0; done < c->out->numel; done += width, out += width * f.item) {
    fill_row(&f, out, source_row(&f, index));
    for (uint32_t i = x->ndim - 1; i > 0 && ++index[i - 1] == c->out->size[i - 1]; i--) index[i - 1] = 0;
  }
  return true;
}

bool pad_shape(struct op_call *c) {
  struct padding p = {.mode = PAD_ZEROS};
  return pad_read(c, &p);
}
bool pad_run(struct op_call *c) {
  struct padding p = {.mode = PAD_ZEROS};
  struct op_call read = *c;
  struct ftensor out;
  read.out = &out;
  return pad_read(&read, &p) && fill_all(c, &p);
}

static bool module_shape(struct op_call *c, enum padding_mode mode, uint32_t dims) {
  struct padding p = {.mode = mode};
  return module_read(c, &p, mode, dims);
}
static bool module_run(struct op_call *c, enum padding_mode mode, uint32_t dims) {
  struct padding p = {.mode = mode};
  struct op_call read = *c;
  struct ftensor out;
  read.out = &out;
  return module_read(&read, &p, mode, dims) && fill_all(c, &p);
}

/* clang-format off */
#define PADDING_MODULE(name, mode, dims)                                               \
  bool name##_pad##dims##d_shape(struct op_call *c) { return module_shape(c, mode, dims); } \
  bool name##_pad##dims##d_run(struct op_call *c) { return module_run(c, mode, dims); }
#define PADDING_MODULES(name, mode) \
  PADDING_MODULE(name, mode, 1) PADDING_MODULE(name, mode, 2) PADDING_MODULE(name, mode, 3)
PADDING_MODULES(constant, PAD_ZEROS)
PADDING_MODULES(reflection, PAD_REFLECT)
PADDING_MODULES(replication, PAD_REPLICATE)
PADDING_MODULES(circular, PAD_CIRCULAR)
/* clang-format on */
