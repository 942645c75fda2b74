/* Normalizations that may have statistics recorded in training: batch and instance. */
#include "forward/norm.h"

#include <math.h>

enum { INPUT, RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS, USE_INPUT, MOMENTUM, EPS, TRACK };

/* A call's channels: dimension 1, or 0 where the batch is left out. */
struct channels {
  uint64_t n, area;
};

static bool read_channels(struct op_call *c, const struct channels *ch) {
  const struct ftensor *mean = op_tensor_or_null(c, RUNNING_MEAN), *var = op_tensor_or_null(c, RUNNING_VAR);
  if ((mean == NULL) != (var == NULL))
    return op_error(c, "running_mean and running_var: one without the other");
  return norm_affine(c, "running_mean", mean, ch->n) && norm_affine(c, "running_var", var, ch->n) &&
         norm_affine(c, "weight", op_tensor_or_null(c, WEIGHT), ch->n) &&
         norm_affine(c, "bias", op_tensor_or_null(c, BIAS), ch->n);
}

static void each_channel(struct op_call *c, const struct channels *ch, const float *scale,
                         const float *shift) {
  const float *in = ft_f32(op_tensor(c, INPUT));
  float *out = ft_f32_out(c->out);
  for (uint64_t at = 0, k = 0; at < c->out->numel; at += ch->area, k = k + 1 == ch->n ? 0 : k + 1)
    for (uint64_t i = 0; i < ch->area; i++) out[at + i] = in[at + i] * scale[k] + shift[k];
}

/* Mean and scale of channel k over the whole batch. */
static struct moments batch_moments(const struct op_call *c, const struct channels *ch, uint64_t k) {
  const struct ftensor *x = op_tensor(c, INPUT);
  double sum = 0, squares = 0, count = 0;
  for (uint64_t at = k * ch->area; at < x->numel; at += ch->n * ch->area)
    for (uint64_t i = 0; i < ch->area; i++) {
      sum += (double)ft_f32(x)[at + i];
      count++;
    }
  const double mean = sum / count;
  for (uint64_t at = k * ch->area; at < x->numel; at += ch->n * ch->area)
    for (uint64_t i = 0; i < ch->area; i++)
      squares += ((double)ft_f32(x)[at + i] - mean) * ((double)ft_f32(x)[at + i] - mean);
  return (struct moments){mean, 1 / sqrt(squares / count + op_number(c, EPS))};
}

/* One factor and one summand for each channel, from the statistics recorded or those of the batch. */
static bool by_channel(struct op_call *c, const struct channels *ch, bool recorded) {
  if (c->out->numel == 0) return true;
  const struct ftensor *weight = op_tensor_or_null(c, WEIGHT), *bias = op_tensor_or_null(c, BIAS);
  float *scale = fpool_take(c->pool, ch->n * 2 * sizeof *scale);
  if (!scale) return op_no_memory(c);
  float *shift = scale + ch->n;
  for (uint64_t k = 0; k < ch->n; k++) {
    struct moments m;
    if (recorded)
      m = (struct moments){(double)ft_f32(op_tensor(c, RUNNING_MEAN))[k],
                           1 / sqrt((double)ft_f32(op_tensor(c, RUNNING_VAR))[k] + op_number(c, EPS))};
    else
      m = batch_moments(c, ch, k);
    const double factor = m.scale * (weight ? (double)ft_f32(weight)[k] : 1);
    scale[k] = (float)factor;
    shift[k] = (float)((bias ? (double)ft_f32(bias)[k] : 0) - m.mean * factor);
  }
  each_channel(c, ch, scale, shift);
  fpool_give(c->pool, scale);
  return true;
}

/* ---- batch_norm ---- */

/* A module without statistics uses the batch's own, in evaluation too. */
static bool batch_recorded(const struct op_call *c) {
  return !c->arg[USE_INPUT].i && op_tensor_or_null(c, RUNNING_MEAN);
}

static struct channels batch_channels(const struct ftensor *x) {
  return (struct channels){x->size[1], norm_area(x)};
}

static bool batch_norm(struct op_call *c, uint32_t least, uint32_t most) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (x->ndim == 1 && least == 2 && x->numel == 0) return op_unsupported(c, "a batch of no dimensions");
  if (x->ndim < least || x->ndim > most)
    return op_error(c, "input %s, expected [batch, channels%s]", ft_shape_text(c->arena, x),
                    most == 4   ? ", height, width"
                    : most == 5 ? ", depth, height, width"
                                : ", ...");
  const struct channels ch = batch_channels(x);
  if (!batch_recorded(c) && x->numel / max_u64(1, ch.n) == 1)
    return op_error(c, "statistics of a batch with one value for each channel");
  return read_channels(c, &ch) && shape_like_input(c);
}

bool batch_norm_shape(struct op_call *c) { return batch_norm(c, 2, FT_DIMS); }
bool batch_norm1d_shape(struct op_call *c) { return batch_norm(c, 2, 3); }
bool batch_norm2d_shape(struct op_call *c) { return batch_norm(c, 4, 4); }
bool batch_norm3d_shape(struct op_call *c) { return batch_norm(c, 5, 5); }

bool batch_norm_run(struct op_call *c) {
  const struct channels ch = batch_channels(op_tensor(c, INPUT));
  return by_channel(c, &ch, batch_recorded(c));
}

/* ---- instance_norm ---- */

/* Statistics of each instance, unless the module tracked some. */
static bool instance_recorded(const struct op_call *c) {
  return (!c->arg[USE_INPUT].i || c->arg[TRACK].i) && op_tensor_or_null(c, RUNNING_MEAN);
}

/* `places`: dimensions behind the channels; the function takes any number of them and wants a batch. */
static struct channels instance_channels(const struct ftensor *x, uint32_t places) {
  if (places == 0 || x->ndim == places + 2) return batch_channels(x);
  struct channels ch = {x->size[0], 1};
  for (uint32_t i = 1; i < x->ndim; i++) ch.area *= x->size[i];
  return ch;
}

static bool instance_norm(struct op_call *c, uint32_t places) {
  const struct ftensor *x = op_tensor(c, INPUT);
  if (!op_wants_f32(c, "input", x)) return false;
  if (places ? x->ndim != places + 1 && x->ndim != places + 2 : x->ndim < 2)
    return op_error(c, "input %s, expected [batch, channels, ...]", ft_shape_text(c->arena, x));
  const struct channels ch = instance_channels(x, places);
  if (!instance_recorded(c) && ch.area == 1)
    return op_error(c, "statistics of an instance with one value for each channel");
  return read_channels(c, &ch) && shape_like_input(c);
}

static bool instance_run(struct op_call *c, uint32_t places) {
  const struct channels ch = instance_channels(op_tensor(c, INPUT), places);
  if (instance_recorded(c)) return by_channel(c, &ch, true);
  norm_by_groups(c, &(struct group_norm){.channels = ch.n,
                                         .groups = ch.n,
                                         .area = ch.area,
                                         .weight = op_tensor_or_null(c, WEIGHT),
                                         .bias = op_tensor_or_null(c, BIAS),
                                         .eps = op_number(c, EPS)});
  return true;
}

bool instance_norm_shape(struct op_call *c) { return instance_norm(c, 0); }
bool instance_norm1d_shape(struct op_call *c) { return instance_norm(c, 1); }
bool instance_norm2d_shape(struct op_call *c) { return instance_norm(c, 2); }
bool instance_norm3d_shape(struct op_call *c) { return instance_norm(c, 3); }
bool instance_norm_run(struct op_call *c) { return instance_run(c, 0); }
bool instance_norm1d_run(struct op_call *c) { return instance_run(c, 1); }
bool instance_norm2d_run(struct op_call *c) { return instance_run(c, 2); }
bool instance_norm3d_run(struct op_call *c) { return instance_run(c, 3); }

/* ---- as in training ---- */

static bool is_batch_norm(const struct op *op) { return op->kernel == batch_norm_run; }

static bool is_instance_norm(const struct op *op) {
  return op->kernel == instance_norm_run || op->kernel == instance_norm1d_run ||
         op->kernel == instance_norm2d_run || op->kernel == instance_norm3d_run;
}

bool norm_is_recorded(const struct op *op, const struct op_call *c) {
  if (is_batch_norm(op)) {
    const struct ftensor *x = op_tensor(c, INPUT);
    return batch_recorded(c) && x->numel / max_u64(1, batch_channels(x).n) > 1;
  }
  return is_instance_norm(op) && instance_recorded(c);
}

void norm_use_batch(const struct op *op, struct op_value *arg) {
  arg[USE_INPUT] = (struct op_value){.kind = OPV_BOOL, .i = 1};
  if (is_instance_norm(op)) arg[TRACK] = (struct op_value){.kind = OPV_BOOL, .i = 0};
}
