/* The tree: blocks carried out from the root on. No recursion: what a module still has to register waits in a
 * list. */
#include "arch/build_tree.h"
#include "base/json.h"

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
  if (line->block) return construct_in_place(b, line->block, scope, out) || build_memory(b);
  if (!build_eval_line(b, line->place, line->value, scope, out)) return false;
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
  if (!items) return build_memory(&t->b);
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
  if (!build_eval_line(b, line->place, line->count, scope, &v)) return false;
  if (v.kind != VALUE_INT || v.number < 0) {
    struct span s = value_show(b->arena, &v);
    b->eval->error = (struct expr_error){
        .what =
            arena_printf(b->arena, "expected a number of repetitions, an integer of 0 or more, found %.*s",
                         (int)s.n, (const char *)s.p)};
    b->eval->culprit = v;
    return build_eval_failed(b, line->place, line->count, scope);
  }
  *out = v.number;
  if ((uint64_t)v.number <= b->max_modules - b->modules) return true;
  return build_too_large(b, arena_printf(b->arena, "%.*s{%.*s < %lld}%.*s asks for %lld modules",
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

/* The repetition behind `i`. */
static int64_t next_of(const struct builder *b, int64_t i, int64_t count) {
  enum { SAMPLE = 4 };
  return b->sample && i >= SAMPLE - 1 && i + 1 < count ? count - 1 : i + 1;
}

static bool repeat_line(struct builder_tree *t, struct module *parent, const struct module_line *line,
                        const struct scope *scope) {
  struct builder *b = &t->b;
  int64_t count = 0;
  if (!count_of(t, line, scope, &count) || !tree_mark_list(t, parent, line->before)) return false;
  for (int64_t i = 0; i < count; i = next_of(b, i, count)) {
    struct value v;
    const struct scope *here = counted_scope(b, line, scope, i);
    uint8_t digits[20];
    struct span name = build_joined(b, line->before, decimal(digits, (uint64_t)i), line->after);
    if (!here || name.n == 0) return build_memory(b);
    if (!line_value(t, line, here, &v) || !tree_register(t, parent, name, &v)) return false;
  }
  return true;
}

static bool run_line(struct builder_tree *t, struct module *parent, const struct module_line *line,
                     const struct scope *scope) {
  struct value v;
  if (line->count) return repeat_line(t, parent, line, scope);
  return line_value(t, line, scope, &v) && tree_register(t, parent, line->before, &v);
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
  if (!s || !names || !values) return build_none(build_memory(&t->b));
  *s = (struct scope){.up = m->scope, .n = m->num_args, .names = names, .values = values};
  for (uint32_t i = 0; i < m->num_args; i++) {
    names[i] = m->signature->params[i].name;
    values[i] = m->args[i];
  }
  for (uint32_t i = 0; i < block->num_lets; i++) {
    if (!build_eval_line(&t->b, block->lets[i].place, block->lets[i].value, s, &values[s->n])) return NULL;
    names[s->n++] = block->lets[i].name;
  }
  return s;
}

static bool run_block(struct builder_tree *t, struct module *m) {
  if (m->depth > t->b.max->arch_depth)
    return build_reject(&t->b, m->place, "is nested in 32 blocks: does it hold itself?", module_class(m));
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
    if (m->parts[i].repeated && !tree_mark_list(t, m, m->parts[i].name)) return false;
    if (!tree_register(t, m, m->parts[i].name, &v)) return false;
  }
  t->b.tensors += m->num_slots;
  return t->b.tensors <= t->b.max_tensors ||
         build_too_large(&t->b, SPAN("the architecture has too many parameters"));
}

static bool run_waiting(struct builder_tree *t) {
  while (t->waiting) {
    struct node *node = t->waiting;
    t->waiting = node->waiting;
    if (!(node->m.kind == MODULE_BLOCK ? run_block(t, &node->m) : run_parts(t, &node->m))) return false;
  }
  return true;
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

/* The root asked for, else the first of the config's architectures that is there, else the first one. Classes
 * of configs are many: one that is not there is no error yet. */
static const struct root_line *choose_root(struct builder *b, struct span asked, struct names wanted,
                                           bool told) {
  const struct root_line *root = NULL;
  if (asked.n) root = find_root(b->arch, asked);
  for (uint32_t i = 0; !asked.n && !root && i < wanted.n; i++) root = find_root(b->arch, wanted.list[i]);
  if (root) return root;
  if (asked.n || told) {
    observe(b->o, (struct observation){.kind = OBS_ARCH_ROOT_UNKNOWN,
                                       .subject = asked.n ? asked : wanted.list[0],
                                       .detail = root_names(b)});
    return NULL;
  }
  if (wanted.n) b->model->root_lacks = wanted.list[0];
  b->model->root_chosen = wanted.n || b->arch->num_roots > 1;
  return &b->arch->roots[0];
}

static bool root_value(struct builder_tree *t, struct span asked, const struct config *config,
                       struct value *out) {
  struct builder *b = &t->b;
  b->model->root_name = b->arch->name;
  if (b->arch->num_roots == 0) return construct_in_place(b, &b->arch->top, b->config, out) || build_memory(b);
  const struct root_line *root = choose_root(b, asked, config->wanted, config->told);
  if (!root) return false;
  b->model->root_name = root->name;
  if (!build_eval_line(b, root->place, root->value, b->config, out)) return false;
  return out->kind == VALUE_MODULE || build_reject(b, root->place, "yields no module", root->name);
}

/* ---- all together ---- */

static bool prepare(struct builder *b, uint32_t num_keys) {
  b->num_keys = num_keys;
  b->max_tensors = min_u64(UINT64_C(4) * num_keys + 1024, b->max->tensors);
  b->max_modules = b->max_tensors * 4;
  struct eval *ev = arena_new(b->arena, struct eval);
  uint64_t *steps = arena_new(b->arena, uint64_t);
  if (!ev || !steps) return build_memory(b);
  /* What is legitimate grows with the checkpoint: a tensor costs about 50 steps. */
  *steps = b->max->arch_steps + 64 * b->max_tensors;
  *ev = (struct eval){.arena = b->arena, .max = b->max, .steps = steps, .context = b};
  b->eval = b->model->eval = ev;
  keys_init(&b->blocks, b->arena);
  keys_init(&b->model->children, b->arena);
  for (uint32_t i = 0; i < b->arch->num_blocks; i++)
    if (!keys_add(&b->blocks, 0, b->arch->blocks[i].signature.name)) return build_memory(b);
  return true;
}

static bool build(struct builder_tree *t, struct span asked, const struct config *config) {
  struct builder *b = &t->b;
  struct value root;
  b->eval->call = construct_call;
  if (!root_value(t, asked, config, &root)) return false;
  struct node *node = tree_attach(t, NULL, (struct span){0}, root.module);
  if (!node) return false;
  b->model->root = &node->m;
  if (!run_waiting(t)) return false;
  b->model->child = t->child.p;
  b->eval->call = NULL; /* later expressions are of numbers only */
  if (!build_list_keys(b) || !build_resolve_ties(b)) return false;
  build_count_parameters(b);
  return true;
}

bool model_build(struct model *out, const struct arch *arch, const struct config_sources *sources,
                 struct span root, uint32_t num_keys, struct arena *a, const struct limits *max,
                 struct observations *o) {
  *out = (struct model){.arch = arch};
  struct builder_tree t = {
      .b = {.arena = a, .max = max, .o = o, .arch = arch, .model = out, .sample = sources->sample}};
  if (!prepare(&t.b, num_keys)) return false;
  struct config config = {.arch = arch, .eval = out->eval, .observations = o};
  bool ok = config_resolve(&config, sources);
  out->config_json = config.json;
  out->own_config_json = config.own_json;
  out->config = t.b.config = config.scope;
  out->dtype = config.dtype;
  out->quantized = config.quantized;
  ok = ok && build(&t, root, &config);
  out->eval->call = NULL;
  out->eval->context = NULL; /* the builder was on this function's stack */
  return ok;
}

void model_close(struct model *m) {
  cJSON_Delete(m->config_json);
  cJSON_Delete(m->own_config_json);
  m->config_json = m->own_config_json = NULL;
}
