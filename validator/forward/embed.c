/* Tables: embedding, and bags of embeddings. */
#include <math.h>

#include "forward/families.h"

/* ---- embedding(input, weight): rows of the table ---- */

enum { IDS, TABLE, PADDING_IDX, MAX_NORM, SCALE = 7 };

static bool read_table(struct op_call *c, const struct ftensor *ids, const struct ftensor *table,
                       const struct op_value *max_norm) {
  if (ids->type != FT_I64) return op_error(c, "the input must be int64, it is %s", ft_name(ids->type));
  if (!op_wants_f32(c, "weight", table)) return false;
  if (table->ndim != 2)
    return op_error(c, "weight %s, expected 2 dimensions", ft_shape_text(c->arena, table));
  return max_norm->kind == OPV_NONE ||
         op_unsupported(c, "max_norm, which changes the table while it is looked up");
}

bool embedding_shape(struct op_call *c) {
  const struct ftensor *ids = op_tensor(c, IDS), *table = op_tensor(c, TABLE);
  uint64_t size[FT_DIMS + 1] = {0};
  if (!read_table(c, ids, table, &c->arg[MAX_NORM])) return false;
  memcpy(size, ids->size, ids->ndim * sizeof size[0]);
  size[ids->ndim] = table->size[1];
  return op_result(c, FT_F32, size, ids->ndim + 1);
}

static const float *table_row(struct op_call *c, const struct ftensor *table, int64_t id) {
  if (id >= 0 && (uint64_t)id < table->size[0]) return ft_f32(table) + (uint64_t)id * table->size[1];
  (void)!op_error(c, "%lld is no row of a table of %llu", (long long)id, (unsigned long long)table->size[0]);
  return NULL;
}

bool embedding_run(struct op_call *c) {
  const struct ftensor *ids = op_tensor(c, IDS), *table = op_tensor(c, TABLE);
  const uint64_t width = table->size[1];
  const float scale = (float)op_number(c, SCALE);
  const bool scaled = !(scale >= 1 && scale <= 1);
  float *out = ft_f32_out(c->out);
  for (uint64_t i = 0; i < ids->numel; i++, out += width) {
    const float *row = table_row(c, table, ft_i64(ids)[i]);
    if (!row) return false;
    memcpy(out, row, width * sizeof *out);
    for (uint64_t k = 0; scaled && k < width; k++) out[k] *= scale;
  }
  return true;
}

/* ---- bags(input, offsets, per_sample_weights, weight, mode, …): a sum, mean or maximum of rows ---- */

enum {
  BAG_IDS,
  BAG_OFFSETS,
  BAG_WEIGHTS,
  BAG_TABLE,
  BAG_MODE,
  BAG_INCLUDE_LAST,
  BAG_PADDING_IDX,
  BAG_MAX_NORM
};

static bool mode_is(const struct op_call *c, const char *name) {
  return span_is(c->arg[BAG_MODE].text, name);
}

bool bags_shape(struct op_call *c) {
  const struct ftensor *ids = op_tensor(c, BAG_IDS), *offsets = op_tensor_or_null(c, BAG_OFFSETS),
                       *table = op_tensor(c, BAG_TABLE);
  const struct ftensor *weights = op_tensor_or_null(c, BAG_WEIGHTS);
  if (!read_table(c, ids, table, &c->arg[BAG_MAX_NORM])) return false;
  if (!mode_is(c, "sum") && !mode_is(c, "mean") && !mode_is(c, "max"))
    return op_error(c, "mode is neither 'sum', 'mean' nor 'max'");
  if (ids->ndim != 1 && ids->ndim != 2)
    return op_error(c, "an input %s, expected 1 or 2 dimensions", ft_shape_text(c->arena, ids));
  if ((ids->ndim == 1) != (offsets != NULL))
    return op_error(c, "offsets belong to an input of one dimension");
  if (offsets && (offsets->type != FT_I64 || offsets->ndim != 1))
    return op_error(c, "offsets must be int64, of one dimension");
  if (weights && (!mode_is(c, "sum") || !ft_same_shape(weights, ids) || weights->type != FT_F32))
    return op_error(c, "per_sample_weights are for mode='sum', float32, and of the input's shape");
  const bool last = offsets && c->arg[BAG_INCLUDE_LAST].i;
  if (last && offsets->numel == 0) return op_error(c, "no offsets, not even the last");
  const uint64_t size[] = {offsets ? offsets->numel - last : ids->size[0], table->size[1]};
  return op_result(c, FT_F32, size, 2);
}

/* The numbers of one bag: [from, to) of the input. */
static bool bag_range(struct op_call *c, uint64_t bag, uint64_t *from, uint64_t *to) {
  const struct ftensor *ids = op_tensor(c, BAG_IDS), *offsets = op_tensor_or_null(c, BAG_OFFSETS);
  if (!offsets) {
    *from = bag * ids->size[1];
    *to = *from + ids->size[1];
    return true;
  }
  const int64_t *o = ft_i64(offsets), n = (int64_t)ids->numel;
  const int64_t start = o[bag], end = bag + 1 < offsets->numel ? o[bag + 1] : n;
  if (start < 0 || end < start || end > n || (bag == 0 && start != 0))
    return op_error(c, "offsets that don't ascend from 0 to %lld", (long long)n);
  *from = (uint64_t)start;
  *to = (uint64_t)end;
  return true;
}

static bool fill_bag(struct op_call *c, float *out, uint64_t from, uint64_t to) {
  const struct ftensor *ids = op_tensor(c, BAG_IDS), *table = op_tensor(c, BAG_TABLE),
                       *weights = op_tensor_or_null(c, BAG_WEIGHTS);
  const struct op_value *padding = &c->arg[BAG_PADDING_IDX];
  const int64_t skip = padding->kind == OPV_NONE ? INT64_MIN
                       : padding->i < 0          ? padding->i + (int64_t)table->size[0]
                                                 : padding->i;
  const uint64_t width = table->size[1];
  const bool greatest = mode_is(c, "max");
  uint64_t n = 0;
  memset(out, 0, width * sizeof *out);
  for (uint64_t i = from; i < to; i++) {
    const float *row = table_row(c, table, ft_i64(ids)[i]), weight = weights ? ft_f32(weights)[i] : 1;
    if (!row) return false;
    if (ft_i64(ids)[i] == skip) continue;
    for (uint64_t k = 0; k < width; k++) {
      if (!greatest)
        out[k] += row[k] * weight;
      else if (n == 0 || row[k] > out[k] || isnan(row[k]))
        out[k] = row[k];
    }
    n++;
  }
  for (uint64_t k = 0; n && mode_is(c, "mean") && k < width; k++) out[k] /= (float)n;
  return true;
}

bool bags_run(struct op_call *c) {
  float *out = ft_f32_out(c->out);
  for (uint64_t bag = 0; bag < c->out->size[0]; bag++, out += c->out->size[1]) {
    uint64_t from = 0, to = 0;
    if (!bag_range(c, bag, &from, &to) || !fill_bag(c, out, from, to)) return false;
  }
  return true;
}
