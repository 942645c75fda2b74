/* How the program uses the globals that it names: over all of its objects, once they are made. */
#include "model/checkpoint.h"

static uint32_t uses_of_object(const struct machine *m, const struct object *o, const struct built *b) {
  uint32_t uses = USED_CALLED;
  if (b && b->kind == BUILT_REFUSED) uses |= USED_REFUSED;
  if (b && b->kind == BUILT_RECORD) uses |= USED_INSTANCE;
  if (o->items && value_count(m, o->items)) uses |= USED_ITEMS;
  if (o->appended && value_count(m, o->appended)) uses |= USED_APPENDED;
  if (o->states) uses |= USED_STATE;
  return uses;
}

/* ---- functions that stand as values ---- */

static bool names_function(const struct checkpoint *cp, const struct machine *m) {
  bool found = false;
  for (uint32_t i = 0; i < m->globals.n && !found; i++)
    found = is_for_calls(row_of_global(cp, &m->globals.p[i]));
  return found;
}

/* Arguments among which a function belongs, and was looked at: of torch's and dill's rebuilding functions, of
 * numpy's generators, of a union of types. */
static bool takes_function(const struct global_row *row) {
  return row && (row->cls == GLOBAL_INDIRECT || row->builder == BUILD_FROM_TYPE_V2 ||
                 row->builder == BUILD_DILL_ARRAY || row->builder == BUILD_NP_RANDOM);
}

/* A byte for each value: is it a tuple of such arguments? NULL: the budget is spent. */
static uint8_t *argument_tuples(const struct checkpoint *cp, const struct machine *m) {
  uint8_t *are = arena_array(cp->arena, m->values.n, uint8_t);
  for (uint32_t i = 0; are && i < m->objects.n; i++) {
    const struct object *o = &m->objects.p[i];
    if (takes_function(row_of(cp, m, callee_global(cp, m, o)))) are[o->args] = 1;
  }
  return are;
}

/* A list, a dict or a state that holds torch.storage._load_from_bytes gives it to whatever calls what it
 * finds there, with bytes that nobody judged: torch.nn's modules call their parts (threats A09). */
static bool mark_values(const struct checkpoint *cp, const struct machine *m, uint32_t *uses) {
  if (!names_function(cp, m)) return true;
  const uint8_t *arguments = argument_tuples(cp, m);
  for (val_id v = 1; arguments && v < m->values.n; v++)
    for (uint32_t i = 0; !arguments[v] && i < value_count(m, v); i++) {
      val_id item = value_item(m, v, i);
      if (is_for_calls(row_of(cp, m, item))) uses[value_of(m, item)->ref] |= USED_AS_VALUE;
    }
  return arguments != NULL;
}

uint32_t *global_uses(const struct checkpoint *cp, const struct machine *m) {
  uint32_t *uses = arena_array(cp->arena, m->globals.n, uint32_t);
  if (!uses || !mark_values(cp, m, uses)) return NULL;
  for (uint32_t i = 0; uses && i < m->objects.n; i++) {
    const struct object *o = &m->objects.p[i];
    val_id callee = callee_global(cp, m, o);
    if (!callee) continue;
    const struct built *b = o->tag < cp->built.n ? &cp->built.p[o->tag] : NULL;
    uint32_t how = uses_of_object(m, o, b), *of_callee = &uses[value_of(m, callee)->ref];
    /* What is made by a function that is given the class. */
    val_id given = b && b->kind == BUILT_RECORD ? given_class(cp, m, o) : 0;
    if (given) {
      *of_callee |= USED_CALLED | USED_INSTANCE;
      of_callee = &uses[value_of(m, given)->ref];
      how &= ~(uint32_t)USED_CALLED;
    }
    *of_callee |= how;
    val_id given_or = b ? union_operator(cp, m, o) : 0;
    if (given_or)
      uses[value_of(m, given_or)->ref] |= uses_of_object(m, o, b) & (USED_REFUSED | USED_INSTANCE);
  }
  return uses;
}

/* What names the dtype's class: "f8", "M8"; the length of a text is no part of it: "U". */
static uint32_t code_of(const struct np_dtype *dt) {
  bool sized = dt->kind != 'U' && dt->kind != 'S' && dt->kind != 'V' && dt->kind != 'O';
  return (uint32_t)dt->kind << 16 | (sized ? dt->size & 0xffffu : 0) /* at most 4 KiB */;
}

enum { CODES = 32 };
struct codes {
  uint32_t code[CODES];
  size_t n;
};

static void add_code(struct codes *codes, uint32_t code) {
  for (size_t i = 0; i < codes->n; i++)
    if (codes->code[i] == code) return;
  if (codes->n < CODES) codes->code[codes->n++] = code;
}

struct span numpy_codes(const struct checkpoint *cp, const struct machine *m) {
  struct codes codes = {.n = 0};
  struct span text = SPAN("");
  for (uint32_t i = 0; i < m->objects.n; i++) {
    const struct object *o = &m->objects.p[i];
    const struct built *b = o->tag < cp->built.n ? &cp->built.p[o->tag] : NULL;
    if (b && b->kind == BUILT_NP_DTYPE && o->states) add_code(&codes, code_of(&cp->np_dtypes.p[b->index]));
  }
  for (size_t i = 0; i < codes.n; i++) {
    uint32_t size = codes.code[i] & 0xffff;
    text = arena_printf(cp->arena, size ? "%.*s%s%c%u" : "%.*s%s%c", (int)text.n, (const char *)text.p,
                        i ? " " : "", (int)(codes.code[i] >> 16), size);
  }
  return text;
}

enum obs_kind global_refused(const struct global *g, const struct global_row *row, uint32_t uses) {
  if (uses & USED_AS_VALUE) return OBS_GLOBAL_VALUE;
  if (uses & USED_REFUSED) return OBS_NONE; /* the call is the finding */
  if (g->odd || (g->dotted && !global_is_path(row))) return OBS_GLOBAL_ODD;
  if (row && row->cls == GLOBAL_DANGEROUS) return OBS_GLOBAL_DANGEROUS;
  if (row && row->cls == GLOBAL_GADGET) return OBS_GLOBAL_GADGET;
  /* An attribute of a record was worded when it was taken (build.c). */
  return row && row->cls == GLOBAL_INDIRECT && !(uses & USED_INSTANCE) ? OBS_GLOBAL_INDIRECT : OBS_NONE;
}
