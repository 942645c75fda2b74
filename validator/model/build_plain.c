/* Python's own data types, as calls: dicts, sets, bytes, sizes, records (format-spec D.6, D.7). Arguments are
 * typed; nothing is computed but bytes from
 * `_codecs.encode`. */
#include "base/utf8.h"
#include "container/detect.h"
#include "model/call.h"

static bool is_dict(const struct call *c, val_id v) {
  const struct built *b = built_of(c->cp, c->m, v);
  return kind_of(c->m, v) == VAL_DICT || (b && b->kind == BUILT_DICT);
}

/* [(key, value), …] or ((key, value), …), as Python 2 wrote an OrderedDict. */
static bool is_pairs(const struct call *c, val_id v) {
  const struct machine *m = c->m;
  if (kind_of(m, v) != VAL_LIST && kind_of(m, v) != VAL_TUPLE) return false;
  if (!spend(c->cp, value_count(m, v), c->at)) return false;
  for (uint32_t i = 0; i < value_count(m, v); i++) {
    val_id pair = value_item(m, v, i);
    if ((kind_of(m, pair) != VAL_TUPLE && kind_of(m, pair) != VAL_LIST) || value_count(m, pair) != 2)
      return false;
  }
  return true;
}

/* The items of a dict or of pairs become the object's own, as they are now. False: a limit, or a key that
 * can't be one (observed). */
static bool take_items(const struct call *c, val_id from) {
  const struct object *made = value_object(c->m, from);
  if (made) from = made->items;
  if (!from) return true;
  if (!spend(c->cp, value_count(c->m, from), c->at)) return false;
  val_id items = machine_new_dict(c->m, from, c->at);
  c->m->objects.p[value_of(c->m, c->object)->ref].items = items;
  return items != 0;
}

static uint32_t dict_object(const struct call *c, val_id from) {
  return take_items(c, from) ? call_built(c, BUILT_DICT, 0) : 0;
}

uint32_t build_ORDERED_DICT(const struct call *c) {
  uint32_t n = c->n;
  if (n > 1 || (n == 1 && !is_pairs(c, call_arg(c, 0)))) return refuse_arguments(c, "not a list of pairs");
  return dict_object(c, call_arg(c, 0));
}

uint32_t build_COUNTER(const struct call *c) {
  uint32_t n = c->n;
  if (n > 1 || (n == 1 && !is_dict(c, call_arg(c, 0)))) return refuse_arguments(c, "not a dict");
  return dict_object(c, call_arg(c, 0));
}

/* Items are set without it; whoever asks the loaded dict for a missing key calls it with nothing. A class on
 * no list is a finding by its name. */
static bool may_be_factory(const struct call *c) {
  const struct global *g = value_global(c->m, call_arg(c, 0));
  const struct built *b = built_of(c->cp, c->m, call_arg(c, 0));
  if (!g) return b && is_partial(b);
  const struct global_row *row = call_row(c, 0);
  return row ? is_argument(row) : !g->odd && !g->dotted && !g->computed && looks_like_class(g->mapped_name);
}

uint32_t build_DEFAULTDICT(const struct call *c) {
  uint32_t n = c->n;
  if (n > 1) return refuse_arguments(c, "more than a factory");
  if (n == 0 || call_kind(c, 0) == VAL_NONE) return call_built(c, BUILT_DICT, 0);
  if (may_be_factory(c)) return call_built(c, BUILT_DICT, 0);
  return refuse_arguments(c, "the factory is not a class: missing keys would call it");
}

uint32_t build_DEQUE(const struct call *c) {
  uint32_t n = c->n;
  bool fine = n == 0 || (n <= 2 && (call_kind(c, 0) == VAL_LIST || call_kind(c, 0) == VAL_TUPLE));
  if (n == 2) fine = fine && (call_kind(c, 1) == VAL_INT || call_kind(c, 1) == VAL_NONE);
  machine_give(c->m, call_arg(c, 0));
  return fine ? call_built(c, BUILT_LIST, 0) : refuse_arguments(c, "not a list");
}

/* What can't be an element, and what is there twice, is observed. */
uint32_t build_SET(const struct call *c) {
  uint32_t n = c->n;
  val_id items = call_arg(c, 0);
  bool fine = n == 0 || (n == 1 && (call_kind(c, 0) == VAL_LIST || call_kind(c, 0) == VAL_TUPLE));
  if (!fine) return refuse_arguments(c, "not a list");
  machine_give(c->m, items);
  if (n == 1 && (!spend(c->cp, value_count(c->m, items), c->at) || !machine_new_set(c->m, items, c->at)))
    return 0;
  return call_built(c, BUILT_SET, 0);
}

/* Of a list or tuple it is a copy; of what else it would ask for its items. */
uint32_t build_TUPLE(const struct call *c) {
  bool fine = c->n == 1 && (call_kind(c, 0) == VAL_LIST || call_kind(c, 0) == VAL_TUPLE);
  machine_give(c->m, call_arg(c, 0));
  return fine ? call_built(c, BUILT_LIST, 0) : refuse_arguments(c, "not a list or tuple");
}

static uint32_t bytes_object(const struct call *c, struct span s) {
  val_id v = machine_new_bytes(c->m, VAL_BYTES, s, c->at);
  return v ? call_built(c, BUILT_BYTES, v) : 0;
}

/* str → bytes, one byte a code point; false when a code point is above 0xff. */
bool latin1(const struct call *c, struct span text, struct span *out) {
  uint8_t *p = spend(c->cp, text.n, c->at) ? arena_alloc(c->cp->arena, text.n, 1, 1) : NULL;
  size_t n = p ? spelled_bytes(SPELLED_UTF8, text, p, text.n) : SIZE_MAX;
  *out = span_of(p, n == SIZE_MAX ? 0 : n);
  return n != SIZE_MAX;
}

/* Is argument i the codec's name? Bytes are none: a loader raises. */
static bool names_latin1(const struct call *c, uint32_t i) {
  struct span s = call_bytes(c, i);
  return call_is_str(c, i) && (span_is(s, "latin1") || span_is(s, "latin-1"));
}

uint32_t build_CODECS_ENCODE(const struct call *c) {
  struct span out;
  if (c->n != 2 || !call_is_str(c, 0) || !names_latin1(c, 1))
    return refuse_arguments(c, "not a str and 'latin1'");
  if (call_kind(c, 0) != VAL_TEXT) return bytes_object(c, call_bytes(c, 0));
  if (!latin1(c, call_bytes(c, 0), &out)) return refuse_arguments(c, "a code point above 255");
  return bytes_object(c, out);
}

/* BYTES, or an object that is one: the span. */
bool bytes_of(const struct checkpoint *cp, const struct machine *m, val_id v, struct span *out) {
  const struct built *b = built_of(cp, m, v);
  if (b && b->kind == BUILT_BYTES) v = b->index;
  enum value_kind k = kind_of(m, v);
  *out = value_bytes(m, v);
  return k == VAL_BYTES || k == VAL_BYTEARRAY || k == VAL_PYSTRING;
}

uint32_t build_BYTES(const struct call *c) {
  struct span s = SPAN("");
  uint32_t n = c->n;
  if (n > 1 || (n == 1 && !bytes_of(c->cp, c->m, call_arg(c, 0), &s)))
    return refuse_arguments(c, "not bytes");
  return bytes_object(c, s);
}

uint32_t build_BYTEARRAY(const struct call *c) {
  struct span s = SPAN("");
  uint32_t n = c->n;
  if (n == 2 && call_kind(c, 0) == VAL_TEXT && names_latin1(c, 1) && latin1(c, call_bytes(c, 0), &s))
    return bytes_object(c, s);
  if (n > 1 || (n == 1 && !bytes_of(c->cp, c->m, call_arg(c, 0), &s)))
    return refuse_arguments(c, "not bytes (a count would allocate that many)");
  return bytes_object(c, s);
}

uint32_t build_COMPLEX(const struct call *c) {
  bool fine = c->n == 2;
  for (uint32_t i = 0; fine && i < 2; i++) fine = call_kind(c, i) == VAL_FLOAT || call_kind(c, i) == VAL_INT;
  return fine ? call_built(c, BUILT_COMPLEX, 0) : refuse_arguments(c, "not two numbers");
}

/* Objects among the arguments were judged when they were made. */
bool plain_arguments(const struct call *c) {
  if (!spend(c->cp, c->n, c->at)) return false;
  for (uint32_t i = 0; i < c->n; i++) {
    const struct built *b = built_of(c->cp, c->m, call_arg(c, i));
    if (call_kind(c, i) == VAL_GLOBAL && !is_argument(call_row(c, i))) return false;
    if (b && (is_partial(b) || is_dill_function(b))) return false;
    if (calls_when_asked(c->cp, c->m, call_arg(c, i), c->at) ||
        keeps_endless(c->cp, c->m, call_arg(c, i), c->at))
      return false;
    note_np_dtype(c, i);
  }
  return true;
}

static bool is_scalar(enum value_kind kind) {
  return kind == VAL_NONE || kind == VAL_BOOL || kind == VAL_INT || kind == VAL_BIGINT || kind == VAL_FLOAT ||
         kind == VAL_TEXT || kind == VAL_PYSTRING || kind == VAL_BYTES || kind == VAL_BYTEARRAY;
}

static bool is_literal_arg(const struct call *c, val_id v) {
  struct span bytes;
  enum value_kind kind = kind_of(c->m, v);
  if (is_scalar(kind) || bytes_of(c->cp, c->m, v, &bytes)) return true;
  if (kind != VAL_TUPLE && kind != VAL_LIST) return false;
  if (!spend(c->cp, value_count(c->m, v), c->at)) return false;
  for (uint32_t i = 0; i < value_count(c->m, v); i++)
    if (!is_scalar(kind_of(c->m, value_item(c->m, v, i)))) return false;
  return true;
}

bool literal_arguments(const struct call *c) {
  if (!spend(c->cp, c->n, c->at)) return false;
  for (uint32_t i = 0; i < c->n; i++)
    if (!is_literal_arg(c, call_arg(c, i))) return false;
  return true;
}

/* ModelOutput of transformers, FrozenDict of diffusers and, since Python 3.13, SimpleNamespace make
 * attributes of the items that they are given: one of the name __setstate__ BUILD would call. */
uint32_t build_PLAIN(const struct call *c) {
  if (names_zone_file(c)) return refuse_arguments(c, "a time zone that is the name of a file");
  if (makes_methods(c)) return refuse_arguments(c, "items in place of methods that loading may call");
  return plain_arguments(c) ? call_built(c, BUILT_RECORD, 0) : refuse_arguments(c, "not a plain value");
}

/* As Fraction writes itself. Of a text with an exponent it would compute that power of ten, however large;
 * int() takes no more than 4,300 digits. */
static bool is_ratio(struct span text) {
  enum { RATIO_MAX = 2 * 4300 + 2 };
  for (size_t i = 0; i < text.n; i++)
    if (!is_one_of(text.p[i], SPAN("0123456789/-"))) return false;
  return text.n <= RATIO_MAX;
}

uint32_t build_FRACTION(const struct call *c) {
  bool fine = c->n == 1 || c->n == 2;
  for (uint32_t i = 0; fine && i < c->n; i++) {
    enum value_kind kind = call_kind(c, i);
    fine = kind == VAL_INT || kind == VAL_BIGINT ||
           (c->n == 1 && call_is_str(c, 0) && is_ratio(call_bytes(c, 0)));
  }
  return fine ? call_built(c, BUILT_RECORD, 0) : refuse_arguments(c, "not a numerator and a denominator");
}

/* pandas and scikit-learn write an object as a function, its class and plain values. */
uint32_t build_OWN(const struct call *c) {
  size_t package = strcspn(c->row->module, ".");
  if (!plain_arguments(c)) return refuse_arguments(c, "not plain values");
  if (names_zone_file(c)) return refuse_arguments(c, "a time zone that is the name of a file");
  if (!counts_rows(c)) return refuse_arguments(c, "an index of more rows than a table has");
  for (uint32_t i = 0; i < c->n; i++) {
    const struct global_row *row = call_kind(c, i) == VAL_GLOBAL ? call_row(c, i) : NULL;
    if (row && (strcspn(row->module, ".") != package || memcmp(row->module, c->row->module, package) != 0))
      return refuse_arguments(c, "a class of another package");
  }
  return call_built(c, BUILT_RECORD, 0);
}

/* type(None) is how a pickler writes the class of a constant that has no name; of anything else it would
 * reach a class that the program does not name. */
uint32_t build_TYPE(const struct call *c) {
  const struct global *of = value_global(c->m, call_arg(c, 0));
  bool constant = of && span_is(of->mapped_module, "builtins") &&
                  (span_is(of->mapped_name, "Ellipsis") || span_is(of->mapped_name, "NotImplemented"));
  if (c->n != 1 || (call_kind(c, 0) != VAL_NONE && !constant))
    return refuse_arguments(c, "not a constant's class: it would reach or make a class");
  return call_built(c, BUILT_RECORD, 0);
}

/* Whatever they are, a named tuple keeps them: its __new__ is tuple's. */
uint32_t build_FIELDS(const struct call *c) { return call_built(c, BUILT_RECORD, 0); }

uint32_t build_FUNCTIONS(const struct call *c) {
  return refuse_arguments(c, "an owner of functions is a value");
}

uint32_t build_NAMESPACE(const struct call *c) {
  if (c->n != 0) return refuse_arguments(c, "arguments where none are written");
  return call_built(c, BUILT_RECORD, 0);
}

/* What copyreg._reconstructor gives the base's __new__ and __init__: nothing to object, to other built-in
 * types the value that the instance is. */
static bool is_base_state(const struct call *c) {
  static const struct {
    const char *base;
    enum value_kind state;
  } bases[] = {{"object", VAL_NONE}, {"dict", VAL_DICT}, {"list", VAL_LIST},  {"tuple", VAL_TUPLE},
               {"str", VAL_TEXT},    {"int", VAL_INT},   {"int", VAL_BIGINT}, {"float", VAL_FLOAT}};
  const struct global *base = value_global(c->m, call_arg(c, 1));
  if (!base || !span_is(base->mapped_module, "builtins")) return false;
  for (size_t i = 0; i < ARRAY_LEN(bases); i++)
    if (span_is(base->mapped_name, bases[i].base) && call_kind(c, 2) == bases[i].state) return true;
  return false;
}

/* copyreg._reconstructor(class, object, None): protocols 0 and 1 instantiate so, and so do some C types. The
 * instance is judged as NEWOBJ of its class would be. */
uint32_t build_RECONSTRUCTOR(const struct call *c) {
  const struct global_row *cls = call_row(c, 0);
  if (c->n != 3 || call_kind(c, 0) != VAL_GLOBAL || !is_base_state(c))
    return refuse_arguments(c, "not (class, object, None), nor (class, a built-in type, its value)");
  if (cls && (cls->cls == GLOBAL_CORE || !is_argument(cls)))
    return refuse_arguments(c, "the class is no plain class");
  if (call_kind(c, 2) == VAL_DICT && !take_items(c, call_arg(c, 2))) return 0;
  machine_give(c->m, call_arg(c, 2));
  return built_new(c->cp, BUILT_RECORD, 0, cls);
}

static bool is_call_of(const struct checkpoint *cp, const struct machine *m, const struct object *o,
                       enum builder builder) {
  const struct global_row *row = row_of(cp, m, callee_global(cp, m, o));
  return row && row->builder == builder;
}

bool is_reconstructed(const struct checkpoint *cp, const struct machine *m, const struct object *o) {
  return is_call_of(cp, m, o, BUILD_RECONSTRUCTOR) && value_count(m, o->args) == 3;
}

bool is_typed(const struct checkpoint *cp, const struct machine *m, const struct object *o) {
  return is_call_of(cp, m, o, BUILD_FROM_TYPE_V2) && value_count(m, o->args) == 4;
}

val_id given_class(const struct checkpoint *cp, const struct machine *m, const struct object *o) {
  if (is_reconstructed(cp, m, o)) return value_item(m, o->args, 0);
  return is_typed(cp, m, o) ? value_item(m, o->args, 1) : 0;
}

uint32_t build_SIZE(const struct call *c) {
  val_id dims = call_arg(c, 0);
  bool fine = c->n == 1 && (kind_of(c->m, dims) == VAL_TUPLE || kind_of(c->m, dims) == VAL_LIST) &&
              spend(c->cp, value_count(c->m, dims), c->at);
  for (uint32_t i = 0; fine && i < value_count(c->m, dims); i++) {
    const struct value *v = value_of(c->m, value_item(c->m, dims, i));
    fine = v->kind == VAL_INT && v->number >= 0;
  }
  machine_give(c->m, dims);
  return fine ? call_built(c, BUILT_SIZE, 0) : refuse_arguments(c, "not a tuple of sizes");
}

/* "cuda" or "cuda:0": torch refuses every other form. */
static bool is_device(struct span text) {
  enum { DEVICE_MAX = 64 };
  size_t i = 0;
  while (i < text.n && is_one_of(text.p[i], SPAN("abcdefghijklmnopqrstuvwxyz0123456789_"))) i++;
  bool named = i > 0 && text.n <= DEVICE_MAX, bare = i == text.n;
  if (named && !bare && text.p[i] == ':' && i + 1 < text.n)
    for (bare = true, i++; bare && i < text.n; i++) bare = text.p[i] >= '0' && text.p[i] <= '9';
  return named && bare;
}

uint32_t build_DEVICE(const struct call *c) {
  uint32_t n = c->n;
  bool fine = (n == 1 || n == 2) && call_is_str(c, 0) && is_device(call_bytes(c, 0)) &&
              (n == 1 || call_kind(c, 1) == VAL_INT);
  return fine ? call_built(c, BUILT_DEVICE, 0) : refuse_arguments(c, "not a device name");
}

uint32_t build_LAYOUT(const struct call *c) {
  static const char *const layouts[] = {"torch.strided",    "torch.sparse_coo", "torch.sparse_csr",
                                        "torch.sparse_csc", "torch.sparse_bsr", "torch.sparse_bsc",
                                        "torch._mkldnn",    "torch.jagged"};
  for (size_t i = 0; c->n == 1 && i < ARRAY_LEN(layouts); i++)
    if (call_is_str(c, 0) && span_is(call_bytes(c, 0), layouts[i]))
      return call_built(c, BUILT_LAYOUT, (uint32_t)i);
  return refuse_arguments(c, "not a layout of torch's");
}

uint32_t build_DTYPE(const struct call *c) { return refuse_arguments(c, "a dtype is a value"); }
uint32_t build_QSCHEME(const struct call *c) {
  return refuse_arguments(c, "a quantisation scheme is a value");
}
uint32_t build_PACKAGE_SCRIPT(const struct call *c) {
  return refuse_arguments(c, "torch.package names it in a persistent id");
}
uint32_t build_STORAGE_CLASS(const struct call *c) {
  return refuse_arguments(c, "calling a storage class allocates memory that nobody filled");
}
uint32_t build_TENSOR_CLASS(const struct call *c) {
  return refuse_arguments(c, "calling a tensor class allocates memory that nobody filled");
}
