/* Inputs, outputs and tests: what a forward takes, gives, and should give. */
#include "arch/spec_read.h"

#include "base/base64.h"

enum { MAX_ARRAY_DIMS = 16, MAX_SYMBOLS = 64 };

/* ---- ports: "int64[B, T] < vocab_size" ---- */

static bool add_symbol(struct spec *sp, struct span name) {
  struct names *s = &sp->arch->symbols;
  for (uint32_t i = 0; i < s->n; i++)
    if (span_eq(s->list[i], name)) return true;
  if (s->n == MAX_SYMBOLS) return false;
  struct span *list = arena_array(sp->arena, s->n + 1, struct span);
  if (!list) return false;
  if (s->n) memcpy(list, s->list, s->n * sizeof *list);
  list[s->n] = name;
  *s = (struct names){s->n + 1, list};
  return true;
}

/* Notes the names of a dimension that no config line has. */
/* NOLINTNEXTLINE(misc-no-recursion): at most limits.expr_depth deep */
static bool find_symbols(struct spec *sp, const struct expr *e) {
  uint32_t first = e->kind == EXPR_CALL ? 1 : 0; /* the callee is a function */
  if (e->kind == EXPR_NAME && !spec_is_config(sp->arch, e->text)) return add_symbol(sp, e->text);
  for (uint32_t i = first; i < e->num_kids; i++)
    if (e->kids[i] && !find_symbols(sp, e->kids[i])) return false;
  return true;
}

static bool bad_port(struct spec *sp, struct item it, uint32_t at, const char *what) {
  return spec_reject(sp, OBS_ARCH_VALUE, it.place, at + 1, "expected %s, as in \"float32[B, 3, 28, 28]\"",
                     what);
}

static bool read_dims(struct spec *sp, struct item it, const struct expr *shape, struct port *port) {
  for (uint32_t i = 1; i < shape->num_kids; i++) {
    const struct expr *dim = shape->kids[i];
    if (dim->kind == EXPR_SLICE || dim->kind == EXPR_ELLIPSIS)
      return bad_port(sp, it, dim->at, "a dimension");
    if (!find_symbols(sp, dim))
      return spec_reject(sp, OBS_LIMIT_ARCH, it.place, dim->at + 1, "more than %d symbolic dimensions",
                         MAX_SYMBOLS);
  }
  port->dims = shape->kids + 1;
  port->ndim = shape->num_kids - 1;
  return true;
}

static bool read_port(struct spec *sp, struct item it, void *into) {
  struct port *port = into;
  const struct expr *e;
  port->place = it.place;
  if (!spec_key_name(sp, it, &port->name) || !spec_expr(sp, it, &e)) return false;
  if (e->kind == EXPR_BINARY && e->op == BIN_LT) {
    port->bound = e->kids[1];
    e = e->kids[0];
  }
  const struct expr *name = e->kind == EXPR_INDEX ? e->kids[0] : e;
  port->dtype = name->kind == EXPR_NAME ? dtype_by_name(name->text) : DTYPE_NONE;
  if (port->dtype == DTYPE_NONE) return bad_port(sp, it, name->at, "a dtype");
  return e->kind != EXPR_INDEX || read_dims(sp, it, e, port);
}

static bool has_port(const struct ports *ports, struct span name, uint32_t *index) {
  for (uint32_t i = 0; i < ports->n; i++)
    if (span_eq(ports->list[i].name, name)) {
      *index = i;
      return true;
    }
  return false;
}

static bool has_symbol(const struct arch *arch, struct span name) {
  for (uint32_t i = 0; i < arch->symbols.n; i++)
    if (span_eq(arch->symbols.list[i], name)) return true;
  return false;
}

static bool read_ports(struct spec *sp, struct item it, struct ports *ports) {
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct port), read_port, &ports->list, &ports->n) &&
         spec_at_most(sp, it, ports->n, MAX_PORTS);
}

/* In a test one name must mean one thing. */
static bool check_port_names(struct spec *sp, const struct ports *ports, const struct ports *others) {
  for (uint32_t i = 0; i < ports->n; i++) {
    uint32_t j;
    const struct port *p = &ports->list[i];
    if (has_symbol(sp->arch, p->name) || (others && has_port(others, p->name, &j)))
      return spec_reject(sp, OBS_ARCH_VALUE, p->place, 0, "'%.*s' names an input or a dimension already",
                         (int)min_size(p->name.n, 60), (const char *)p->name.p);
  }
  return true;
}

bool read_inputs(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return read_ports(sp, it, &arch->inputs) && check_port_names(sp, &arch->inputs, NULL);
}

bool read_outputs(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return read_ports(sp, it, &arch->outputs) && check_port_names(sp, &arch->outputs, &arch->inputs);
}

/* ---- inline numbers ---- */

struct array_reader {
  struct inline_array out;
  uint64_t sizes[MAX_ARRAY_DIMS];
  double *data;
  uint64_t filled;
};

static bool measure_array(struct spec *sp, struct item it, struct array_reader *r) {
  r->out.numel = 1;
  for (const cJSON *level = it.json; cJSON_IsArray(level); level = level->child) {
    uint64_t n = 0;
    const cJSON *child;
    cJSON_ArrayForEach(child, level) n++;
    if (r->out.ndim == MAX_ARRAY_DIMS)
      return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "numbers are nested at most %d deep",
                         MAX_ARRAY_DIMS);
    r->sizes[r->out.ndim++] = n;
    if (!try_mul(r->out.numel, n, &r->out.numel) || r->out.numel > UINT32_MAX)
      return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "too many numbers");
  }
  return true;
}

/* Level by level, as deep as the first branch was measured. */
/* NOLINTNEXTLINE(misc-no-recursion): at most MAX_ARRAY_DIMS deep */
static bool fill_array(struct array_reader *r, const cJSON *json, uint32_t dim) {
  if (dim == r->out.ndim) {
    int64_t exact;
    if (!cJSON_IsNumber(json) || r->filled == r->out.numel) return false;
    if (!json_int(json, &exact)) r->out.integers = false;
    r->data[r->filled++] = json->valuedouble;
    return true;
  }
  uint64_t n = 0;
  const cJSON *child;
  if (!cJSON_IsArray(json)) return false;
  cJSON_ArrayForEach(child, json) {
    if (n++ == r->sizes[dim] || !fill_array(r, child, dim + 1)) return false;
  }
  return n == r->sizes[dim];
}

/* A text has at most json_bytes, so at most that many numbers fit it: the product measured on the first
 * branch is only a claim, and is held against the text before memory is asked for. */
static bool read_array(struct spec *sp, struct item it, struct inline_array *out) {
  struct array_reader r = {.out.integers = true};
  if (!measure_array(sp, it, &r)) return false;
  bool plausible = r.out.numel <= sp->arch->file.text.n;
  r.data = plausible ? arena_array(sp->arena, r.out.numel, double) : NULL;
  uint64_t *sizes = arena_array(sp->arena, r.out.ndim, uint64_t);
  if (!sizes || (plausible && !r.data)) return spec_out_of_memory(sp);
  if (!plausible || !fill_array(&r, it.json, 0))
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0,
                       "expected a number or lists of equal length of numbers");
  if (r.out.ndim) memcpy(sizes, r.sizes, r.out.ndim * sizeof *sizes);
  r.out.sizes = sizes;
  r.out.data = r.data;
  *out = r.out;
  return true;
}

/* ---- generators and expectations ---- */

static const struct {
  const char *name;
  enum generator_kind kind;
  bool seeded;
} generators[] = {
    {"rand", GEN_RAND, true},  {"randint", GEN_RANDINT, true}, {"zeros", GEN_ZEROS, false},
    {"ones", GEN_ONES, false}, {"arange", GEN_ARANGE, false},
};

const char *generator_name(enum generator_kind kind) {
  for (size_t i = 0; i < ARRAY_LEN(generators); i++)
    if (generators[i].kind == kind) return generators[i].name;
  return NULL;
}

static bool read_generator(struct spec *sp, struct item it, struct test_input *in) {
  const struct expr *e;
  if (!spec_expr(sp, it, &e)) return false;
  const struct expr *name = e->kind == EXPR_CALL ? e->kids[0] : e;
  const struct expr *seed = e->kind == EXPR_CALL && e->num_kids == 2 ? e->kids[1] : NULL;
  for (size_t i = 0; i < ARRAY_LEN(generators); i++) {
    if (name->kind != EXPR_NAME || !span_is(name->text, generators[i].name)) continue;
    if (generators[i].seeded != (e->kind == EXPR_CALL)) break;
    if (generators[i].seeded && (!seed || seed->kind != EXPR_INT)) break;
    in->kind = generators[i].kind;
    in->seed = seed ? (uint64_t)seed->number : 0;
    return true;
  }
  return spec_reject(
      sp, OBS_ARCH_VALUE, it.place, 1,
      "expected rand(seed), randint(seed), zeros, ones, arange, {\"file\": …}, {\"npy\": …} or numbers");
}

/* A .npy file, its bytes in base64. */
static bool read_npy(struct spec *sp, struct item it, struct span *out) {
  struct span text;
  size_t at;
  if (!spec_text(sp, it, &text)) return false;
  switch (base64_read(sp->arena, text, out, &at)) {
  case BASE64_READ: return true;
  case BASE64_NO_MEMORY: return spec_out_of_memory(sp);
  case BASE64_MALFORMED: break;
  }
  return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0,
                     "expected a .npy file in base64, which character %zu is not", at + 1);
}

static bool read_input_file(struct spec *sp, struct item it, void *into) {
  struct test_input *in = into;
  in->kind = GEN_FILE;
  return spec_text(sp, it, &in->file);
}

static bool read_input_npy(struct spec *sp, struct item it, void *into) {
  struct test_input *in = into;
  in->kind = GEN_NPY;
  return read_npy(sp, it, &in->npy);
}

/* Of an input or an expectation: which of these keys is there? */
static bool has_one_source(struct spec *sp, struct item it, const char *const *keys, size_t n,
                           const char *what) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++) found += json_get(it.json, keys[i]) != NULL;
  return found == 1 || spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected one of %s", what);
}

static bool read_test_input(struct spec *sp, struct item it, struct test_input *in) {
  static const struct key_row rows[] = {{"file", read_input_file, false}, {"npy", read_input_npy, false}};
  static const char *const sources[] = {"file", "npy"};
  if (cJSON_IsString(it.json)) return read_generator(sp, it, in);
  if (cJSON_IsObject(it.json))
    return spec_object(sp, it, rows, ARRAY_LEN(rows), in) &&
           has_one_source(sp, it, sources, ARRAY_LEN(sources), "\"file\" and \"npy\"");
  in->kind = GEN_INLINE;
  return read_array(sp, it, &in->numbers);
}

static bool read_expect_file(struct spec *sp, struct item it, void *into) {
  struct test_expect *x = into;
  x->kind = EXPECT_FILE;
  return spec_text(sp, it, &x->file);
}

static bool read_expect_npy(struct spec *sp, struct item it, void *into) {
  struct test_expect *x = into;
  x->kind = EXPECT_NPY;
  return read_npy(sp, it, &x->npy);
}

static bool read_argmax(struct spec *sp, struct item it, void *into) {
  struct test_expect *x = into;
  x->kind = EXPECT_ARGMAX;
  if (!read_array(sp, it, &x->numbers)) return false;
  return (x->numbers.integers && x->numbers.ndim <= 1) ||
         spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected a class number or a list of them");
}

static bool read_tolerance(struct spec *sp, struct item it, double *out) {
  if (!spec_number(sp, it, out)) return false;
  return *out >= 0 || spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "a tolerance is 0 or more");
}

static bool read_rtol(struct spec *sp, struct item it, void *into) {
  return read_tolerance(sp, it, &((struct test_expect *)into)->rtol);
}

static bool read_atol(struct spec *sp, struct item it, void *into) {
  return read_tolerance(sp, it, &((struct test_expect *)into)->atol);
}

static bool read_test_expect(struct spec *sp, struct item it, struct test_expect *x) {
  static const struct key_row rows[] = {{"file", read_expect_file, false},
                                        {"npy", read_expect_npy, false},
                                        {"argmax", read_argmax, false},
                                        {"rtol", read_rtol, false},
                                        {"atol", read_atol, false}};
  static const char *const sources[] = {"file", "npy", "argmax"};
  x->rtol = x->atol = -1;
  x->kind = EXPECT_INLINE;
  if (!cJSON_IsObject(it.json)) return read_array(sp, it, &x->numbers);
  return spec_object(sp, it, rows, ARRAY_LEN(rows), x) &&
         has_one_source(sp, it, sources, ARRAY_LEN(sources), "\"file\", \"npy\" and \"argmax\"");
}

static bool read_symbol(struct spec *sp, struct item it, struct symbol_value *s) {
  int64_t n;
  s->name = item_key(it);
  if (!json_int(it.json, &n) || n < 1)
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected a size of 1 or more for %.60s",
                       it.json->string);
  s->value = (uint64_t)n;
  return true;
}

/* ---- tests ---- */

/* Without declared outputs they have the names that reports give them: output, or output0 … */
static bool may_be_output(const struct arch *arch, struct span name) {
  uint32_t port;
  return arch->outputs.n ? has_port(&arch->outputs, name, &port) : span_starts(name, SPAN("output"));
}

static bool read_test_member(struct spec *sp, struct item it, struct arch_test *t,
                             struct symbol_value *symbols, struct test_input *inputs,
                             struct test_expect *expects) {
  uint32_t port;
  if (has_symbol(sp->arch, item_key(it))) return read_symbol(sp, it, &symbols[t->num_symbols++]);
  if (has_port(&sp->arch->inputs, item_key(it), &port)) {
    inputs[t->num_inputs] = (struct test_input){.place = it.place, .port = port};
    return read_test_input(sp, it, &inputs[t->num_inputs++]);
  }
  if (may_be_output(sp->arch, item_key(it))) {
    expects[t->num_expects] = (struct test_expect){.place = it.place, .name = item_key(it)};
    return read_test_expect(sp, it, &expects[t->num_expects++]);
  }
  return spec_reject(sp, OBS_ARCH_KEY, it.place, 0, "'%.60s' is no input, output or symbolic dimension",
                     it.json->string);
}

static bool check_inputs_given(struct spec *sp, const struct arch_test *t) {
  for (uint32_t p = 0; p < sp->arch->inputs.n; p++) {
    uint32_t i = 0;
    while (i < t->num_inputs && t->inputs[i].port != p) i++;
    struct span name = sp->arch->inputs.list[p].name;
    if (i == t->num_inputs)
      return spec_reject(sp, OBS_ARCH_KEY, t->place, 0, "the test gives no value for input '%.*s'",
                         (int)min_size(name.n, 60), (const char *)name.p);
  }
  return true;
}

static bool read_test(struct spec *sp, struct item it, void *into) {
  struct arch_test *t = into;
  t->place = it.place;
  if (!spec_want_object(sp, it)) return false;
  struct symbol_value *symbols = arena_array(sp->arena, sp->arch->symbols.n, struct symbol_value);
  struct test_input *inputs = arena_array(sp->arena, sp->arch->inputs.n, struct test_input);
  struct test_expect *expects =
      arena_array(sp->arena, (size_t)cJSON_GetArraySize(it.json), struct test_expect);
  if (!symbols || !inputs || !expects) return spec_out_of_memory(sp);
  t->symbols = symbols;
  t->inputs = inputs;
  t->expects = expects;
  const cJSON *child;
  cJSON_ArrayForEach(child, it.json) { /* keys are distinct, so the tables suffice */
    struct item member = spec_child(sp, it, child, 0);
    if (!member.place) return spec_out_of_memory(sp);
    if (!read_test_member(sp, member, t, symbols, inputs, expects)) return false;
  }
  return check_inputs_given(sp, t);
}

bool read_tests(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_list(sp, it) &&
         spec_each(sp, it, sizeof(struct arch_test), read_test, &arch->tests, &arch->num_tests);
}
