/* The hooks of the machine: what a global, a call and a persistent id mean; build_state.c has what BUILD
 * means. Each is asked at the moment of execution, so that arguments are judged as a loader would get them,
 * whatever the program does to them later. */
#include "model/call.h"

/* builders.def says what these are; what is only named may stand anywhere. */
enum callee { CALLEE_NAME, CALLEE_FUNCTION, CALLEE_CLASS, CALLEE_VALUE };

static builder_fn *const builders[BUILDERS] = {
#define BUILDER(id, callee, form, says) [BUILD_##id] = build_##id,
#include "model/builders.def"
#undef BUILDER
};
static const enum callee callees[BUILDERS] = {
#define BUILDER(id, callee, form, says) [BUILD_##id] = CALLEE_##callee,
#include "model/builders.def"
#undef BUILDER
};
static const char *const builder_forms[BUILDERS] = {
#define BUILDER(id, callee, form, says) [BUILD_##id] = form,
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

const struct global_row *row_of_global(const struct checkpoint *cp, const struct global *g) {
  return g && g->tag < cp->rows.n ? cp->rows.p[g->tag] : NULL;
}

struct span global_name(struct arena *a, const struct global *g) {
  return arena_printf(a, "%.*s.%.*s", (int)min_size(g->mapped_module.n, OBS_TEXT_MAX),
                      (const char *)g->mapped_module.p, (int)min_size(g->mapped_name.n, OBS_TEXT_MAX),
                      (const char *)g->mapped_name.p);
}

const struct global_row *row_of(const struct checkpoint *cp, const struct machine *m, val_id v) {
  return row_of_global(cp, value_global(m, v));
}

bool spend(struct checkpoint *cp, uint64_t n, uint32_t at) {
  uint64_t left = cp->max->call_steps - cp->steps;
  cp->steps += min_u64(n, left);
  if (n < left) return true;
  if (cp->obs->seen[OBS_LIMIT_CALL_STEPS] == 0)
    observe(cp->obs,
            (struct observation){
                .kind = OBS_LIMIT_CALL_STEPS, .member = cp->member, .at = at, .want = cp->max->call_steps});
  return false;
}

uint32_t refuse_silently(const struct call *c) {
  if (c->cp->num_refused++ == 0) c->cp->refused_at = c->at;
  return call_built(c, BUILT_REFUSED, 0);
}

uint32_t refuse_with(const struct call *c, enum obs_kind kind, struct span detail) {
  observe(c->cp->obs, (struct observation){.kind = kind,
                                           .member = c->cp->member,
                                           .at = c->at,
                                           .subject = describe_call(c, kind),
                                           .detail = detail});
  return refuse_silently(c);
}

uint32_t refuse_call(const struct call *c, enum obs_kind kind) {
  judge_arguments(c);
  return refuse_with(c, kind, span_str(c->row ? c->row->why : ""));
}

uint32_t refuse_arguments(const struct call *c, const char *what) {
  const char *form = c->row ? builder_forms[c->row->builder] : NULL;
  struct observation o = {.kind = OBS_CALL_ARGUMENTS, .member = c->cp->member, .at = c->at};
  if (is_spent(c->cp)) return call_built(c, BUILT_NOTHING, 0);
  o.subject = describe_call(c, o.kind);
  if (will_list(c->cp->obs, o.kind))
    o.detail = arena_printf(c->cp->arena, "%s; accepted: %s", what, form ? form : "");
  observe(c->cp->obs, o);
  return refuse_silently(c);
}

/* In a TorchScript archive the names below __torch__ are classes of its own code, which no Python imports
 * (format-spec B.8). */
static const struct global_row script_class = {.module = "__torch__",
                                               .name = "*",
                                               .cls = GLOBAL_RECORD,
                                               .builder = BUILD_PLAIN,
                                               .why = "a class of the archive's own code"};

static bool is_script_class(const struct checkpoint *cp, const struct global *g) {
  return runs_script(cp) &&
         (span_is(g->mapped_module, "__torch__") || span_starts(g->mapped_module, SPAN("__torch__.")));
}

/* What torch.package makes its TorchScript modules with; elsewhere it would be a way to run one. */
static const struct global_row package_script = {.module = "torch.jit._script",
                                                 .name = "unpackage_script_module",
                                                 .cls = GLOBAL_MODELLED,
                                                 .builder = BUILD_PACKAGE_SCRIPT,
                                                 .why = "a TorchScript module of the package"};

static const struct global_row *row_in(const struct checkpoint *cp, const struct global *g) {
  if (is_script_class(cp, g)) return &script_class;
  if (cp->ids == IDS_PACKAGE && span_is(g->mapped_module, package_script.module) &&
      span_is(g->mapped_name, package_script.name))
    return &package_script;
  return cp->policy.lookup(cp->policy.ctx, g->mapped_module, g->mapped_name);
}

static uint32_t on_global(void *ctx, const struct machine *m, const struct global *g) {
  struct checkpoint *cp = ctx;
  const struct global_row *row = row_in(cp, g);
  const struct global_row **slot = vec_push(cp->arena, &cp->rows, m->max->pickle_values);
  if (!slot) return 0;
  *slot = row;
  return cp->rows.n - 1;
}

bool is_argument(const struct global_row *row) {
  return row && row->cls != GLOBAL_UNKNOWN && !global_is_refused(row->cls) &&
         callees[row->builder] != CALLEE_FUNCTION;
}

bool is_for_calls(const struct global_row *row) {
  if (!row || row->cls == GLOBAL_CORE || row->builder == BUILD_PACKAGE_SCRIPT) return false;
  return row->cls == GLOBAL_INDIRECT ||
         (!global_is_refused(row->cls) && callees[row->builder] == CALLEE_FUNCTION);
}

/* cls.__new__(cls): no code of the class runs, unlike REDUCE, which calls it. */
static bool is_bare_instance(const struct machine *m, const struct object *o) {
  return (o->origin == BY_NEWOBJ || o->origin == BY_NEWOBJ_EX) && kind_of(m, o->args) == VAL_TUPLE &&
         value_count(m, o->args) == 0 && (o->kwargs == 0 || value_count(m, o->kwargs) == 0);
}

/* cls.__new__(cls, …) with plain values: the fields of a named tuple. A class whose __new__ does more than to
 * keep them would have to be on a list. */
static bool is_plain_instance(const struct call *c) {
  const struct object *o = value_object(c->m, c->object);
  if (is_bare_instance(c->m, o)) return true;
  return o->origin == BY_NEWOBJ && kind_of(c->m, o->args) == VAL_TUPLE && plain_arguments(c);
}

static uint32_t call_unlisted(const struct call *c) {
  const struct global *g = value_global(c->m, callee_global(c->cp, c->m, value_object(c->m, c->object)));
  if (is_plain_instance(c)) return call_built(c, BUILT_RECORD, 0);
  if (!looks_like_class(g->mapped_name) || !plain_arguments(c)) return refuse_call(c, OBS_CALL_UNKNOWN);
  struct span name = global_name(c->cp->arena, g);
  return refuse_with(
      c, OBS_CALL_UNKNOWN,
      arena_printf(c->cp->arena, "; if that class is yours, --allow %.*s keeps what it makes as data",
                   (int)name.n, (const char *)name.p));
}

/* NULL, or what is wrong with the opcode. INST and OBJ of protocols 0 and 1 call, as REDUCE does. */
static const char *opcode_wrong(const struct call *c) {
  const struct object *o = value_object(c->m, c->object);
  bool instance = o->origin == BY_NEWOBJ || o->origin == BY_NEWOBJ_EX;
  if (o->origin == BY_NEWOBJ_EX && (kind_of(c->m, o->kwargs) != VAL_DICT || value_count(c->m, o->kwargs)))
    return "keyword arguments, which nobody writes for it";
  if (instance && callees[c->row->builder] == CALLEE_FUNCTION) return "NEWOBJ of a function";
  if (instance && callees[c->row->builder] == CALLEE_CLASS && c->n)
    return "NEWOBJ gives its arguments to __new__ alone, which ignores them";
  return NULL;
}

static uint32_t call_data(const struct call *c) {
  if (kind_of(c->m, c->args) != VAL_TUPLE) return refuse_silently(c); /* computed: PKL204 already */
  if (c->row->builder != BUILD_NONE) {
    const char *what = opcode_wrong(c);
    return what ? refuse_arguments(c, what) : builders[c->row->builder](c);
  }
  if (is_data_class(c->row) && is_bare_instance(c->m, value_object(c->m, c->object)))
    return call_built(c, BUILT_RECORD, 0);
  return refuse_arguments(c, "it is kept as data: it may be named and instantiated, not called");
}

static uint32_t call_listed(const struct call *c) {
  switch (c->row->cls) {
  case GLOBAL_DANGEROUS: return refuse_call(c, OBS_CALL_DANGEROUS);
  case GLOBAL_INDIRECT: return call_indirect(c);
  case GLOBAL_GADGET: return refuse_call(c, OBS_CALL_GADGET);
  case GLOBAL_CORE:
  case GLOBAL_MODELLED:
  case GLOBAL_RECORD:
  case GLOBAL_DCP:
  case GLOBAL_MODULE: return call_data(c);
  case GLOBAL_UNKNOWN:
  case GLOBAL_CLASSES: break;
  }
  return call_unlisted(c);
}

val_id named_class(const struct checkpoint *cp, const struct machine *m, val_id v) {
  if (kind_of(m, v) == VAL_GLOBAL) return v;
  if (kind_of(m, v) != VAL_PERSID) return 0;
  return class_of_id(cp, m, m->persids.p[value_of(m, v)->ref].id);
}

val_id callee_global(const struct checkpoint *cp, const struct machine *m, const struct object *o) {
  return named_class(cp, m, o->callee);
}

static uint32_t on_call(void *ctx, struct machine *m, val_id object) {
  const struct object *o = value_object(m, object);
  struct call c = {
      .cp = ctx, .m = m, .object = object, .args = o->args, .n = value_count(m, o->args), .at = o->at};
  const struct global *g = value_global(m, callee_global(ctx, m, o));
  if (!g) c.row = reached_row(ctx, m, o->callee);
  if (c.row) return call_listed(&c);
  if (!g || g->computed) return refuse_call(&c, OBS_CALL_COMPUTED);
  c.row = row_of_global(ctx, g);
  /* A dotted pair may be listed to say what it would do; to be allowed, a name must be plain. */
  if ((g->odd || g->dotted) && !(c.row && global_is_refused(c.row->cls)))
    return refuse_call(&c, OBS_CALL_ODD_NAME);
  return c.row ? call_listed(&c) : call_unlisted(&c);
}

static uint32_t on_persid(void *ctx, struct machine *m, uint32_t persid_index) {
  struct checkpoint *cp = ctx;
  return cp->ids == IDS_TAR ? tar_persid(cp, m, persid_index) : storage_of_persid(cp, m, persid_index);
}

/* Classes that have no hash: the containers, and those that compare by their contents. */
static bool on_unhashable(void *ctx, const struct machine *m, val_id object) {
  const struct built *b = built_of(ctx, m, object);
  if (!b || !b->row || b->row->builder == BUILD_TUPLE) return false;
  if (b->kind == BUILT_SET) return strcmp(b->row->name, "frozenset") != 0;
  return b->kind == BUILT_DICT || b->kind == BUILT_LIST || b->kind == BUILT_NP_ARRAY ||
         b->row->builder == BUILD_BYTEARRAY || b->row->builder == BUILD_NAMESPACE;
}

struct machine_hooks checkpoint_hooks(struct checkpoint *cp) {
  return (struct machine_hooks){.ctx = cp,
                                .global = on_global,
                                .call = on_call,
                                .build = on_build,
                                .extend = on_extend,
                                .persid = on_persid,
                                .unhashable = on_unhashable,
                                .equal = on_equal,
                                .key = on_key,
                                .torch = cp->policy.torch};
}

void checkpoint_init(struct checkpoint *cp, struct arena *a, struct observations *o, const struct limits *max,
                     struct container *c, const struct global_policy *policy) {
  *cp = (struct checkpoint){
      .arena = a, .obs = o, .max = max, .container = c, .policy = *policy, .names.records = SPAN("data/")};
  /* Row 0 of each table that a tag points into means "nothing". */
  (void)vec_push(a, &cp->built, max->pickle_values);
  (void)vec_push(a, &cp->rows, max->pickle_values);
}
