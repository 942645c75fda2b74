/* Modules put in their places: children under their parents, paths entered, parameters registered. */
#include "arch/build_tree.h"

struct node *tree_node(const struct module *m) {
  union {
    const struct module *in;
    struct node *out;
  } u = {.in = m};
  return u.out;
}

static bool name_child(struct builder_tree *t, const struct module *parent, struct span name,
                       const struct module *child) {
  uint32_t known;
  if (!keys_add_new(&t->b.model->children, parent->id, name, &known)) return build_memory(&t->b);
  if (known) return build_reject(&t->b, t->b.place, "is registered twice", name);
  const struct module **slot = vec_push(t->b.arena, &t->child, UINT32_MAX);
  if (!slot) return build_memory(&t->b);
  *slot = child;
  return true;
}

static void link_child(struct module *parent, struct module *child) {
  if (parent->last)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
  parent->num_children++;
}

struct span build_joined(struct builder *b, struct span x, struct span y, struct span z) {
  uint8_t *p = arena_alloc(b->arena, x.n + y.n + z.n, 1, 1);
  if (!p) return (struct span){0};
  if (x.n) memcpy(p, x.p, x.n);
  if (y.n) memcpy(p + x.n, y.p, y.n);
  if (z.n) memcpy(p + x.n + y.n, z.p, z.n);
  return span_of(p, x.n + y.n + z.n);
}

struct node *tree_attach(struct builder_tree *t, struct module *parent, struct span name,
                         const struct module *what) {
  struct builder *b = &t->b;
  if (++b->modules > b->max_modules)
    return build_none(build_too_large(b, SPAN("the architecture has too many modules")));
  struct node *node = arena_new(b->arena, struct node);
  if (!node) return build_none(build_memory(b));
  node->m = *what;
  node->m.parent = parent;
  node->m.name = name;
  node->m.place = b->place;
  node->m.id = (uint32_t)b->modules;
  node->m.depth = parent ? parent->depth + (what->kind == MODULE_BLOCK) : 0;
  if (parent) {
    node->m.prefix = build_joined(b, parent->prefix, name, SPAN("."));
    if (!node->m.prefix.p) return build_none(build_memory(b));
    if (!name_child(t, parent, name, &node->m)) return NULL;
    link_child(parent, &node->m);
  }
  node->waiting = t->waiting;
  t->waiting = node;
  return node;
}

/* The child `name`, which is a path: made if it is not there. */
static struct module *enter_group(struct builder_tree *t, struct module *parent, struct span name) {
  const struct module group = {.kind = MODULE_GROUP};
  uint32_t number = keys_find(&t->b.model->children, parent->id, name);
  if (!number) {
    struct node *node = tree_attach(t, parent, name, &group);
    return node ? &node->m : NULL;
  }
  const struct module *child = t->child.p[number - 1];
  if (child && (child->kind == MODULE_GROUP || child->kind == MODULE_LIST)) return &tree_node(child)->m;
  return build_none(
      build_reject(&t->b, t->b.place, "is a module of its own: nothing can be registered below it", name));
}

/* The module that holds the last part of a dotted name; *name becomes that part. */
static struct module *tree_enter(struct builder_tree *t, struct module *parent, struct span *name) {
  const uint8_t *dot;
  while (parent && (dot = memchr(name->p, '.', name->n)) != NULL) {
    struct span part = span_first(*name, (size_t)(dot - name->p));
    *name = span_from(*name, part.n + 1);
    parent = enter_group(t, parent, part);
  }
  return parent;
}

static bool attach_slot(struct builder_tree *t, struct module *parent, struct span name,
                        const struct slot *slot) {
  struct node *node = tree_node(parent);
  struct slot_link *link = arena_new(t->b.arena, struct slot_link);
  if (!link) return build_memory(&t->b);
  if (!name_child(t, parent, name, NULL)) return false;
  struct slot_link **list = slot->buffer ? &node->buffers : &node->params;
  *link = (struct slot_link){*slot, *list};
  link->slot.name = name;
  *list = link;
  node->num_registered++;
  return ++t->b.tensors <= t->b.max_tensors ||
         build_too_large(&t->b, SPAN("the architecture has too many parameters"));
}

bool tree_register(struct builder_tree *t, struct module *parent, struct span name, const struct value *v) {
  static const struct module absent = {.kind = MODULE_ABSENT};
  struct module *holder = tree_enter(t, parent, &name);
  if (!holder) return false;
  if (v->kind == VALUE_NONE) return tree_attach(t, holder, name, &absent) != NULL;
  const struct module *m = v->module;
  return module_is_slot(m) ? attach_slot(t, holder, name, m->slots) : tree_attach(t, holder, name, m) != NULL;
}

bool tree_mark_list(struct builder_tree *t, struct module *parent, struct span name) {
  size_t n = name.n;
  while (n > 0 && name.p[n - 1] != '.') n--;
  if (n == 0) return true;
  struct span path = span_first(name, n);
  struct module *list = tree_enter(t, parent, &path);
  if (!list) return false;
  if (list->kind == MODULE_GROUP && list->num_children == 0 && !tree_node(list)->num_registered)
    list->kind = MODULE_LIST;
  return true;
}
