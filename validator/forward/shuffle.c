/* Channels to places and back, channels among themselves. */
#include "forward/families.h"

enum { INPUT, FACTOR };

/* The last three dimensions, and how many such images there are. */
struct image {
  uint64_t images, c, h, w, factor;
};

static bool image_read(struct op_call *call, struct image *m) {
  const struct ftensor *x = op_tensor(call, INPUT);
  const int64_t factor = call->arg[FACTOR].i;
  if (x->ndim < 3)
    return op_error(call, "input %s, expected at least 3 dimensions", ft_shape_text(call->arena, x));
  if (factor < 1 || factor > INT32_MAX) return op_error(call, "the factor is %lld", (long long)factor);
  *m = (struct image){1, x->size[x->ndim - 3], x->size[x->ndim - 2], x->size[x->ndim - 1], (uint64_t)factor};
  for (uint32_t i = 0; i + 3 < x->ndim; i++) m->images *= x->size[i];
  return true;
}

static bool image_result(struct op_call *call, uint64_t c, uint64_t h, uint64_t w) {
  const struct ftensor *x = op_tensor(call, INPUT);
  uint64_t size[FT_DIMS] = {0};
  memcpy(size, x->size, sizeof size);
  size[x->ndim - 3] = c;
  size[x->ndim - 2] = h;
  size[x->ndim - 1] = w;
  return op_result(call, x->type, size, x->ndim);
}

bool pixel_shuffle_shape(struct op_call *call) {
  struct image m = {.images = 0};
  uint64_t h, w;
  if (!image_read(call, &m)) return false;
  if (m.c % (m.factor * m.factor))
    return op_error(call, "%llu channels, not a multiple of the square of %llu", (unsigned long long)m.c,
                    (unsigned long long)m.factor);
  if (!try_mul(m.h, m.factor, &h) || !try_mul(m.w, m.factor, &w))
    return op_error(call, "the result has too many elements");
  return image_result(call, m.c / (m.factor * m.factor), h, w);
}

bool pixel_unshuffle_shape(struct op_call *call) {
  struct image m = {.images = 0};
  uint64_t c;
  if (!image_read(call, &m)) return false;
  if (m.h % m.factor || m.w % m.factor)
    return op_error(call, "an image of %llu by %llu, not multiples of %llu", (unsigned long long)m.h,
                    (unsigned long long)m.w, (unsigned long long)m.factor);
  if (!try_mul(m.c, m.factor * m.factor, &c)) return op_error(call, "the result has too many elements");
  return image_result(call, c, m.h / m.factor, m.w / m.factor);
}

static void copy_item(const struct op_call *call, uint64_t to, uint64_t from) {
  const uint64_t item = ft_itemsize(call->out->type);
  memcpy((uint8_t *)call->out->data.out + to * item,
         (const uint8_t *)op_tensor(call, INPUT)->data.in + from * item, item);
}

/* Element (c, dy, dx, y, x) of the narrow image, c from 0 to `channels`, is element (c, y * f + dy, x * f +
 * dx) of the wide one. */
static void shuffle(const struct op_call *call, const struct image *m, uint64_t channels, uint64_t h,
                    uint64_t w, bool to_wide) {
  const uint64_t f = m->factor;
  uint64_t narrow = 0;
  for (uint64_t c = 0; c < m->images * channels; c++)
    for (uint64_t d = 0; d < f * f; d++)
      for (uint64_t y = 0; y < h; y++)
        for (uint64_t x = 0; x < w; x++, narrow++) {
          const uint64_t wide = ((c * h + y) * f + d / f) * w * f + x * f + d % f;
          copy_item(call, to_wide ? wide : narrow, to_wide ? narrow : wide);
        }
}

bool pixel_shuffle_run(struct op_call *call) {
  struct image m = {.images = 0};
  if (!image_read(call, &m)) return false;
  if (call->out->numel) shuffle(call, &m, m.c / (m.factor * m.factor), m.h, m.w, true);
  return true;
}

bool pixel_unshuffle_run(struct op_call *call) {
  struct image m = {.images = 0};
  if (!image_read(call, &m)) return false;
  if (call->out->numel) shuffle(call, &m, m.c, m.h / m.factor, m.w / m.factor, false);
  return true;
}

/* (groups, channels of a group) is turned around. */
bool channel_shuffle_shape(struct op_call *call) {
  const struct ftensor *x = op_tensor(call, INPUT);
  const int64_t groups = call->arg[FACTOR].i;
  if (x->ndim < 3)
    return op_error(call, "input %s, expected at least 3 dimensions", ft_shape_text(call->arena, x));
  if (groups < 1 || x->size[1] % (uint64_t)groups)
    return op_error(call, "%llu channels can't be split into %lld groups", (unsigned long long)x->size[1],
                    (long long)groups);
  return shape_like_input(call);
}

bool channel_shuffle_run(struct op_call *call) {
  const struct ftensor *x = op_tensor(call, INPUT);
  const uint64_t groups = (uint64_t)call->arg[FACTOR].i, channels = x->size[1], each = channels / groups;
  uint64_t bytes = ft_itemsize(x->type);
  for (uint32_t i = 2; i < x->ndim; i++) bytes *= x->size[i];
  for (uint64_t n = 0; x->numel && n < x->size[0]; n++)
    for (uint64_t c = 0; c < channels; c++)
      memcpy((uint8_t *)call->out->data.out + (n * channels + c % each * groups + c / each) * bytes,
             (const uint8_t *)x->data.in + (n * channels + c) * bytes, bytes);
  return true;
}
