/* rope(x, theta, dims, interleaved, start, scaling, positions, trained): rotary embeddings with the scalings
 * of transformers (modeling_rope_utils.py). scaling is the config's dict (rope_scaling or rope_parameters),
 * positions its max_position_embeddings, trained its original_max_position_embeddings where they stand beside
 * the dict, not in it. The frequencies are plain numbers here; the op is rotary. */
#include <math.h>

#include "forward/lower.h"
#include "forward/params.h"

enum { X, THETA, DIMS, INTERLEAVED, START, SCALING, POSITIONS, TRAINED, PARAMETERS };

static const struct op_param rope_params[PARAMETERS] = {TENSOR("x"),
                                                        REAL("theta", 10000),
                                                        INT_OR_NONE("dims"),
                                                        BOOL("interleaved", 0),
                                                        INT("start", 0),
                                                        {"scaling", TAKES_NONE, false, {.kind = OPV_NONE}},
                                                        INT_OR_NONE("positions"),
                                                        INT_OR_NONE("trained")};

struct rope {
  struct lowering *l;
  struct frame *f;
  uint32_t at;
  const struct value *scaling; /* a dict; NULL: none */
  double theta;
  double length;             /* of the sequence, with start */
  double positions, trained; /* 0: not known */
  double attention;          /* what sine and cosine are multiplied with */
  uint32_t n;
  double *inverse; /* n of them */
};

static bool unsupported(struct rope *r, const char *why) {
  return lower_refuse(r->l, r->f, r->at, OBS_FWD_UNSUPPORTED, arena_printf(r->l->r->arena, "rope: %s", why));
}

/* An entry of the dict; VALUE_NONE where there is none. */
static bool entry(struct rope *r, const char *name, struct value *out) {
  *out = (struct value){.kind = VALUE_NONE};
  return !r->scaling || value_attr(&r->l->ev, r->scaling, span_str(name), r->at, out) ||
         lower_error(r->l, r->f);
}

/* A number of the dict, or `otherwise`; NaN: it must be there. */
static bool entry_number(struct rope *r, const char *name, double otherwise, double *out) {
  struct value v;
  if (!entry(r, name, &v)) return false;
  *out = value_is_number(&v) ? value_number(&v) : otherwise;
  if (!isnan(*out)) return true;
  struct span why = arena_printf(r->l->r->arena, "the scaling has no %s", name);
  return why.n && unsupported(r, (const char *)why.p);
}

/* The length that the model was trained for. */
static bool trained_length(struct rope *r, double *out) {
  return entry_number(r, "original_max_position_embeddings", r->trained > 0 ? r->trained : (double)NAN, out);
}

static void plain(struct rope *r, double theta) {
  for (uint32_t i = 0; i < r->n; i++) r->inverse[i] = pow(theta, -(double)i / (double)r->n);
}

static bool rope_default(struct rope *r) {
  plain(r, r->theta);
  return true;
}

static bool rope_linear(struct rope *r) {
  double factor = 0;
  if (!entry_number(r, "factor", (double)NAN, &factor)) return false;
  plain(r, r->theta);
  for (uint32_t i = 0; i < r->n; i++) r->inverse[i] /= factor;
  return true;
}

/* What dynamic and yarn take for it where nothing else is said. */
static void train_at_positions(struct rope *r) {
  if (!(r->trained > 0)) r->trained = r->positions;
}

/* NTK scaling of the base, beyond the trained length only. */
static bool rope_dynamic(struct rope *r) {
  const double d = 2 * (double)r->n;
  double factor = 0, trained = 0;
  train_at_positions(r);
  if (!entry_number(r, "factor", (double)NAN, &factor) || !trained_length(r, &trained)) return false;
  const double length = r->length > trained ? r->length : trained;
  plain(r, r->theta * pow(factor * length / trained - (factor - 1), d / (d - 2)));
  return true;
}

static bool rope_llama3(struct rope *r) {
  const double turn = 2 * acos(-1);
  double factor = 0, low = 0, high = 0, trained = 0;
  if (!entry_number(r, "factor", (double)NAN, &factor) ||
      !entry_number(r, "low_freq_factor", (double)NAN, &low) ||
      !entry_number(r, "high_freq_factor", (double)NAN, &high) || !trained_length(r, &trained))
    return false;
  plain(r, r->theta);
  for (uint32_t i = 0; i < r->n; i++) {
    const double wave = turn / r->inverse[i], smooth = (trained / wave - low) / (high - low);
    if (wave > trained / low)
      r->inverse[i] /= factor;
    else if (wave >= trained / high)
      r->inverse[i] = (1 - smooth) * r->inverse[i] / factor + smooth * r->inverse[i];
  }
  return true;
}

/* The pair that turns so many times over the trained length. */
static double yarn_pair(const struct rope *r, double turns, double trained) {
  return (double)r->n * log(trained / (turns * 2 * acos(-1))) / log(r->theta);
}

static double yarn_attention(double factor, double scale) {
  return factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1;
}

static bool rope_yarn(struct rope *r) {
  double factor = 0, trained = 0, fast = 0, slow = 0, scale = 0, scale_all = 0;
  struct value truncate;
  train_at_positions(r);
  if (!trained_length(r, &trained) ||
      !entry_number(r, "factor", r->positions > 0 ? r->positions / trained : (double)NAN, &factor) ||
      !entry_number(r, "beta_fast", 32, &fast) || !entry_number(r, "beta_slow", 1, &slow) ||
      !entry_number(r, "mscale", 0, &scale) || !entry_number(r, "mscale_all_dim", 0, &scale_all) ||
      !entry(r, "truncate", &truncate))
    return false;
  const bool both = scale > 0 && scale_all > 0, whole = truncate.kind == VALUE_NONE || value_truth(&truncate);
  if (!entry_number(r, "attention_factor",
                    both ? yarn_attention(factor, scale) / yarn_attention(factor, scale_all)
                         : yarn_attention(factor, 1),
                    &r->attention))
    return false;
  double first = yarn_pair(r, fast, trained), last = yarn_pair(r, slow, trained);
  first = fmax(whole ? floor(first) : first, 0);
  last = fmin(whole ? ceil(last) : last, 2 * (double)r->n - 1);
  const double width = last > first || last < first ? last - first : 0.001;
  plain(r, r->theta);
  for (uint32_t i = 0; i < r->n; i++) {
    const double slowed = fmin(fmax(((double)i - first) / width, 0), 1);
    r->inverse[i] = r->inverse[i] / factor * slowed + r->inverse[i] * (1 - slowed);
  }
  return true;
}

/* A divisor for every pair, another list of them beyond the trained length. */
static bool rope_longrope(struct rope *r) {
  double trained = 0, factor = 0;
  struct value list;
  if (!trained_length(r, &trained) ||
      !entry_number(r, "factor", r->positions > 0 ? r->positions / trained : (double)NAN, &factor) ||
      !entry_number(r, "attention_factor", factor <= 1 ? 1 : sqrt(1 + log(factor) / log(trained)),
                    &r->attention) ||
      !entry(r, r->length > trained ? "long_factor" : "short_factor", &list))
    return false;
  if (list.kind != VALUE_TUPLE || list.n != r->n)
    return unsupported(r, "the scaling has no factor for every pair");
  plain(r, r->theta);
  for (uint32_t i = 0; i < r->n; i++) {
    if (!value_is_number(&list.items[i])) return unsupported(r, "the scaling has a factor that is no number");
    r->inverse[i] /= value_number(&list.items[i]);
  }
  return true;
}

static bool frequencies(struct rope *r) {
  static const struct {
    const char *type;
    bool (*fill)(struct rope *r);
  } types[] = {{"default", rope_default}, {"linear", rope_linear}, {"dynamic", rope_dynamic},
               {"llama3", rope_llama3},   {"yarn", rope_yarn},     {"longrope", rope_longrope},
               {"su", rope_longrope} /* longrope's first name */};
  struct value type;
  if (!entry(r, "rope_type", &type) || (type.kind == VALUE_NONE && !entry(r, "type", &type))) return false;
  if (type.kind == VALUE_NONE) return rope_default(r);
  for (size_t i = 0; i < ARRAY_LEN(types); i++)
    if (type.kind == VALUE_TEXT && span_is(type.text, types[i].type)) return types[i].fill(r);
  return unsupported(r, "a type of scaling that is not known here");
}

/* The call without its scaling, which no operation takes. */
static bool take_scaling(struct rope *r, const struct call_args *args, struct call_args *left,
                         struct gval *scaling) {
  struct gval *positional = arena_array(r->l->r->arena, args->n, struct gval);
  struct local *keywords = arena_array(r->l->r->arena, args->num_keywords, struct local);
  const struct gval none = gval_of((struct value){.kind = VALUE_NONE});
  if (!positional || !keywords) return lower_memory(r->l);
  *scaling = none;
  for (uint32_t i = 0; i < args->n; i++) {
    positional[i] = i == SCALING ? none : args->positional[i];
    if (i == SCALING) *scaling = args->positional[i];
  }
  for (uint32_t i = 0; i < args->num_keywords; i++) {
    keywords[i] = args->keywords[i];
    if (!span_is(keywords[i].name, "scaling")) continue;
    *scaling = keywords[i].value;
    keywords[i].value = none;
  }
  *left = *args;
  left->positional = positional;
  left->keywords = keywords;
  return gval_is(scaling, VALUE_NONE) || gval_is(scaling, VALUE_DICT) ||
         lower_refuse(r->l, r->f, r->at, OBS_FWD_ARGUMENT, SPAN("rope: scaling is neither None nor a dict"));
}

static bool read_rope(struct rope *r, const struct op_value *arg) {
  const struct ftensor *x = arg[X].tensor;
  if (x->ndim < 2)
    return lower_refuse(r->l, r->f, r->at, OBS_FWD_SHAPE, SPAN("rope: x is [..., length, width]"));
  const uint64_t width = x->size[x->ndim - 1], length = x->size[x->ndim - 2];
  const int64_t dims = arg[DIMS].kind == OPV_NONE ? (int64_t)width : arg[DIMS].i;
  if (dims <= 0 || dims % 2 || (uint64_t)dims > width || dims > UINT16_MAX)
    return lower_refuse(r->l, r->f, r->at, OBS_FWD_SHAPE,
                        arena_printf(r->l->r->arena, "rope: %lld of a width of %llu", (long long)dims,
                                     (unsigned long long)width));
  r->n = (uint32_t)(dims / 2);
  r->theta = arg[THETA].kind == OPV_FLOAT ? arg[THETA].f : (double)arg[THETA].i;
  r->length = (double)length + (double)arg[START].i;
  r->positions = arg[POSITIONS].kind == OPV_INT ? (double)arg[POSITIONS].i : 0;
  r->trained = arg[TRAINED].kind == OPV_INT ? (double)arg[TRAINED].i : 0;
  r->inverse = arena_array(r->l->r->arena, r->n, double);
  return r->inverse || lower_memory(r->l);
}

bool lower_rope(struct lowering *l, struct frame *f, struct span name, const struct call_args *args,
                struct gval *out, bool *found) {
  const struct op signature = {.name = "rope", .params = rope_params, .num_params = PARAMETERS};
  struct rope r = {.l = l, .f = f, .at = args->at, .attention = 1};
  const struct op_value *bound;
  struct call_args left;
  struct gval scaling;
  *found = span_is(name, "rope");
  if (!*found) return true;
  if (!take_scaling(&r, args, &left, &scaling) || !lower_bind(l, f, &signature, &left, &bound)) return false;
  r.scaling = gval_is(&scaling, VALUE_DICT) ? &scaling.plain : NULL;
  if (!read_rope(&r, bound) || !frequencies(&r)) return false;
  struct value *inverse = arena_array(l->r->arena, r.n, struct value);
  if (!inverse) return lower_memory(l);
  for (uint32_t i = 0; i < r.n; i++) inverse[i] = value_real(r.inverse[i]);
  const struct gval arg[] = {gval_tensor(graph_value(&bound[X], 0)), gval_of(value_tuple(inverse, r.n)),
                             gval_of(value_bool(bound[INTERLEAVED].i != 0)),
                             gval_of(value_int(bound[START].i)), gval_of(value_real(r.attention))};
  return lower_op(l, f, &op_table[OP_rotary],
                  &(struct call_args){.at = args->at, .positional = arg, .n = ARRAY_LEN(arg)}, out);
}
