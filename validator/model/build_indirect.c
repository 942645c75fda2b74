/* Calls of what reaches other code, in the few forms that call nothing while a file is loaded and that
 * picklers write for values: a member of an enumeration, a method or a function kept as a value, a type with
 * its parameters, a function with arguments for later. All else is refused. */
#include "model/call.h"

static bool is_identifier(struct span s) {
  enum { LONGEST = 512 };
  if (s.n > LONGEST) return false;
  for (size_t i = 0; i < s.n; i++) {
    uint8_t c = s.p[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return s.n > 0 && !span_starts(s, SPAN("__"));
}

bool is_data_class(const struct global_row *row) {
  return row && (row->cls == GLOBAL_RECORD || row->cls == GLOBAL_DCP || row->cls == GLOBAL_MODULE);
}

/* getattr(Class, 'MEMBER') is how Python 3.11 writes an enum member, getattr(object, 'method') how OneCycleLR
 * writes its annealing function; only on records and only with a plain name is it one (overview, section 4).
 */
static bool is_plain_getattr(const struct machine *m, const struct object *o) {
  const struct global *g = value_global(m, o->callee);
  if (!g || !span_is(g->mapped_module, "builtins") || !span_is(g->mapped_name, "getattr")) return false;
  if (o->origin != BY_REDUCE || value_count(m, o->args) != 2) return false;
  val_id name = value_item(m, o->args, 1);
  return kind_of(m, name) == VAL_TEXT && is_identifier(value_bytes(m, name));
}

static void observe_value(const struct call *c, enum obs_kind kind, struct span subject) {
  observe(c->cp->obs,
          (struct observation){.kind = kind, .member = c->cp->member, .at = c->at, .subject = subject});
}

static void observe_attribute(const struct call *c, enum obs_kind kind, struct span owner) {
  struct span name = call_bytes(c, 1);
  observe_value(c, kind,
                arena_printf(c->cp->arena, "%.*s.%.*s", (int)min_size(owner.n, OBS_TEXT_MAX),
                             (const char *)owner.p, (int)name.n, (const char *)name.p));
}

/* torch.relu and its like are static methods of a class, and pickled as such: values, which nothing here
 * calls. */
static uint32_t call_function_owner(const struct call *c, const struct global *g) {
  const struct global_row *function =
      c->cp->policy.lookup(c->cp->policy.ctx, SPAN("torch._C._VariableFunctions"), call_bytes(c, 1));
  if (function && global_is_refused(function->cls)) return refuse_call(c, OBS_CALL_INDIRECT);
  const struct global_row *owner = row_of_global(c->cp, g);
  observe_attribute(c, owner->reviewed ? OBS_ATTRIBUTE_REVIEWED : OBS_ATTRIBUTE_FUNCTION,
                    global_name(c->cp->arena, g));
  return call_kept(c);
}

/* Only on records, and of a class on no list only to say what it probably is. */
static uint32_t call_getattr(const struct call *c) {
  const struct global *g = value_global(c->m, call_arg(c, 0));
  const struct built *b = built_of(c->cp, c->m, call_arg(c, 0));
  const struct global_row *class_row = row_of_global(c->cp, g);
  if (class_row && class_row->builder == BUILD_FUNCTIONS) return call_function_owner(c, g);
  if (is_data_class(class_row)) {
    bool member_of_dcp =
        class_row->cls == GLOBAL_DCP && class_row->builder == BUILD_PLAIN; /* an enumeration */
    bool known = member_of_dcp || class_row->builder == BUILD_ZONE;        /* its constructor, reached_row */
    if (!known)
      observe_attribute(c, class_row->reviewed ? OBS_ATTRIBUTE_REVIEWED : OBS_ATTRIBUTE_MEMBER,
                        global_name(c->cp->arena, g));
    return call_kept(c);
  }
  if (b && b->kind == BUILT_RECORD && is_data_class(b->row)) {
    struct span owner = arena_printf(c->cp->arena, "%s.%s()", b->row->module, b->row->name);
    observe_attribute(c, b->row->reviewed ? OBS_ATTRIBUTE_REVIEWED : OBS_ATTRIBUTE_METHOD, owner);
    return call_kept(c);
  }
  if (!g || row_of_global(c->cp, g) || g->odd || g->dotted || g->computed)
    return refuse_call(c, OBS_CALL_INDIRECT);
  return refuse_with(c, OBS_CALL_ENUM, global_name(c->cp->arena, g));
}

/* The row of what a partial may keep: a class or function that is on a list, a class also as a legacy file
 * names it; or the owner of the function that getattr took of it. NULL: anything else. */
static const struct global_row *row_to_keep(const struct call *c, val_id v, const struct global *g) {
  const struct built *b = built_of(c->cp, c->m, v);
  const struct global_row *row = row_of_global(c->cp, g);
  if (g) return !g->odd && !g->dotted && !g->computed && is_argument(row) ? row : NULL;
  if (!b || !is_attribute(b)) return NULL;
  row = row_of(c->cp, c->m, value_item(c->m, value_object(c->m, v)->args, 0));
  return row && row->builder == BUILD_FUNCTIONS ? row : NULL;
}

/* functools.partial(function): its __reduce__ gives the arguments to its __setstate__
 * (Modules/_functoolsmodule.c). Whoever uses what was loaded calls it. Here that is a computed callee, and no
 * call is given one (plain_arguments). */
uint32_t build_PARTIAL(const struct call *c) {
  val_id function = call_arg(c, 0);
  const struct global *g = value_global(c->m, named_class(c->cp, c->m, function));
  const struct global_row *row = row_to_keep(c, function, g);
  if (value_object(c->m, c->object)->origin != BY_REDUCE || kind_of(c->m, c->args) != VAL_TUPLE || c->n != 1)
    return refuse_call(c, OBS_CALL_INDIRECT);
  if (row) {
    struct span name = g ? global_name(c->cp->arena, g) : SPAN("a function of torch's");
    observe_value(c, row->reviewed ? OBS_PARTIAL_REVIEWED : OBS_PARTIAL, name);
    return call_kept(c);
  }
  if (!g || row_of_global(c->cp, g) || g->odd || g->dotted || g->computed)
    return refuse_call(c, OBS_CALL_INDIRECT);
  return refuse_with(c, OBS_CALL_PARTIAL, global_name(c->cp->arena, g));
}

/* (function, arguments, keywords, attributes), the function being that of the call. */
bool is_partial_state(const struct checkpoint *cp, const struct machine *m, val_id partial, val_id state) {
  val_id function = value_item(m, value_object(m, partial)->args, 0);
  if (kind_of(m, state) != VAL_TUPLE || value_count(m, state) != 4) return false;
  val_id part[4];
  for (uint32_t i = 0; i < 4; i++) part[i] = value_item(m, state, i);
  const struct global *g = value_global(m, named_class(cp, m, function));
  bool same = part[0] == function || (g && value_global(m, named_class(cp, m, part[0])) == g);
  return same && kind_of(m, part[1]) == VAL_TUPLE && kind_of(m, part[2]) == VAL_DICT &&
         (kind_of(m, part[3]) == VAL_NONE || kind_of(m, part[3]) == VAL_DICT);
}

static bool is_type(const struct call *c, val_id v) {
  const struct built *b = built_of(c->cp, c->m, v);
  enum value_kind kind = kind_of(c->m, v);
  return kind == VAL_NONE || kind == VAL_GLOBAL || (b && b->kind == BUILT_RECORD);
}

static bool is_literal(const struct call *c, val_id v) {
  enum value_kind kind = kind_of(c->m, v);
  return kind == VAL_TEXT || kind == VAL_INT || kind == VAL_BOOL || kind == VAL_NONE;
}

typedef bool is_fn(const struct call *c, val_id v);

/* Is it one, or a tuple or list of them? */
static bool are(const struct call *c, val_id v, is_fn *is) {
  enum value_kind kind = kind_of(c->m, v);
  if (kind != VAL_TUPLE && kind != VAL_LIST) return is(c, v);
  if (!spend(c->cp, value_count(c->m, v), c->at)) return false;
  for (uint32_t i = 0; i < value_count(c->m, v); i++)
    if (!is(c, value_item(c->m, v, i))) return false;
  return true;
}

/* A type, or the list of a callable's argument types. */
static bool is_parameter(const struct call *c, val_id v) { return are(c, v, is_type); }

/* operator.getitem(typing.Dict, (str, int)) is how Dict[str, int] is pickled (typing.py, _GenericAlias). Of a
 * text typing would make code, which Literal keeps as it is. */
static bool is_generic(const struct call *c) {
  const struct global_row *origin = call_row(c, 0);
  if (!span_is(span_str(c->row->name), "getitem") || c->n != 2 || call_kind(c, 0) != VAL_GLOBAL) return false;
  if (!origin || strcmp(origin->module, "typing") != 0 || origin->cls != GLOBAL_MODELLED) return false;
  if (calls_when_asked(c->cp, c->m, c->args, c->at)) return false; /* typing asks each for its hash */
  return are(c, call_arg(c, 1), strcmp(origin->name, "Literal") == 0 ? is_literal : is_parameter);
}

static uint32_t call_generic(const struct call *c) {
  if (!call_row(c, 0)->reviewed) /* else the policy's note names it */
    observe_value(c, OBS_GENERIC, global_name(c->cp->arena, value_global(c->m, call_arg(c, 0))));
  return call_built(c, BUILT_RECORD, 0);
}

static bool is_or(const struct global_row *row) {
  return row && row->cls == GLOBAL_INDIRECT && strcmp(row->name, "or_") == 0;
}

/* int | str is written as functools.reduce(operator.or_, (int, str)) (CPython 3.10 to 3.13: copyreg.py,
 * pickle_union). */
static bool is_union(const struct call *c) {
  return strcmp(c->row->name, "reduce") == 0 && c->n == 2 && is_or(call_row(c, 0)) &&
         call_kind(c, 1) == VAL_TUPLE && value_count(c->m, call_arg(c, 1)) > 1;
}

val_id union_operator(const struct checkpoint *cp, const struct machine *m, const struct object *o) {
  const struct global_row *row = row_of(cp, m, o->callee);
  bool reduce = row && row->cls == GLOBAL_INDIRECT && strcmp(row->name, "reduce") == 0;
  val_id function = reduce && kind_of(m, o->args) == VAL_TUPLE ? value_item(m, o->args, 0) : 0;
  return is_or(row_of(cp, m, function)) ? function : 0;
}

/* A class that is on a list, whose metaclass is type or an enumeration's; or what a program writes for a type
 * that has no name of its own: NoneType, Dict[str, int], list[int], another union. */
static bool is_type_of_union(const struct call *c, val_id v) {
  const struct built *b = built_of(c->cp, c->m, v);
  if (kind_of(c->m, v) == VAL_GLOBAL) return is_argument(row_of(c->cp, c->m, v));
  if (!b || b->kind != BUILT_RECORD || !b->row) return false;
  bool generic = is_attribute(b) && strcmp(b->row->name, "getattr") != 0 && !is_dill_function(b);
  return generic || b->row->builder == BUILD_TYPE ||
         (strcmp(b->row->module, "types") == 0 && strcmp(b->row->name, "GenericAlias") == 0);
}

/* The name of a class on no list, which a policy can settle; else "". */
static struct span unlisted_class(const struct call *c, val_id v) {
  const struct global *g = value_global(c->m, v);
  bool plain = g && !row_of_global(c->cp, g) && !g->odd && !g->dotted && !g->computed;
  return plain && looks_like_class(g->mapped_name) ? global_name(c->cp->arena, g) : SPAN("");
}

/* Does a policy name its types, so that its note is all there is to say? What needs no word is none of it. */
static bool is_reviewed_union(const struct call *c, val_id types) {
  bool reviewed = false;
  for (uint32_t i = 0; i < value_count(c->m, types); i++) {
    val_id type = value_item(c->m, types, i);
    const struct built *b = built_of(c->cp, c->m, type);
    const struct global_row *row = b ? b->row : row_of(c->cp, c->m, type);
    if (row && !row->reviewed && row->cls != GLOBAL_CORE && row->cls != GLOBAL_INDIRECT) return false;
    reviewed |= row && row->reviewed;
  }
  return reviewed;
}

static uint32_t call_union(const struct call *c) {
  val_id types = call_arg(c, 1);
  struct span unlisted = SPAN("");
  if (!spend(c->cp, value_count(c->m, types), c->at)) return refuse_call(c, OBS_CALL_INDIRECT);
  for (uint32_t i = 0; i < value_count(c->m, types); i++) {
    val_id type = value_item(c->m, types, i);
    if (is_type_of_union(c, type)) continue;
    if (!unlisted.n) unlisted = unlisted_class(c, type);
    if (!unlisted.n || !unlisted_class(c, type).n) return refuse_call(c, OBS_CALL_INDIRECT);
  }
  if (unlisted.n) return refuse_with(c, OBS_CALL_UNION, unlisted);
  if (!is_reviewed_union(c, types)) observe_value(c, OBS_GENERIC, SPAN("types.UnionType"));
  return call_built(c, BUILT_RECORD, 0);
}

/* The enumeration of a member: Color(1), getattr(Color, 'RED'), or of what or_ made of members, which is its
 * first operand's. NULL: it is none. */
static const struct global_row *enumeration_of(const struct call *c, val_id v) {
  const struct built *b = built_of(c->cp, c->m, v);
  const struct global_row *row = NULL;
  while (b && b->kind == BUILT_RECORD && b->row && is_attribute(b) && is_or(b->row)) {
    if (!spend(c->cp, 1, c->at)) return NULL;
    v = value_item(c->m, value_object(c->m, v)->args, 0);
    b = built_of(c->cp, c->m, v);
  }
  if (!b || b->kind != BUILT_RECORD || !b->row) return NULL;
  if (!is_attribute(b))
    row = b->row;
  else if (strcmp(b->row->name, "getattr") == 0)
    row = row_of(c->cp, c->m, value_item(c->m, value_object(c->m, v)->args, 0));
  return is_data_class(row) && is_shared(row) ? row : NULL;
}

static bool is_refused(const struct call *c, val_id v) {
  const struct built *b = built_of(c->cp, c->m, v);
  return b && b->kind == BUILT_REFUSED;
}

/* re.I | re.M is written as operator.or_ of two members, the first maybe of several again, the second maybe a
 * number that no member has (CPython 3.11: enum.py, Flag.__reduce_ex__). Of members that were refused all is
 * said. */
static uint32_t call_or(const struct call *c) {
  val_id a = call_arg(c, 0), b = call_arg(c, 1);
  const struct global_row *of_a = enumeration_of(c, a), *of_b = enumeration_of(c, b);
  bool number = kind_of(c->m, b) == VAL_INT || kind_of(c->m, b) == VAL_BIGINT;
  if (of_a && (number || of_a == of_b)) return call_built(c, BUILT_RECORD, 0);
  if (is_refused(c, a) && (number || is_refused(c, b))) return refuse_silently(c);
  return refuse_call(c, OBS_CALL_INDIRECT);
}

uint32_t call_indirect(const struct call *c) {
  const struct object *o = value_object(c->m, c->object);
  bool reduced = o->origin == BY_REDUCE && kind_of(c->m, c->args) == VAL_TUPLE;
  if (c->row->builder == BUILD_PARTIAL) return build_PARTIAL(c);
  if (is_plain_getattr(c->m, o)) return call_getattr(c);
  if (reduced && is_generic(c)) return call_generic(c);
  if (reduced && is_union(c)) return call_union(c);
  if (reduced && is_or(c->row) && c->n == 2) return call_or(c);
  if (is_dill_form(c)) {
    observe_value(c, OBS_REACHED, describe_call(c, OBS_REACHED));
    return call_built(c, BUILT_RECORD, 0);
  }
  return refuse_call(c, OBS_CALL_INDIRECT);
}
