/* The table of module types, and look-ups in the tree. */
#include "arch/build.h"

static const struct type_row {
  const char *name;
  size_t len;
  const char *signature, *state;
} types[TYPE_COUNT] = {
#define MODULE(name, signature, state) \
  [TYPE_##name] = {#name, sizeof #name - 1, #name "(" signature ")", state},
#include "arch/types.def"
#undef MODULE
};

const char *module_type_name(enum module_type t) { return types[t].name; }
const char *module_type_constructor(enum module_type t) { return types[t].signature; }
const char *module_type_state(enum module_type t) { return types[t].state; }

enum module_type module_type_by_name(struct span name) {
  for (enum module_type t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
    if (types[t].len == name.n && memcmp(types[t].name, name.p, name.n) == 0) return t;
  return TYPE_NONE;
}

const struct module *module_child(const struct model *m, const struct module *parent, struct span name) {
  uint32_t number = keys_find(&m->children, parent->id, name);
  return number ? m->child[number - 1] : NULL;
}

const struct module *module_next(const struct module *m) {
  if (m->first) return m->first;
  while (m && !m->next) m = m->parent;
  return m ? m->next : NULL;
}

const struct slot *module_slot(const struct module *m, struct span name) {
  for (uint32_t i = 0; i < m->num_slots; i++)
    if (span_eq(m->slots[i].name, name)) return &m->slots[i];
  return NULL;
}

const struct value *module_arg(const struct module *m, const char *name) {
  for (uint32_t i = 0; m->signature && i < m->signature->num_params; i++)
    if (span_is(m->signature->params[i].name, name)) return &m->args[i];
  return NULL;
}

struct span module_class(const struct module *m) {
  switch (m->kind) {
  case MODULE_TYPE: return span_str(module_type_name(m->type));
  case MODULE_BLOCK:
    return m->signature->name.n ? m->signature->name : SPAN("Module"); /* an object in place */
  case MODULE_SEQUENTIAL: return SPAN("Sequential");
  case MODULE_LIST: return SPAN("ModuleList");
  case MODULE_GROUP: return SPAN("Module");
  case MODULE_ABSENT: return SPAN("None");
  }
  return SPAN("");
}
