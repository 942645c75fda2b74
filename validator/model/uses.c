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

uint32_t *global_uses(const struct checkpoint *cp, const struct machine *m) {
  uint32_t *uses = arena_array(cp->arena, m->globals.n, uint32_t);
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
  if (uses & USED_REFUSED) return OBS_NONE; /* the call is the finding */
  if (g->odd || (g->dotted && !global_is_path(row))) return OBS_GLOBAL_ODD;
  if (row && row->cls == GLOBAL_DANGEROUS) return OBS_GLOBAL_DANGEROUS;
  if (row && row->cls == GLOBAL_GADGET) return OBS_GLOBAL_GADGET;
  /* An attribute of a record was worded when it was taken (build.c). */
  return row && row->cls == GLOBAL_INDIRECT && !(uses & USED_INSTANCE) ? OBS_GLOBAL_INDIRECT : OBS_NONE;
}
