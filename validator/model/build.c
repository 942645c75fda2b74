/* The hooks of the machine: what a global, a call, a BUILD and a persistent id mean. Each is asked at the
 * moment of execution, so that arguments are judged as a loader would get them, whatever the program does to
 * them later. */
#include "model/checkpoint.h"

static builder_fn *const builders[BUILDERS] = {
#define BUILDER(id, form, says) [BUILD_##id] = build_##id,
#include "model/builders.def"
#undef BUILDER
};
static const char *const builder_forms[BUILDERS] = {
#define BUILDER(id, form, says) [BUILD_##id] = form,
#include "model/builders.def"
#undef BUILDER
};

uint32_t built_new(struct checkpoint *cp, enum built_kind kind, uint32_t index,
                   const struct global_row *row) {
  struct built *b = vec_push(cp->arena, &cp->built, cp->max->pickle_values);
  if (!b) return 0;
  *b = (struct built){.kind = (uint8_t)kind, .index = index, .row = row};
  return cp->built.n - 1;
}

const struct built *built_of(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct object *o = value_object(m, v);
  return o && o->tag < cp->built.n ? &cp->built.p[o->tag] : NULL;
}

const struct global_row *row_of(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct global *g = value_global(m, v);
  return g && g->tag < cp->rows.n ? cp->rows.p[g->tag] : NULL;
}

static uint32_t refused(struct checkpoint *cp, const struct machine *m, val_id object,
                        const struct global_row *row) {
  const struct object *o = value_object(m, object);
  if (cp->num_refused++ == 0) cp->refused_at = o->at;
  return built_new(cp, BUILT_REFUSED, 0, row);
}

static uint32_t refuse_call(struct checkpoint *cp, const struct machine *m, val_id object, enum obs_kind kind,
                            const struct global_row *row) {
  observe(cp->obs, (struct observation){.kind = kind,
                                        .member = cp->member,
                                        .at = value_object(m, object)->at,
                                        .subject = describe_call(cp, m, object),
                                        .detail = span_str(row ? row->why : "")});
  return refused(cp, m, object, row);
}

uint32_t refuse_arguments(struct checkpoint *cp, struct machine *m, val_id object,
                          const struct global_row *row, const char *what) {
  struct span form = span_str(row ? builder_forms[row->builder] : "");
  observe(cp->obs, (struct observation){.kind = OBS_CALL_ARGUMENTS,
                                        .member = cp->member,
                                        .at = value_object(m, object)->at,
                                        .subject = describe_call(cp, m, object),
                                        .detail = arena_printf(cp->arena, "%s; accepted: %.*s", what,
                                                               (int)form.n, (const char *)form.p)});
  return refused(cp, m, object, row);
}

static uint32_t on_global(void *ctx, const struct machine *m, const struct global *g) {
  struct checkpoint *cp = ctx;
  const struct global_row *row = cp->policy.lookup(cp->policy.ctx, g->mapped_module, g->mapped_name);
  const struct global_row **slot = vec_push(cp->arena, &cp->rows, m->max->pickle_values);
  if (!slot) return 0;
  *slot = row;
  return cp->rows.n - 1;
}

static bool is_identifier(struct span s) {
  for (size_t i = 0; i < s.n; i++) {
    uint8_t c = s.p[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return s.n > 0 && !span_starts(s, SPAN("__"));
}

static bool is_record_class(const struct global_row *row) {
  return row && (row->cls == GLOBAL_RECORD || row->cls == GLOBAL_MODULE);
}

static bool is_refused_class(const struct global_row *row) {
  return row && (row->cls == GLOBAL_DANGEROUS || row->cls == GLOBAL_INDIRECT || row->cls == GLOBAL_GADGET);
}

/* getattr(Class, 'MEMBER') is how Python 3.11 writes an enum member, getattr(object, 'method') how OneCycleLR
 * writes its annealing function; only on records and only with a plain name is it one (overview, section 4).
 */
static bool is_record_attribute(const struct checkpoint *cp, const struct machine *m,
                                const struct object *o) {
  const struct global *g = value_global(m, o->callee);
  if (!g || !span_is(g->mapped_module, "builtins") || !span_is(g->mapped_name, "getattr")) return false;
  if (o->origin != BY_REDUCE || value_count(m, o->args) != 2) return false;
  val_id owner = value_item(m, o->args, 0), name = value_item(m, o->args, 1);
  if (kind_of(m, name) != VAL_TEXT || !is_identifier(value_bytes(m, name))) return false;
  const struct built *b = built_of(cp, m, owner);
  return is_record_class(row_of(cp, m, owner)) || (b && b->kind == BUILT_RECORD && is_record_class(b->row));
}

/* cls.__new__(cls): no code of the class runs, unlike REDUCE, which calls it. */
static bool is_bare_instance(const struct machine *m, const struct object *o) {
  return (o->origin == BY_NEWOBJ || o->origin == BY_NEWOBJ_EX) && value_count(m, o->args) == 0 &&
         (o->kwargs == 0 || value_count(m, o->kwargs) == 0);
}

static uint32_t call_unlisted(struct checkpoint *cp, struct machine *m, val_id object) {
  if (is_bare_instance(m, value_object(m, object))) return built_new(cp, BUILT_RECORD, 0, NULL);
  return refuse_call(cp, m, object, OBS_CALL_UNKNOWN, NULL);
}

static uint32_t call_listed(struct checkpoint *cp, struct machine *m, val_id object,
                            const struct global_row *row) {
  switch (row->cls) {
  case GLOBAL_DANGEROUS: return refuse_call(cp, m, object, OBS_CALL_DANGEROUS, row);
  case GLOBAL_INDIRECT:
    if (is_record_attribute(cp, m, value_object(m, object))) return built_new(cp, BUILT_RECORD, 0, row);
    return refuse_call(cp, m, object, OBS_CALL_INDIRECT, row);
  case GLOBAL_GADGET: return refuse_call(cp, m, object, OBS_CALL_GADGET, row);
  case GLOBAL_CORE:
  case GLOBAL_MODELLED:
  case GLOBAL_RECORD:
  case GLOBAL_MODULE:
    if (row->builder != BUILD_NONE) return builders[row->builder](cp, m, object, row);
    if (is_record_class(row) && is_bare_instance(m, value_object(m, object)))
      return built_new(cp, BUILT_RECORD, 0, row);
    return refuse_arguments(cp, m, object, row,
                            "it is kept as data: it may be named and instantiated, not called");
  case GLOBAL_UNKNOWN:
  case GLOBAL_CLASSES: break;
  }
  return call_unlisted(cp, m, object);
}

val_id callee_global(const struct checkpoint *cp, const struct machine *m, const struct object *o) {
  if (kind_of(m, o->callee) == VAL_GLOBAL) return o->callee;
  if (kind_of(m, o->callee) != VAL_PERSID || !cp->running_legacy) return 0;
  val_id id = m->persids.p[value_of(m, o->callee)->ref].id;
  return is_module_id(m, id) ? value_item(m, id, 1) : 0;
}

static uint32_t on_call(void *ctx, struct machine *m, val_id object) {
  struct checkpoint *cp = ctx;
  val_id callee = callee_global(cp, m, value_object(m, object));
  if (!callee) return refuse_call(cp, m, object, OBS_CALL_COMPUTED, NULL);
  const struct global *g = value_global(m, callee);
  if (g->computed) return refuse_call(cp, m, object, OBS_CALL_COMPUTED, NULL);
  const struct global_row *row = row_of(cp, m, callee);
  /* A dotted pair may be listed to say what it would do; to be allowed, a name must be plain. */
  if ((g->odd || g->dotted) && !is_refused_class(row))
    return refuse_call(cp, m, object, OBS_CALL_ODD_NAME, NULL);
  return row ? call_listed(cp, m, object, row) : call_unlisted(cp, m, object);
}

static void refuse_build(struct checkpoint *cp, uint32_t at, const char *target, const char *why) {
  observe(cp->obs, (struct observation){.kind = OBS_BUILD_REFUSED,
                                        .member = cp->member,
                                        .at = at,
                                        .subject = span_str(target),
                                        .detail = span_str(why)});
}

/* State as a dict of attributes: str keys, none of them a dunder (threats B12: `__class__`, `__setstate__`).
 */
static bool plain_fields(const struct machine *m, val_id dict) {
  uint32_t n = value_count(m, dict);
  for (uint32_t i = 0; i < n; i += 2) {
    val_id key = value_item(m, dict, i);
    if (!value_is_string(m, key) || span_starts(value_bytes(m, key), SPAN("__"))) return false;
  }
  return true;
}

bool plain_attributes(const struct machine *m, val_id state) {
  return kind_of(m, state) == VAL_NONE || (kind_of(m, state) == VAL_DICT && plain_fields(m, state));
}

static void build_record(struct checkpoint *cp, struct machine *m, val_id state, uint32_t at) {
  if (kind_of(m, state) == VAL_DICT && !plain_fields(m, state))
    refuse_build(cp, at, "a record", "a state that sets special attributes");
  if (kind_of(m, state) != VAL_TUPLE) return;
  for (uint32_t i = 0; i < value_count(m, state); i++)
    if (kind_of(m, value_item(m, state, i)) == VAL_DICT && !plain_fields(m, value_item(m, state, i)))
      refuse_build(cp, at, "a record", "slots that set special attributes");
}

static void on_build(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at) {
  struct checkpoint *cp = ctx;
  uint32_t tag = value_object(m, target)->tag;
  struct built *b = tag < cp->built.n ? &cp->built.p[tag] : NULL;
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_NOTHING:
  case BUILT_REFUSED: return; /* said already */
  case BUILT_RECORD: build_record(cp, m, state, at); return;
  case BUILT_DICT:
    if (kind_of(m, state) != VAL_DICT || !plain_fields(m, state))
      refuse_build(cp, at, "a dict", "attributes that are not a dict of plain names");
    return;
  case BUILT_NP_DTYPE: build_np_dtype_state(cp, m, b, state, at); return;
  case BUILT_NP_ARRAY: build_np_array_state(cp, m, b, state, at); return;
  case BUILT_TENSOR:
    refuse_build(cp, at, "a tensor", "Tensor.set_ with numbers of its own; torch.save writes none");
    return;
  case BUILT_LIST:
  case BUILT_SET:
  case BUILT_BYTES:
  case BUILT_COMPLEX:
  case BUILT_SIZE:
  case BUILT_DEVICE:
  case BUILT_LAYOUT:
  case BUILT_NP_SCALAR: refuse_build(cp, at, "a plain value", "a state"); return;
  }
}

/* Items on an object call its __setitem__, append or extend: on a tensor that was heap corruption
 * (CVE-2026-24747). */
static void on_extend(void *ctx, struct machine *m, val_id target, uint32_t at) {
  struct checkpoint *cp = ctx;
  const struct built *b = built_of(cp, m, target);
  bool fine = !b || b->kind == BUILT_DICT || b->kind == BUILT_LIST || b->kind == BUILT_SET ||
              b->kind == BUILT_RECORD || b->kind == BUILT_REFUSED;
  if (!fine)
    refuse_build(cp, at, "a value that is no container", "items (torch 2.9 and older corrupt memory here)");
}

static uint32_t on_persid(void *ctx, struct machine *m, uint32_t persid_index) {
  return storage_of_persid(ctx, m, persid_index);
}

struct machine_hooks checkpoint_hooks(struct checkpoint *cp) {
  return (struct machine_hooks){.ctx = cp,
                                .global = on_global,
                                .call = on_call,
                                .build = on_build,
                                .extend = on_extend,
                                .persid = on_persid};
}

void checkpoint_init(struct checkpoint *cp, struct arena *a, struct observations *o, const struct limits *max,
                     struct container *c, const struct global_policy *policy) {
  *cp = (struct checkpoint){.arena = a, .obs = o, .max = max, .container = c, .policy = *policy};
  /* Row 0 of each table that a tag points into means "nothing". */
  (void)vec_push(a, &cp->built, max->pickle_values);
  (void)vec_push(a, &cp->rows, max->pickle_values);
}
