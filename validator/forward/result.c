#include "forward/result.h"

static const uint8_t magic[8] = {'C', 'K', 'L', 'F', 'W', 'D', 0, 2};

bool result_begin(struct result_writer *w, void *region, size_t size) {
  if (size < sizeof(struct result)) return false;
  *w = (struct result_writer){.base = region, .cap = size, .used = sizeof(struct result)};
  memcpy(result_of(w)->magic, magic, sizeof magic);
  return true;
}

struct result_test *result_add_test(struct result_writer *w) {
  struct result *r = result_of(w);
  if (r->num_tests == RESULT_TESTS) return NULL;
  struct result_test *t = &r->tests[r->num_tests++];
  t->first_output = r->num_outputs;
  t->first_input = r->num_inputs;
  t->first_symbol = r->num_symbols;
  t->first_step = r->num_steps;
  return t;
}

struct result_output *result_add_output(struct result_writer *w, struct result_test *t) {
  struct result *r = result_of(w);
  if (r->num_outputs == RESULT_OUTPUTS) return NULL;
  t->num_outputs++;
  return &r->outputs[r->num_outputs++];
}

struct result_input *result_add_input(struct result_writer *w, struct result_test *t) {
  struct result *r = result_of(w);
  if (r->num_inputs == RESULT_INPUTS) return NULL;
  t->num_inputs++;
  return &r->inputs[r->num_inputs++];
}

struct result_symbol *result_add_symbol(struct result_writer *w, struct result_test *t) {
  struct result *r = result_of(w);
  if (r->num_symbols == RESULT_SYMBOLS) return NULL;
  t->num_symbols++;
  return &r->symbols[r->num_symbols++];
}

struct result_step *result_add_step(struct result_writer *w, struct result_test *t) {
  struct result *r = result_of(w);
  if (r->num_steps == RESULT_STEPS) return NULL;
  t->num_steps++;
  return &r->steps[r->num_steps++];
}

struct result_text result_room(struct result_writer *w, uint64_t bytes) {
  const size_t at = w->used + (8 - w->used % 8) % 8;
  if (bytes == 0 || at > w->cap || bytes > w->cap - at) return (struct result_text){0, 0};
  w->used = at + (size_t)bytes;
  return (struct result_text){at, bytes};
}

struct result_text result_put(struct result_writer *w, struct span bytes) {
  struct result_text room = result_room(w, bytes.n);
  if (room.n) memcpy(w->base + room.at, bytes.p, bytes.n);
  return room;
}

void result_shape(struct result_array *out, const struct ftensor *t) {
  *out = (struct result_array){.type = t->type, .ndim = t->ndim, .numel = t->numel};
  memcpy(out->size, t->size, sizeof out->size);
}

/* ---- reading ---- */

static bool text_inside(struct result_text t, size_t size) { return t.at <= size && t.n <= size - t.at; }

static const char *check_array(const struct result_array *a, size_t size) {
  struct ftensor t;
  if (a->type > FT_BOOL || a->ndim > FT_DIMS) return "an array's type";
  if (!ft_shape(&t, (enum ftype)a->type, a->size, a->ndim) || t.numel != a->numel) return "an array's shape";
  if (a->data_at % 8 || (a->data_at && !text_inside((struct result_text){a->data_at, ft_bytes(&t)}, size)))
    return "an array's numbers";
  return NULL;
}

static const char *check_output(const struct result_output *o, size_t size) {
  if (!text_inside(o->name, size)) return "an output's name";
  if (o->golden >= GOLDEN_KINDS || o->agrees > 1 || o->same_shape > 1 || o->varies > 1)
    return "an output's golden";
  return check_array(&o->array, size);
}

static const char *check_input(const struct result_input *in, size_t size) {
  if (!text_inside(in->name, size)) return "an input's name";
  if (in->generated > 1 || in->generator >= GEN_KINDS) return "an input's generator";
  return check_array(&in->array, size);
}

static const char *check_step(const struct result_step *s, size_t size) {
  return text_inside(s->op, size) && text_inside(s->place, size) ? check_array(&s->array, size) : "a step";
}

static bool rows_inside(uint32_t first, uint32_t n, uint32_t all) { return first <= all && n <= all - first; }

static const char *check_test(const struct result_test *t, const struct result *r, size_t size) {
  if (t->status >= RESULT_STATUSES || t->generated > 1) return "a test's status";
  if (!rows_inside(t->first_output, t->num_outputs, r->num_outputs)) return "a test's outputs";
  if (!rows_inside(t->first_input, t->num_inputs, r->num_inputs)) return "a test's inputs";
  if (!rows_inside(t->first_symbol, t->num_symbols, r->num_symbols)) return "a test's symbols";
  if (!rows_inside(t->first_step, t->num_steps, r->num_steps)) return "a test's steps";
  return text_inside(t->nonfinite_place, size) ? NULL : "a test's place";
}

static bool check_head(const struct result *r, size_t size) {
  return r->num_tests <= RESULT_TESTS && r->num_outputs <= RESULT_OUTPUTS && r->num_inputs <= RESULT_INPUTS &&
         r->num_symbols <= RESULT_SYMBOLS && r->num_steps <= RESULT_STEPS && r->same_arch < SAME_COUNT &&
         r->same_weights < SAME_COUNT && r->digested <= 1 && text_inside(r->core, size) &&
         text_inside(r->recorded_by, size);
}

const struct result *result_open(const void *region, size_t size, const char **why) {
  const struct result *r = region;
  *why = "the header";
  if (size < sizeof *r || memcmp(r->magic, magic, sizeof magic) != 0 || !check_head(r, size)) return NULL;
  *why = NULL;
  for (uint32_t i = 0; i < r->num_outputs && !*why; i++) *why = check_output(&r->outputs[i], size);
  for (uint32_t i = 0; i < r->num_inputs && !*why; i++) *why = check_input(&r->inputs[i], size);
  for (uint32_t i = 0; i < r->num_steps && !*why; i++) *why = check_step(&r->steps[i], size);
  for (uint32_t i = 0; i < r->num_symbols && !*why; i++)
    if (!text_inside(r->symbols[i].name, size)) *why = "a symbol";
  for (uint32_t i = 0; i < r->num_tests && !*why; i++) *why = check_test(&r->tests[i], r, size);
  return *why ? NULL : r;
}

struct span result_data(const struct result *r, const struct result_array *a) {
  if (!a->data_at) return span_of(NULL, 0);
  return span_of((const uint8_t *)r + a->data_at, (size_t)(a->numel * ft_itemsize((enum ftype)a->type)));
}
