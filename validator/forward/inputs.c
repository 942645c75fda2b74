#include "forward/inputs.h"

#include "forward/rand.h"

enum { MAX_INPUTS = 256 }; /* they are looked up one by one */

static bool input_refused(struct ports_scope *s, enum obs_kind kind, const struct port *p,
                          struct span detail) {
  return refuse(s->obs, (struct observation){.kind = kind, .subject = p->name, .detail = detail});
}

static bool out_of_memory(struct ports_scope *s) {
  return refuse(s->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = s->arena->used});
}

/* ---- declared types and dimensions ---- */

/* The value of an expression over config and symbols, an integer of at least 0. */
static bool port_number(struct ports_scope *s, const struct port *p, const struct expr *e, uint64_t *out) {
  uint64_t steps = s->r->max->forward_evals;
  struct eval ev = {.arena = s->arena, .max = s->r->max, .steps = &steps};
  struct value v;
  if (!expr_eval(&ev, e, &s->scope, &v)) return input_refused(s, OBS_FWD_INPUT_VALUES, p, ev.error.what);
  if (v.kind != VALUE_INT || v.number < 0) {
    struct span shown = value_show(s->arena, &v);
    return input_refused(
        s, OBS_FWD_INPUT_VALUES, p,
        arena_printf(s->arena, "a declared size comes to %.*s", (int)shown.n, (const char *)shown.p));
  }
  *out = (uint64_t)v.number;
  return true;
}

static bool port_type(enum dtype d, enum ftype *out) {
  switch (dtype_table[d].cls) {
  case DT_FLOAT: *out = FT_F32; return true;
  case DT_INT:
  case DT_UINT: *out = FT_I64; return true;
  case DT_BOOL: *out = FT_BOOL; return true;
  case DT_COMPLEX:
  case DT_QUANT:
  case DT_OPAQUE: return false;
  }
  return false;
}

static struct value *find_symbol(struct ports_scope *s, struct span name) {
  const struct names *symbols = &s->r->model->arch->symbols;
  for (uint32_t i = 0; i < symbols->n; i++)
    if (span_eq(symbols->list[i], name)) return &s->symbol[i];
  return NULL;
}

static struct value *dim_symbol(struct ports_scope *s, const struct expr *dim) {
  return dim->kind == EXPR_NAME ? find_symbol(s, dim->text) : NULL;
}

/* A dimension for messages: a symbol's name, else its number, else "?". */
static struct span dim_text(struct ports_scope *s, const struct expr *dim) {
  uint64_t steps = s->r->max->forward_evals;
  struct eval ev = {.arena = s->arena, .max = s->r->max, .steps = &steps};
  struct value v;
  if (dim_symbol(s, dim)) return span_first(dim->text, 40);
  return expr_eval(&ev, dim, &s->scope, &v) ? value_show(s->arena, &v) : SPAN("?");
}

/* "float32[B, 3, 28, 28]": symbols by name, all else in numbers. */
static struct span port_text(struct ports_scope *s, const struct port *p) {
  struct span text = arena_printf(s->arena, "%s[", dtype_name(p->dtype));
  for (uint32_t i = 0; i < p->ndim; i++) {
    struct span dim = dim_text(s, p->dims[i]);
    text = arena_printf(s->arena, "%.*s%s%.*s", (int)text.n, (const char *)text.p, i ? ", " : "", (int)dim.n,
                        (const char *)dim.p);
  }
  return arena_printf(s->arena, "%.*s]", (int)text.n, (const char *)text.p);
}

struct span port_contradiction(struct ports_scope *s, const struct port *p, const struct ftensor *found,
                               const char *found_dtype) {
  struct span want = port_text(s, p), with = SPAN("");
  for (uint32_t i = 0; i < p->ndim && i < found->ndim && p->ndim == found->ndim; i++) {
    const struct value *v = dim_symbol(s, p->dims[i]);
    if (v && v->kind == VALUE_INT && (uint64_t)v->number != found->size[i])
      with = arena_printf(s->arena, " with %.*s = %lld", (int)min_size(p->dims[i]->text.n, 40),
                          (const char *)p->dims[i]->text.p, (long long)v->number);
  }
  return arena_printf(s->arena, "expected %.*s%.*s, found %s%s", (int)want.n, (const char *)want.p,
                      (int)with.n, (const char *)with.p, found_dtype, ft_shape_text(s->arena, found));
}

bool port_fits(struct ports_scope *s, const struct port *p, const struct ftensor *t, bool *fits) {
  *fits = p->ndim == t->ndim;
  for (uint32_t i = 0; *fits && i < p->ndim; i++) {
    uint64_t size = 0;
    if (!port_number(s, p, p->dims[i], &size)) return false;
    *fits = size == t->size[i];
  }
  return true;
}

/* ---- where the numbers come from ---- */

bool request_file(const struct forward_request *r, struct span name, struct observations *o,
                  struct farray *out) {
  for (size_t i = 0; i < r->num_files; i++)
    if (span_eq(r->files[i].name, name)) return farray_open(out, name, r->files[i].bytes, o);
  return refuse(
      o, (struct observation){
             .kind = OBS_FWD_FILE_UNREADABLE, .subject = name, .detail = SPAN("a file that can be opened")});
}

/* Whether the root's forward can do without the input. */
static bool has_default(const struct forward_request *r, struct span name) {
  const struct module *root = r->model->root;
  if (root->kind != MODULE_BLOCK || !root->block->forward) return true; /* refused later, for that */
  const struct signature *s = &root->block->forward->signature;
  for (uint32_t i = 0; i < s->num_params; i++)
    if (span_eq(s->params[i].name, name)) return s->params[i].fallback != NULL;
  return true;
}

static struct finput *choose_port(struct finputs *in, const struct forward_request *r, struct span name) {
  const struct ports *ports = &r->model->arch->inputs;
  if (name.n == 0) return ports->n == 1 ? &in->list[0] : NULL;
  for (uint32_t i = 0; i < ports->n; i++)
    if (span_eq(ports->list[i].name, name)) return &in->list[i];
  return NULL;
}

static bool take_choices(struct finputs *in, const struct forward_request *r) {
  for (size_t i = 0; i < r->num_inputs; i++) {
    struct finput *f = choose_port(in, r, r->inputs[i].name);
    if (!f) {
      struct span subject = r->inputs[i].name.n ? r->inputs[i].name : r->inputs[i].file;
      struct span why = r->inputs[i].name.n ? SPAN("the architecture file declares no input of this name")
                                            : SPAN("which input is it? (--input NAME=FILE)");
      return refuse(in->ports.obs,
                    (struct observation){.kind = OBS_FWD_INPUT_UNKNOWN, .subject = subject, .detail = why});
    }
    if (!request_file(r, r->inputs[i].file, in->ports.obs, &f->array)) return false;
    f->source = INPUT_ARRAY;
  }
  return true;
}

static bool take_test(struct finputs *in, const struct forward_request *r, const struct arch_test *test) {
  for (uint32_t i = 0; i < test->num_inputs; i++) {
    const struct test_input *t = &test->inputs[i];
    struct finput *f = &in->list[t->port];
    f->generator = t->kind;
    f->seed = t->seed;
    f->source = generator_name(t->kind) ? INPUT_GENERATED : INPUT_ARRAY;
    if (t->kind == GEN_FILE && !request_file(r, t->file, in->ports.obs, &f->array)) return false;
    if (t->kind == GEN_NPY && !farray_open(&f->array, f->port->name, t->npy, in->ports.obs)) return false;
    if (t->kind == GEN_INLINE && !farray_inline(&f->array, &t->numbers, in->ports.obs)) return false;
  }
  return true;
}

static bool take_defaults(struct finputs *in, const struct forward_request *r) {
  for (uint32_t i = 0; i < r->model->arch->inputs.n; i++) {
    struct finput *f = &in->list[i];
    enum ftype type;
    if (has_default(r, f->port->name)) continue;
    f->source = INPUT_GENERATED;
    f->generator = !port_type(f->port->dtype, &type) || type == FT_BOOL ? GEN_ZEROS
                   : type == FT_F32                                     ? GEN_RAND
                   : f->port->bound                                     ? GEN_RANDINT
                                                                        : GEN_ZEROS;
  }
  return true;
}

static bool all_there(struct finputs *in, const struct forward_request *r) {
  bool given = false;
  for (uint32_t i = 0; i < r->model->arch->inputs.n; i++) {
    const struct finput *f = &in->list[i];
    given = given || f->source == INPUT_ARRAY;
    if (f->source != INPUT_ABSENT || has_default(r, f->port->name)) continue;
    struct span want = port_text(&in->ports, f->port);
    return input_refused(&in->ports, OBS_FWD_INPUT_MISSING, f->port,
                         arena_printf(in->ports.arena, "%.*s is declared and was not given", (int)want.n,
                                      (const char *)want.p));
  }
  in->generated = !given;
  return true;
}

/* ---- symbols ---- */

static void set_symbol(struct value *symbol, uint64_t size) {
  if (symbol && symbol->kind == VALUE_MISSING && size <= INT64_MAX) *symbol = value_int((int64_t)size);
}

static void solve_symbols(struct finputs *in, const struct forward_request *r, const struct arch_test *test) {
  struct ports_scope *s = &in->ports;
  const struct arch *arch = r->model->arch;
  for (uint32_t i = 0; test && i < test->num_symbols; i++)
    set_symbol(find_symbol(s, test->symbols[i].name), test->symbols[i].value);
  for (uint32_t i = 0; i < arch->inputs.n; i++) {
    const struct finput *f = &in->list[i];
    if (f->source != INPUT_ARRAY || f->array.shape.ndim != f->port->ndim) continue;
    for (uint32_t d = 0; d < f->port->ndim; d++)
      set_symbol(dim_symbol(s, f->port->dims[d]), f->array.shape.size[d]);
  }
  for (uint32_t i = 0; i < arch->symbols.n; i++)
    set_symbol(&s->symbol[i], span_is(arch->symbols.list[i], "B") ? 1 : 8);
}

/* ---- checks ---- */

static bool dtype_fits(const struct farray *a, enum ftype want) {
  if (a->numbers) return want == FT_F32 || a->shape.type == FT_I64;
  return a->shape.type == want;
}

/* The declared shape behind its first dimension, a symbol: [3, 28, 28] for [B, 3, 28, 28]. */
static bool lacks_batch(struct ports_scope *s, const struct port *p, const struct ftensor *found) {
  if (p->ndim == 0 || found->ndim + 1 != p->ndim || !dim_symbol(s, p->dims[0])) return false;
  struct port rest = *p;
  bool fits;
  rest.dims++;
  rest.ndim--;
  return port_fits(s, &rest, found, &fits) && fits;
}

static bool check_array(struct ports_scope *s, const struct finput *f, enum ftype type) {
  const struct farray *a = &f->array;
  const char *dtype = a->numbers ? "" : dtype_name(a->dtype);
  bool fits;
  if (!port_fits(s, f->port, &a->shape, &fits)) return false;
  if (!fits)
    return input_refused(s, lacks_batch(s, f->port, &a->shape) ? OBS_FWD_INPUT_BATCH : OBS_FWD_INPUT_SHAPE,
                         f->port, port_contradiction(s, f->port, &a->shape, dtype));
  return dtype_fits(a, type) ||
         input_refused(s, OBS_FWD_INPUT_DTYPE, f->port, port_contradiction(s, f->port, &a->shape, dtype));
}

static bool outside_bound(struct ports_scope *s, const struct finput *f, uint64_t i, int64_t value) {
  return refuse(s->obs, (struct observation){
                            .kind = OBS_FWD_INPUT_BOUND,
                            .subject = f->port->name,
                            .at = i,
                            .detail = arena_printf(s->arena, "expected 0 to %llu, found %lld",
                                                   (unsigned long long)(f->bound - 1), (long long)value)});
}

static bool check_bound(struct ports_scope *s, const struct finput *f) {
  if (f->bound == 0) return true;
  if (f->source == INPUT_ARRAY)
    for (uint64_t i = 0; i < f->t.numel; i++) {
      int64_t value = farray_int(&f->array, i);
      if (value < 0 || (uint64_t)value >= f->bound) return outside_bound(s, f, i, value);
    }
  if (f->source == INPUT_GENERATED && f->generator == GEN_ARANGE && f->t.numel > f->bound)
    return outside_bound(s, f, f->bound, (int64_t)f->bound);
  if (f->source == INPUT_GENERATED && f->generator == GEN_ONES && f->bound == 1)
    return outside_bound(s, f, 0, 1);
  return true;
}

static bool check_generator(struct ports_scope *s, const struct finput *f) {
  if (f->source != INPUT_GENERATED) return true;
  const bool ints = f->t.type == FT_I64, floats = f->t.type == FT_F32;
  if (f->generator == GEN_RAND && !floats)
    return input_refused(s, OBS_FWD_INPUT_VALUES, f->port,
                         SPAN("rand(seed) makes floats, integers are declared: randint(seed)?"));
  if (f->generator == GEN_RANDINT && (!ints || f->bound == 0))
    return input_refused(
        s, OBS_FWD_INPUT_VALUES, f->port,
        SPAN("randint(seed) needs a declared integer type with a bound, as int64[B, T] < 1000"));
  if (f->generator == GEN_ARANGE && !ints && !floats)
    return input_refused(s, OBS_FWD_INPUT_VALUES, f->port, SPAN("arange makes numbers, bool is declared"));
  return true;
}

static struct span unsupported_input(struct ports_scope *s, const struct port *p) {
  if (p->ndim > FT_DIMS)
    return arena_printf(s->arena, "an input of %u dimensions; at most %d are supported", p->ndim, FT_DIMS);
  return arena_printf(s->arena, "inputs of %s are not supported", dtype_name(p->dtype));
}

static bool check_input(struct ports_scope *s, struct finput *f) {
  const struct port *p = f->port;
  enum ftype type;
  uint64_t size[FT_DIMS] = {0};
  if (f->source == INPUT_ABSENT) return true;
  if (!port_type(p->dtype, &type) || p->ndim > FT_DIMS)
    return refuse(s->obs,
                  (struct observation){
                      .kind = OBS_FWD_UNSUPPORTED, .subject = p->name, .detail = unsupported_input(s, p)});
  if (f->source == INPUT_ARRAY && !check_array(s, f, type)) return false;
  for (uint32_t i = 0; i < p->ndim; i++)
    if (!port_number(s, p, p->dims[i], &size[i])) return false;
  if (!ft_shape(&f->t, type, size, p->ndim))
    return input_refused(s, OBS_FWD_INPUT_VALUES, p, SPAN("too many elements"));
  if (type == FT_I64 && p->bound && !port_number(s, p, p->bound, &f->bound)) return false;
  if (type == FT_I64 && p->bound && f->bound == 0)
    return input_refused(s, OBS_FWD_INPUT_VALUES, p, SPAN("the declared bound is 0: no value is below it"));
  return check_generator(s, f) && check_bound(s, f);
}

static bool take_sources(struct finputs *in, const struct forward_request *r, const struct arch_test *test) {
  if (r->num_inputs) return take_choices(in, r);
  return test ? take_test(in, r, test) : take_defaults(in, r);
}

bool inputs_resolve(struct finputs *out, const struct forward_request *r, const struct arch_test *test,
                    struct arena *a, struct observations *o) {
  const struct arch *arch = r->model->arch;
  *out = (struct finputs){.ports = {.r = r, .arena = a, .obs = o}};
  struct ports_scope *s = &out->ports;
  const struct module *root = r->model->root;
  if (root->kind != MODULE_BLOCK || !root->block->forward)
    return refuse(o, (struct observation){.kind = OBS_FWD_NO_FORWARD, .subject = r->model->root_name});
  if (arch->inputs.n == 0)
    return refuse(o, (struct observation){
                         .kind = OBS_FWD_INPUT_MISSING,
                         .subject = arch->name,
                         .detail = SPAN("the architecture file declares no inputs, so nothing can be run")});
  if (arch->inputs.n > MAX_INPUTS)
    return refuse(
        o, (struct observation){
               .kind = OBS_FWD_UNSUPPORTED, .subject = arch->name, .detail = SPAN("more than 256 inputs")});
  out->list = arena_array(a, arch->inputs.n, struct finput);
  s->symbol = arena_array(a, arch->symbols.n, struct value);
  if (!out->list || !s->symbol) return out_of_memory(s);
  for (uint32_t i = 0; i < arch->symbols.n; i++) s->symbol[i].kind = VALUE_MISSING;
  s->scope = (struct scope){r->model->config, arch->symbols.n, arch->symbols.list, s->symbol};
  for (uint32_t i = 0; i < arch->inputs.n; i++) out->list[i].port = &arch->inputs.list[i];
  if (!take_sources(out, r, test) || !all_there(out, r)) return false;
  solve_symbols(out, r, test);
  for (uint32_t i = 0; i < arch->inputs.n; i++)
    if (!check_input(s, &out->list[i])) return false;
  return true;
}

/* ---- numbers ---- */

static int64_t next_int(const struct finput *f, struct rng *rng, uint64_t i) {
  if (f->source == INPUT_ARRAY) return farray_int(&f->array, i);
  switch (f->generator) {
  case GEN_RANDINT: return rng_randint(rng, f->bound);
  case GEN_ARANGE: return (int64_t)i;
  case GEN_ONES: return 1;
  case GEN_ZEROS:
  case GEN_RAND:
  case GEN_FILE:
  case GEN_NPY:
  case GEN_INLINE:
  case GEN_KINDS: break;
  }
  return 0;
}

static float next_float(const struct finput *f, struct rng *rng, uint64_t i) {
  if (f->source == INPUT_ARRAY) return (float)farray_real(&f->array, i);
  return f->generator == GEN_RAND ? rng_rand(rng) : (float)next_int(f, rng, i);
}

void input_numbers(const struct finput *in, struct ftensor *out) {
  struct rng rng;
  rng_seed(&rng, in->seed);
  for (uint64_t i = 0; i < out->numel; i++) {
    switch (out->type) {
    case FT_F32: ft_f32_out(out)[i] = next_float(in, &rng, i); break;
    case FT_I64: ft_i64_out(out)[i] = next_int(in, &rng, i); break;
    case FT_BOOL: ft_bool_out(out)[i] = next_int(in, &rng, i) != 0; break;
    }
  }
}

bool input_fill(struct finput *in, struct fpool *pool) {
  in->t.data.out = fpool_take(pool, ft_bytes(&in->t));
  if (in->t.data.out) input_numbers(in, &in->t);
  return in->t.data.out != NULL;
}
