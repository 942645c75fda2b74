#include "forward/window.h"

bool window_ints(struct op_call *c, const char *name, const struct op_value *v, uint32_t dims, int64_t least,
                 uint64_t out[AXES]) {
  const uint32_t n = v->kind == OPV_INT ? 1 : v->n;
  if (n != 1 && n != dims) return op_error(c, "%s has %u numbers, expected 1 or %u", name, n, dims);
  for (uint32_t i = 0; i < dims; i++) {
    int64_t value = v->kind == OPV_INT ? v->i : v->ints[n == 1 ? 0 : i];
    if (value < least || value > INT32_MAX)
      return op_error(c, "%s is %lld, expected at least %lld and at most %d", name, (long long)value,
                      (long long)least, INT32_MAX);
    out[AXES - dims + i] = (uint64_t)value;
  }
  return true;
}

bool window_count(struct op_call *c, struct window *w, bool ceil_mode) {
  /* No sum here can overflow: a tensor's size is below 2^59, the other numbers are below 2^31. */
  const uint64_t padded = w->in + w->before + w->after, slack = ceil_mode ? w->stride - 1 : 0;
  if (w->kernel == 0 || window_reach(w) > padded + slack)
    return op_error(c,
                    "a kernel of %llu (dilation %llu) does not fit an input of %llu with padding %llu + %llu",
                    (unsigned long long)w->kernel, (unsigned long long)w->dilation, (unsigned long long)w->in,
                    (unsigned long long)w->before, (unsigned long long)w->after);
  w->out = (padded + slack - window_reach(w)) / w->stride + 1;
  if (ceil_mode && (w->out - 1) * w->stride >= w->in + w->before) w->out--;
  return true;
}

int64_t padding_source(enum padding_mode mode, uint64_t n, int64_t i) {
  const int64_t size = (int64_t)n;
  if (i >= 0 && i < size) return i;
  switch (mode) {
  case PAD_ZEROS: return -1;
  case PAD_REFLECT: return i < 0 ? -i : 2 * (size - 1) - i;
  case PAD_REPLICATE: return i < 0 ? 0 : size - 1;
  case PAD_CIRCULAR: return i < 0 ? i + size : i - size;
  case PAD_MODES: break;
  }
  return -1;
}

/* Most rows of most convolutions are one run, which is copied at memory speed. */
static struct run find_run(const int64_t *index, uint64_t n) {
  struct run r = {0, n};
  while (r.first < n && index[r.first] < 0) r.first++;
  while (r.end > r.first && index[r.end - 1] < 0) r.end--;
  for (uint64_t o = r.first; o < r.end; o++)
    if (index[o] != index[r.first] + (int64_t)(o - r.first)) return (struct run){0, 0};
  return r;
}

static bool axis_init(struct sources *s, struct fpool *pool, const struct window *w, enum padding_mode mode) {
  s->index = fpool_take(pool, saturating_mul(saturating_mul(w->kernel, w->out), sizeof *s->index));
  s->run = fpool_take(pool, saturating_mul(w->kernel, sizeof *s->run));
  if (!s->index || !s->run) return false;
  for (uint64_t k = 0; k < w->kernel; k++) {
    for (uint64_t o = 0; o < w->out; o++)
      s->index[k * w->out + o] =
          padding_source(mode, w->in, (int64_t)(o * w->stride + k * w->dilation) - (int64_t)w->before);
    s->run[k] = find_run(s->index + k * w->out, w->out);
  }
  return true;
}

bool sources_init(struct sources s[AXES], struct fpool *pool, const struct window axis[AXES],
                  enum padding_mode mode) {
  memset(s, 0, AXES * sizeof *s);
  return axis_init(&s[Z], pool, &axis[Z], mode) && axis_init(&s[Y], pool, &axis[Y], mode) &&
         axis_init(&s[X], pool, &axis[X], mode);
}

void sources_free(struct fpool *pool, struct sources s[AXES]) {
  for (uint32_t i = AXES; i > 0; i--) {
    fpool_give(pool, s[i - 1].run);
    fpool_give(pool, s[i - 1].index);
  }
}
