#include "forward/result.h"

static const uint8_t magic[8] = {'C', 'K', 'L', 'F', 'W', 'D', 0, 1};

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
  return t;
}

struct result_output *result_add_output(struct result_writer *w, struct result_test *t) {
  struct result *r = result_of(w);
  if (r->num_outputs == RESULT_OUTPUTS) return NULL;
  t->num_outputs++;
  return &r->outputs[r->num_outputs++];
}

struct result_text result_put(struct result_writer *w, struct span bytes) {
  const size_t at = w->used + (8 - w->used % 8) % 8;
  if (bytes.n == 0 || at > w->cap || bytes.n > w->cap - at) return (struct result_text){0, 0};
  memcpy(w->base + at, bytes.p, bytes.n);
  w->used = at + bytes.n;
  return (struct result_text){at, bytes.n};
}

/* ---- reading ---- */

static bool text_inside(struct result_text t, size_t size) { return t.at <= size && t.n <= size - t.at; }

static const char *check_output(const struct result_output *o, size_t size) {
  if (!text_inside(o->name, size)) return "an output's name";
  if (o->type > FT_BOOL || o->ndim > FT_DIMS) return "an output's type";
  if (o->golden >= GOLDEN_KINDS || o->agrees > 1 || o->same_shape > 1 || o->varies > 1)
    return "an output's golden";
  struct ftensor t;
  if (!ft_shape(&t, (enum ftype)o->type, o->size, o->ndim) || t.numel != o->numel) return "an output's shape";
  if (o->data_at % 8 || (o->data_at && !text_inside((struct result_text){o->data_at, ft_bytes(&t)}, size)))
    return "an output's numbers";
  return NULL;
}

static const char *check_test(const struct result_test *t, const struct result *r, size_t size) {
  if (t->status >= RESULT_STATUSES || t->generated > 1) return "a test's status";
  if (t->first_output > r->num_outputs || t->num_outputs > r->num_outputs - t->first_output)
    return "a test's outputs";
  return text_inside(t->nonfinite_place, size) ? NULL : "a test's place";
}

const struct result *result_open(const void *region, size_t size, const char **why) {
  const struct result *r = region;
  *why = "the header";
  if (size < sizeof *r || memcmp(r->magic, magic, sizeof magic) != 0) return NULL;
  if (r->num_tests > RESULT_TESTS || r->num_outputs > RESULT_OUTPUTS || !text_inside(r->core, size))
    return NULL;
  *why = NULL;
  for (uint32_t i = 0; i < r->num_outputs && !*why; i++) *why = check_output(&r->outputs[i], size);
  for (uint32_t i = 0; i < r->num_tests && !*why; i++) *why = check_test(&r->tests[i], r, size);
  return *why ? NULL : r;
}

struct span result_data(const struct result *r, const struct result_output *o) {
  if (!o->data_at) return span_of(NULL, 0);
  return span_of((const uint8_t *)r + o->data_at, (size_t)(o->numel * ft_itemsize((enum ftype)o->type)));
}
