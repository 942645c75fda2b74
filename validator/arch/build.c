/* The tree: modules put in their places, blocks carried out, the expected state dict listed. No recursion:
 * what a module still has to register waits in a list. */
#include "arch/build.h"

#include "base/json.h"

/* A module of the tree, and what only its making needs. */
struct node {
  struct module m; /* first: a module of the tree is a node */
  struct node *waiting;
  struct slot_link *params, *buffers; /* registered by lines, newest first */
  uint32_t num_registered;
};
struct slot_link {
  struct slot slot;
  struct slot_link *next;
};

struct builder_tree {
  struct builder b;
  struct node *waiting; /* modules that are not carried out yet, newest first */
  VEC(const struct module *) child;
};

/* ---- errors ---- */

static bool out_of_memory(struct builder *b) {
  return refuse(b->o, (struct observation){
                          .kind = OBS_LIMIT_MEMORY, .got = b->arena->budget, .subject = b->arch->file.name});
}

/* The same for what answers a pointer. */
static void *none(bool refused) {
  (void)refused;
  return NULL;
}

static bool reject(struct builder *b, const struct place *where, const char *what, struct span name) {
  b->eval->error = (struct expr_error){
      .what = arena_printf(b->arena, "'%.*s' %s", (int)min_size(name.n, 100), (const char *)name.p, what)};
  return config_reject(b->o, b->arch, where, b->eval);
}

/* "model.json, line 3, column 14: …", of the line that is carried out. */
static struct span at_place(struct builder *b, struct span what) {
  struct span file = b->arch->file.name, where = arch_where(b->arena, b->arch, b->place, 0);
  return arena_printf(b->arena, "%.*s, %.*s: %.*s", (int)min_size(file.n, 200), (const char *)file.p,
                      (int)where.n, (const char *)where.p, (int)what.n, (const char *)what.p);
}

static bool too_large(struct builder *b, struct span what) {
  return refuse(b->o, (struct observation){.kind = OBS_ARCH_TOO_LARGE,
                                           .subject = b->arch->file.name,
                                           .detail = at_place(b, what),
                                           .got = (b->max_tensors - 1024) / 4,
                                           .want = b->max_tensors});
}

/* The first name of a line whose value is the one that did not fit: "(hidden_dim is 20.5)". */
/* NOLINTNEXTLINE(misc-no-recursion): at most limits.expr_depth deep */
static const struct expr *find_culprit(const struct expr *e, const struct scope *scope,
                                       const struct value *culprit) {
  const struct value *v = e->kind == EXPR_NAME ? scope_find(scope, e->text) : NULL;
  if (v && v->kind == culprit->kind && value_equal(v, culprit)) return e;
  for (uint32_t i = 0; i < e->num_kids; i++) {
    const struct expr *found = e->kids[i] ? find_culprit(e->kids[i], scope, culprit) : NULL;
    if (found) return found;
  }
  return NULL;
}

static bool eval_failed(struct builder *b, const struct place *where, const struct expr *line,
                        const struct scope *scope) {
  struct eval *ev = b->eval;
  const struct expr *name =
      ev->culprit.kind == VALUE_PENDING ? NULL : find_culprit(line, scope, &ev->culprit);
  if (name && !ev->error.limit) {
    struct span v = value_show(b->arena, &ev->culprit), what = ev->error.what;
    ev->error.what = arena_printf(b->arena, "%.*s (%.*s is %.*s)", (int)what.n, (const char *)what.p,
                                  (int)min_size(name->text.n, 60), (const char *)name->text.p, (int)v.n,
                                  (const char *)v.p);
  }
  return config_reject(b->o, b->arch, where, ev);
}

static bool eval_line(struct builder *b, const struct place *where, const struct expr *e,
                      const struct scope *scope, struct value *out) {
  b->place = where;
  b->eval->culprit.kind = VALUE_PENDING;
  return expr_eval(b->eval, e, scope, out) || eval_failed(b, where, e, scope);
}

/* ---- putting modules into the tree ---- */

static struct node *node_of(const struct module *m) {
  union {
    const struct module *in;
    struct node *out;
  } u = {.in = m};
  return u.out;
}

static bool name_child(struct builder_tree *t, const struct module *parent, struct span name,
                       const struct module *child) {
  uint32_t known;
  if (!keys_add_new(&t->b.model->children, parent->id, name, &known)) return out_of_memory(&t->b);
  if (known) return reject(&t->b, t->b.place, "is registered twice", name);
  const struct module **slot = vec_push(t->b.arena, &t->child, UINT32_MAX);
  if (!slot) return out_of_memory(&t->b);
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

/* The texts in one, what keys and prefixes are made of; empty when memory is spent. */
static struct span joined(struct builder *b, struct span x, struct span y, struct span z) {
  uint8_t *p = arena_alloc(b->arena, x.n + y.n + z.n, 1, 1);
  if (!p) return (struct span){0};
  if (x.n) memcpy(p, x.p, x.n);
  if (y.n) memcpy(p + x.n, y.p, y.n);
  if (z.n) memcpy(p + x.n + y.n, z.p, z.n);
  return span_of(p, x.n + y.n + z.n);
}

/* A copy of `what` as the child `name` of `parent` (NULL: the root), queued to be carried out. NULL,
 * observed. */
static struct node *attach(struct builder_tree *t, struct module *parent, struct span name,
                           const struct module *what) {
  struct builder *b = &t->b;
  if (++b->modules > b->max_modules) return none(too_large(b, SPAN("the architecture has too many modules")));
  struct node *node = arena_new(b->arena, struct node);
  if (!node) return none(out_of_memory(b));
  node->m = *what;
  node->m.parent = parent;
  node->m.name = name;
  node->m.place = b->place;
  node->m.id = (uint32_t)b->modules;
  node->m.depth = parent ? parent->depth + (what->kind == MODULE_BLOCK) : 0;
  if (parent) {
    node->m.prefix = joined(b, parent->prefix, name, SPAN("."));
    if (!node->m.prefix.p) return none(out_of_memory(b));
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
    struct node *node = attach(t, parent, name, &group);
    return node ? &node->m : NULL;
  }
  const struct module *child = t->child.p[number - 1];
  if (child && (child->kind == MODULE_GROUP || child->kind == MODULE_LIST)) return &node_of(child)->m;
  return none(reject(&t->b, t->b.place, "is a module of its own: nothing can be registered below it", name));
}

/* The module that holds the last part of a dotted name; *name becomes that part. */
static struct module *enter_path(struct builder_tree *t, struct module *parent, struct span *name) {
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
  struct node *node = node_of(parent);
  struct slot_link *link = arena_new(t->b.arena, struct slot_link);
  if (!link) return out_of_memory(&t->b);
  if (!name_child(t, parent, name, NULL)) return false;
  struct slot_link **list = slot->buffer ? &node->buffers : &node->params;
  *link = (struct slot_link){*slot, *list};
  link->slot.name = name;
  *list = link;
  node->num_registered++;
  return ++t->b.tensors <= t->b.max_tensors ||
         too_large(&t->b, SPAN("the architecture has too many parameters"));
}

/* Registers the value of a line under a name that may be dotted. */
static bool register_value(struct builder_tree *t, struct module *parent, struct span name,
                           const struct value *v) {
  static const struct module absent = {.kind = MODULE_ABSENT};
  struct module *holder = enter_path(t, parent, &name);
  if (!holder) return false;
  if (v->kind == VALUE_NONE) return attach(t, holder, name, &absent) != NULL;
  const struct module *m = v->module;
  return module_is_slot(m) ? attach_slot(t, holder, name, m->slots) : attach(t, holder, name, m) != NULL;
}

/* The container of repeated children is a list, which applies them in order; unless others stand in it too.
 */
static bool mark_list(struct builder_tree *t, struct module *parent, struct span name) {
  size_t n = name.n;
  while (n > 0 && name.p[n - 1] != '.') n--;
  if (n == 0) return true;
  struct span path = span_first(name, n);
  struct module *list = enter_path(t, parent, &path);
  if (!list) return false;
  if (list->kind == MODULE_GROUP && list->num_children == 0 && !node_of(list)->num_registered)
    list->kind = MODULE_LIST;
  return true;
}

/* ---- carrying out a block ---- */

/* NOLINTBEGIN(misc-no-recursion): lists in lists, as deep as the JSON text: limits.json_depth */
static bool list_value(struct builder_tree *t, const struct module_line *line, const struct scope *scope,
                       struct value *out);

/* What one line yields. */
static bool line_value(struct builder_tree *t, const struct module_line *line, const struct scope *scope,
                       struct value *out) {
  struct builder *b = &t->b;
  b->place = line->place;
  if (line->list) return list_value(t, line, scope, out);
  if (line->block) return construct_in_place(b, line->block, scope, out) || out_of_memory(b);
  if (!eval_line(b, line->place, line->value, scope, out)) return false;
  if (out->kind == VALUE_MODULE || out->kind == VALUE_NONE) return true;
  b->eval->culprit.kind = VALUE_PENDING;
  b->eval->error =
      (struct expr_error){.what = arena_printf(b->arena, "a module line yields a module or None, found %s",
                                               value_kind_name(out->kind))};
  return config_reject(b->o, b->arch, line->place, b->eval);
}

static bool list_value(struct builder_tree *t, const struct module_line *line, const struct scope *scope,
                       struct value *out) {
  struct value *items = arena_array(t->b.arena, line->list->n, struct value);
  if (!items) return out_of_memory(&t->b);
  for (uint32_t i = 0; i < line->list->n; i++)
    if (!line_value(t, &line->list->items[i], scope, &items[i])) return false;
  return construct_sequential(&t->b, items, line->list->n, 0, out) ||
         config_reject(t->b.o, t->b.arch, line->place, t->b.eval);
}

/* NOLINTEND(misc-no-recursion) */

static bool count_of(struct builder_tree *t, const struct module_line *line, const struct scope *scope,
                     int64_t *out) {
  struct builder *b = &t->b;
  struct value v;
  if (!eval_line(b, line->place, line->count, scope, &v)) return false;
  if (v.kind != VALUE_INT || v.number < 0) {
    struct span s = value_show(b->arena, &v);
    b->eval->error = (struct expr_error){
        .what =
            arena_printf(b->arena, "expected a number of repetitions, an integer of 0 or more, found %.*s",
                         (int)s.n, (const char *)s.p)};
    b->eval->culprit = v;
    return eval_failed(b, line->place, line->count, scope);
  }
  *out = v.number;
  if ((uint64_t)v.number <= b->max_modules - b->modules) return true;
  return too_large(b, arena_printf(b->arena, "%.*s{%.*s < %lld}%.*s asks for %lld modules",
                                   (int)min_size(line->before.n, 100), (const char *)line->before.p,
                                   (int)min_size(line->variable.n, 60), (const char *)line->variable.p,
                                   (long long)v.number, (int)min_size(line->after.n, 100),
                                   (const char *)line->after.p, (long long)v.number));
}

/* A scope of its own for each repetition: a block in place keeps it. */
static const struct scope *counted_scope(struct builder *b, const struct module_line *line,
                                         const struct scope *up, int64_t i) {
  struct scope *s = arena_new(b->arena, struct scope);
  struct value *v = arena_new(b->arena, struct value);
  if (!s || !v) return NULL;
  *v = value_int(i);
  *s = (struct scope){.up = up, .n = 1, .names = &line->variable, .values = v};
  return s;
}

/* The number, written at the end of `digits`. */
static struct span decimal(uint8_t digits[20], uint64_t number) {
  uint32_t i = 20;
  do digits[--i] = (uint8_t)('0' + number % 10);
  while ((number /= 10) != 0);
  return span_of(digits + i, 20 - i);
}

static bool repeat_line(struct builder_tree *t, struct module *parent, const struct module_line *line,
                        const struct scope *scope) {
  struct builder *b = &t->b;
  int64_t count = 0;
  if (!count_of(t, line, scope, &count) || !mark_list(t, parent, line->before)) return false;
  for (int64_t i = 0; i < count; i++) {
    struct value v;
    const struct scope *here = counted_scope(b, line, scope, i);
    uint8_t digits[20];
    struct span name = joined(b, line->before, decimal(digits, (uint64_t)i), line->after);
    if (!here || name.n == 0) return out_of_memory(b);
    if (!line_value(t, line, here, &v) || !register_value(t, parent, name, &v)) return false;
  }
  return true;
}

static bool run_line(struct builder_tree *t, struct module *parent, const struct module_line *line,
                     const struct scope *scope) {
  struct value v;
  if (line->count) return repeat_line(t, parent, line, scope);
  return line_value(t, line, scope, &v) && register_value(t, parent, line->before, &v);
}

/* Arguments and lets, in front of what is around the block. The top level's lets stand in the config already.
 */
static const struct scope *block_scope(struct builder_tree *t, const struct module *m) {
  const struct module_block *block = m->block;
  if (block == &t->b.arch->top) return m->scope;
  uint32_t n = m->num_args + block->num_lets;
  if (n == 0) return m->scope;
  struct scope *s = arena_new(t->b.arena, struct scope);
  struct span *names = arena_array(t->b.arena, n, struct span);
  struct value *values = arena_array(t->b.arena, n, struct value);
  if (!s || !names || !values) return none(out_of_memory(&t->b));
  *s = (struct scope){.up = m->scope, .n = m->num_args, .names = names, .values = values};
  for (uint32_t i = 0; i < m->num_args; i++) {
    names[i] = m->signature->params[i].name;
    values[i] = m->args[i];
  }
  for (uint32_t i = 0; i < block->num_lets; i++) {
    if (!eval_line(&t->b, block->lets[i].place, block->lets[i].value, s, &values[s->n])) return NULL;
    names[s->n++] = block->lets[i].name;
  }
  return s;
}

static bool run_block(struct builder_tree *t, struct module *m) {
  if (m->depth > t->b.max->arch_depth)
    return reject(&t->b, m->place, "is nested in 32 blocks: does it hold itself?", module_class(m));
  m->scope = block_scope(t, m);
  if (!m->scope) return false;
  for (uint32_t i = 0; i < m->block->num_modules; i++)
    if (!run_line(t, m, &m->block->modules[i], m->scope)) return false;
  return true;
}

static bool run_parts(struct builder_tree *t, struct module *m) {
  t->b.place = m->place;
  for (uint32_t i = 0; i < m->num_parts; i++) {
    struct value v = {.kind = VALUE_MODULE, .module = m->parts[i].module};
    if (m->parts[i].repeated && !mark_list(t, m, m->parts[i].name)) return false;
    if (!register_value(t, m, m->parts[i].name, &v)) return false;
  }
  t->b.tensors += m->num_slots;
  return t->b.tensors <= t->b.max_tensors ||
         too_large(&t->b, SPAN("the architecture has too many parameters"));
}

static bool run_waiting(struct builder_tree *t) {
  while (t->waiting) {
    struct node *node = t->waiting;
    t->waiting = node->waiting;
    if (!(node->m.kind == MODULE_BLOCK ? run_block(t, &node->m) : run_parts(t, &node->m))) return false;
  }
  return true;
}

/* ---- the list of expected keys ---- */

/* The slots that lines registered, as a table: parameters, then buffers, each in their order. */
static bool settle_slots(struct builder *b, struct node *node) {
  if (node->num_registered == 0) return true;
  struct slot *slots = arena_array(b->arena, node->num_registered, struct slot);
  if (!slots) return out_of_memory(b);
  uint32_t i = node->num_registered;
  for (const struct slot_link *l = node->buffers; l; l = l->next) slots[--i] = l->slot;
  for (const struct slot_link *l = node->params; l; l = l->next) slots[--i] = l->slot;
  node->m.slots = slots;
  node->m.num_slots = node->num_registered;
  return true;
}

static bool list_key(struct builder *b, struct expected *e, const struct module *m, const struct slot *slot) {
  *e = (struct expected){joined(b, m->prefix, slot->name, (struct span){0}), m, slot};
  return (e->key.p && keys_append(&b->model->keys, 0, e->key)) || out_of_memory(b);
}

static bool list_expected(struct builder *b) {
  struct expected *list = arena_array(b->arena, b->tensors, struct expected);
  if (!list) return out_of_memory(b);
  keys_init(&b->model->keys, b->arena);
  for (const struct module *m = b->model->root; m; m = module_next(m)) {
    if (!settle_slots(b, node_of(m))) return false;
    for (uint32_t i = 0; i < m->num_slots; i++)
      if (!list_key(b, &list[b->model->num_expected++], m, &m->slots[i])) return false;
  }
  b->model->expected = list;
  return keys_index(&b->model->keys) || out_of_memory(b);
}

/* ---- ties and totals ---- */

static bool tie_is_active(struct builder *b, const struct tie_line *tie, bool *out) {
  struct value v = value_bool(true);
  if (tie->condition && !eval_line(b, tie->place, tie->condition, b->config, &v)) return false;
  *out = value_truth(&v);
  return true;
}

static bool resolve_ties(struct builder *b) {
  struct model_tie *ties = arena_array(b->arena, b->arch->num_ties, struct model_tie);
  if (!ties) return out_of_memory(b);
  for (uint32_t i = 0; i < b->arch->num_ties; i++) {
    const struct tie_line *line = &b->arch->ties[i];
    bool active;
    if (!tie_is_active(b, line, &active)) return false;
    if (active)
      ties[b->model->num_ties++] = (struct model_tie){line, keys_find(&b->model->keys, 0, line->alias)};
  }
  b->model->ties = ties;
  return true;
}

static void count_parameters(struct builder *b) {
  struct model *m = b->model;
  uint64_t total = 0;
  for (uint32_t i = 0; i < m->num_expected; i++)
    if (!m->expected[i].slot->buffer && !try_add(total, m->expected[i].slot->numel, &total))
      total = UINT64_MAX;
  for (uint32_t i = 0; i < m->num_ties; i++) {
    const struct slot *alias = m->ties[i].alias ? m->expected[m->ties[i].alias - 1].slot : NULL;
    if (alias && !alias->buffer && total != UINT64_MAX) total -= alias->numel;
  }
  m->parameters = total;
}

/* ---- the root ---- */

static struct span root_names(struct builder *b) {
  struct span all = {0};
  for (uint32_t i = 0; i < b->arch->num_roots && all.n < 400; i++) {
    struct span name = b->arch->roots[i].name;
    all = arena_printf(b->arena, "%.*s%s%.*s", (int)all.n, (const char *)all.p, i ? ", " : "",
                       (int)min_size(name.n, 100), (const char *)name.p);
  }
  return all;
}

static const struct root_line *find_root(const struct arch *arch, struct span name) {
  for (uint32_t i = 0; i < arch->num_roots; i++)
    if (span_eq(arch->roots[i].name, name)) return &arch->roots[i];
  return NULL;
}

/* The root asked for, else the first of the config's architectures that is there, else the first one. */
static const struct root_line *choose_root(struct builder *b, struct span asked, struct names wanted) {
  const struct root_line *root = NULL;
  if (asked.n) root = find_root(b->arch, asked);
  for (uint32_t i = 0; !asked.n && !root && i < wanted.n; i++) root = find_root(b->arch, wanted.list[i]);
  if (root) return root;
  if (asked.n || wanted.n) {
    observe(b->o, (struct observation){.kind = OBS_ARCH_ROOT_UNKNOWN,
                                       .subject = asked.n ? asked : wanted.list[0],
                                       .detail = root_names(b)});
    return NULL;
  }
  b->model->root_chosen = b->arch->num_roots > 1;
  return &b->arch->roots[0];
}

static bool root_value(struct builder_tree *t, struct span asked, struct names wanted, struct value *out) {
  struct builder *b = &t->b;
  b->model->root_name = b->arch->name;
  if (b->arch->num_roots == 0)
    return construct_in_place(b, &b->arch->top, b->config, out) || out_of_memory(b);
  const struct root_line *root = choose_root(b, asked, wanted);
  if (!root) return false;
  b->model->root_name = root->name;
  if (!eval_line(b, root->place, root->value, b->config, out)) return false;
  return out->kind == VALUE_MODULE || reject(b, root->place, "yields no module", root->name);
}

/* ---- all together ---- */

static bool prepare(struct builder *b, uint64_t num_keys) {
  if (!try_mul(num_keys, UINT64_C(4), &b->max_tensors) ||
      !try_add(b->max_tensors, UINT64_C(1024), &b->max_tensors))
    b->max_tensors = b->max->tensors;
  b->max_tensors = min_u64(b->max_tensors, b->max->tensors);
  b->max_modules = b->max_tensors * 4;
  struct eval *ev = arena_new(b->arena, struct eval);
  uint64_t *steps = arena_new(b->arena, uint64_t);
  if (!ev || !steps) return out_of_memory(b);
  /* What is legitimate grows with the checkpoint: a tensor costs about 50 steps. */
  *steps = b->max->arch_steps + 64 * b->max_tensors;
  *ev = (struct eval){.arena = b->arena, .max = b->max, .steps = steps, .context = b};
  b->eval = b->model->eval = ev;
  keys_init(&b->blocks, b->arena);
  keys_init(&b->model->children, b->arena);
  for (uint32_t i = 0; i < b->arch->num_blocks; i++)
    if (!keys_add(&b->blocks, 0, b->arch->blocks[i].signature.name)) return out_of_memory(b);
  return true;
}

static bool build(struct builder_tree *t, struct span asked, struct names wanted) {
  struct builder *b = &t->b;
  struct value root;
  b->eval->call = construct_call;
  if (!root_value(t, asked, wanted, &root)) return false;
  struct node *node = attach(t, NULL, (struct span){0}, root.module);
  if (!node) return false;
  b->model->root = &node->m;
  if (!run_waiting(t)) return false;
  b->model->child = t->child.p;
  b->eval->call = NULL; /* later expressions are of numbers only */
  if (!list_expected(b) || !resolve_ties(b)) return false;
  count_parameters(b);
  return true;
}

bool model_build(struct model *out, const struct arch *arch, const struct config_sources *sources,
                 struct span root, uint64_t num_keys, struct arena *a, const struct limits *max,
                 struct observations *o) {
  *out = (struct model){.arch = arch};
  struct builder_tree t = {.b = {.arena = a, .max = max, .o = o, .arch = arch, .model = out}};
  if (!prepare(&t.b, num_keys)) return false;
  struct config config = {.arch = arch, .eval = out->eval, .observations = o};
  bool ok = config_resolve(&config, sources);
  out->config_json = config.json;
  out->own_config_json = config.own_json;
  out->config = t.b.config = config.scope;
  out->dtype = config.dtype;
  out->quantized = config.quantized;
  ok = ok && build(&t, root, config.wanted);
  out->eval->call = NULL;
  out->eval->context = NULL; /* the builder was on this function's stack */
  return ok;
}

void model_close(struct model *m) {
  cJSON_Delete(m->config_json);
  cJSON_Delete(m->own_config_json);
  m->config_json = m->own_config_json = NULL;
}
