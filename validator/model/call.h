/* What the builders share: one call of the program, as it is judged. */
#ifndef CKPTLINT_MODEL_CALL_H
#define CKPTLINT_MODEL_CALL_H

#include "model/checkpoint.h"

struct call {
  struct checkpoint *cp;
  struct machine *m;
  val_id object;
  val_id args;
  uint32_t first;               /* of them that is looked at */
  uint32_t n;                   /* of them, from the first */
  uint32_t at;                  /* offset of the calling opcode */
  const struct global_row *row; /* of the callee; NULL: on no list */
};

static inline val_id call_arg(const struct call *c, uint32_t i) {
  return i < c->n ? value_item(c->m, c->args, c->first + i) : 0;
}
static inline enum value_kind call_kind(const struct call *c, uint32_t i) {
  return kind_of(c->m, call_arg(c, i));
}
static inline struct span call_bytes(const struct call *c, uint32_t i) {
  return value_bytes(c->m, call_arg(c, i));
}
/* A str for whoever is called, where bytes are none: TEXT or PYSTRING. */
static inline bool call_is_str(const struct call *c, uint32_t i) {
  return call_kind(c, i) == VAL_TEXT || call_kind(c, i) == VAL_PYSTRING;
}
/* The row of an argument that is a GLOBAL, or NULL. */
static inline const struct global_row *call_row(const struct call *c, uint32_t i) {
  return row_of(c->cp, c->m, call_arg(c, i));
}
static inline uint32_t call_built(const struct call *c, enum built_kind kind, uint32_t index) {
  return built_new(c->cp, kind, index, c->row);
}

/* To be asked before n values of an argument, or bytes of a text, are looked at. False: the budget is spent
 * (observed), and nothing is refused any more for what was not looked at. */
NODISCARD bool spend(struct checkpoint *cp, uint64_t n, uint32_t at);
static inline bool is_spent(const struct checkpoint *cp) { return cp->steps == cp->max->call_steps; }

/* The arguments are not of the builder's form: observed. Answers the tag of a refused object, as does the
 * other, for what was observed already. */
uint32_t refuse_arguments(const struct call *c, const char *what);
uint32_t refuse_silently(const struct call *c);
/* The same, observed as this kind: with what the list says of the callee, or with a detail of its own. */
uint32_t refuse_call(const struct call *c, enum obs_kind kind);
uint32_t refuse_with(const struct call *c, enum obs_kind kind, struct span detail);
/* A call of what reaches other code: the few forms that only make a value, else refused. */
uint32_t call_indirect(const struct call *c);
/* Is it a class whose objects are kept as data, without a builder of their own? */
bool is_data_class(const struct global_row *row);
/* Is it what a call of such a callee made? */
static inline bool is_attribute(const struct built *b) {
  return b->kind == BUILT_RECORD && b->row && b->row->cls == GLOBAL_INDIRECT && b->row->builder == BUILD_NONE;
}
static inline bool is_partial(const struct built *b) {
  return b->kind == BUILT_RECORD && b->row && b->row->builder == BUILD_PARTIAL;
}
/* build_reached.c: dill's way to numpy's own functions; is it a call of it, what such a call made, and the
 * row of what a call made by getattr or that way is: NULL, not known. */
bool is_dill_form(const struct call *c);
bool is_dill_function(const struct built *b);
const struct global_row *reached_row(const struct checkpoint *cp, const struct machine *m, val_id callee);
/* May BUILD give this partial that state? */
bool is_partial_state(const struct checkpoint *cp, const struct machine *m, val_id partial, val_id state);

/* May a plain call be given this class, type or constant? Not a function: what it is given to might call it.
 */
bool is_argument(const struct global_row *row);

/* Is there no function among the arguments, nor a name that is on no list? */
NODISCARD bool plain_arguments(const struct call *c);
/* Are they None, bools, numbers, texts and bytes, and lists and tuples of those? */
NODISCARD bool literal_arguments(const struct call *c);

/* build_kept.c. A function that is kept as a value, as a record; does this value hold one, however deep? Is
 * it what the process has one of? */
uint32_t call_kept(const struct call *c);
NODISCARD bool keeps_function(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at);
/* The same, or an object that has something to call where a method of its class is looked for: asked for its
 * items, its text or its hash it calls what the file says. */
NODISCARD bool calls_when_asked(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at);
/* Does it hold what ends late or never? A record of builder COUNTED has the index ENDLESS then. */
enum { ENDLESS = 1 };
NODISCARD bool keeps_endless(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at);
/* build_counts.c. Is it an int from least to most? */
bool is_int_within(const struct machine *m, val_id v, int64_t least, int64_t most);
/* Has the index that this call of pandas makes as many rows as a table may have? */
bool counts_rows(const struct call *c);
/* Does this state of a recurrent network name its weights, or count few layers? */
bool names_layers(const struct machine *m, val_id fields);
bool is_shared(const struct global_row *row);
/* build_state.c. A method that loading may call of whatever stands there; a name that Python has a meaning
 * for.
 */
bool is_method_name(struct span name);
bool is_special(struct span name);
/* Of the fields of a torch.nn.Module part i, whose items are attributes of it, too: a dict, or 0. */
enum { MODULE_PARTS = 3 };
val_id module_part(const struct machine *m, val_id fields, uint32_t i);
/* Is it a call of pandas, with the name of a file in place of a time zone's? */
NODISCARD bool names_zone_file(const struct call *c);
bool is_zone_name(struct span key);
/* struct machine_hooks has it as `key`. */
void on_key(void *ctx, const struct machine *m, val_id key, uint32_t at);

/* Is argument i a state as torch saves it with a tensor: None, or a dict of names of which none is special
 * (threats B12, H20), or a pair of those, the second of slots? */
bool plain_attributes(const struct call *c, uint32_t i);
/* "module.name(args…)" for an observation of this kind; empty if it will only be counted. */
struct span describe_call(const struct call *c, enum obs_kind kind);

/* A tuple, list or torch.Size of ints (bool is no int here): *n of them, which may be more than the MAX_DIMS
 * that are read; view_prove refuses those as a limit. */
bool int_tuple(const struct call *c, val_id v, int64_t out[MAX_DIMS], uint32_t *n);
/* The dtype that a GLOBAL `torch.X` at argument i names, or DTYPE_NONE. */
enum dtype dtype_arg(const struct call *c, uint32_t i);
/* Adds the fact and its dims; answers the tag of the tensor. */
uint32_t add_tensor(const struct call *c, struct tensor_fact t, const int64_t *sizes, const int64_t *strides);
/* Understood, its tensors proved, but not all of what it is: not checked, kept as data. */
uint32_t partly_proved(const struct call *c, const char *what);
/* A claim about the contents of tensors. False: a limit, observed. */
NODISCARD bool claim_contents(const struct call *c, const struct contents_fact *claim);
/* NULL, or what is wrong with the quantiser of a tensor of this dtype. */
const char *quantizer_wrong(const struct call *c, enum dtype dtype, val_id params);

/* Reports what a loader would call of a checkpoint inside bytes that are not read: at this call. */
uint64_t judge_file(struct checkpoint *cp, const struct call *place, struct span bytes);
void judge_bytes(const struct call *c, struct span bytes);
/* The same of what is given to a call that is refused, as it may be one that loads. */
void judge_arguments(const struct call *c);

/* Checks the arguments; answers the tag of what was built. */
typedef uint32_t builder_fn(const struct call *c);
#define BUILDER(id, callee, form, says) builder_fn build_##id;
#include "model/builders.def"
#undef BUILDER

/* A dtype that is given to a call: it may not change any more, and one of more than numbers is not checked.
 */
void note_np_dtype(const struct call *c, uint32_t i);
/* BUILD on objects that the builders made. */
void build_np_dtype_state(struct checkpoint *cp, struct machine *m, val_id target, val_id state, uint32_t at);
/* Gives the array of this tag its state: by BUILD, or as an argument. */
void fill_np_array(struct checkpoint *cp, struct machine *m, uint32_t tag, val_id state, uint32_t at);
void build_np_array_state(struct checkpoint *cp, struct machine *m, val_id target, val_id state, uint32_t at);
/* build_equal.c. The text of a numpy scalar of unicode, of which a TEXT is made behind its BYTES. */
struct span np_utf8(const struct call *c, const struct np_dtype *dt, struct span s);
/* struct machine_hooks has it as `equal`. */
val_id on_equal(void *ctx, const struct machine *m, val_id object);
/* The array behind a joblib stand-in, which stands in its place then; 0 (observed): the loader fails. */
val_id build_joblib_array(struct checkpoint *cp, struct machine *m, val_id target, val_id state, uint32_t at);
/* A stand-in for a file beside the pickle: not checked. */
void note_joblib_file(struct checkpoint *cp, const struct machine *m, val_id state, uint32_t at);
/* numpy.ndarray and its kin. */
bool is_array_class(const struct global_row *row);
/* Observes that BUILD, or items, may not do this to its target. */
void refuse_build(struct checkpoint *cp, uint32_t at, const char *target, const char *why);
/* build_graph.c. Is it the state of a layer of PyTorch Geometric, with more than names and types in what it
 * writes a Python module of? */
NODISCARD bool writes_python(struct checkpoint *cp, const struct machine *m, val_id fields, uint32_t at);
/* build_classes.c. NULL, or what the __setstate__ of this class would do with that state. */
const char *class_wrong(struct checkpoint *cp, struct machine *m, const struct global_row *row, val_id state,
                        uint32_t at);
/* Are there items among the arguments that would be methods, if the class makes attributes of them? */
NODISCARD bool makes_methods(const struct call *c);
/* build_state.c: the attributes in a part of a state, 0 if it is no dict; is a function put in the place of a
 * method? */
val_id state_fields(const struct machine *m, val_id part);
NODISCARD bool hides_method(struct checkpoint *cp, const struct machine *m, val_id dict, uint32_t at);
/* build_state.c: struct machine_hooks has them as `build` and `extend`. */
val_id on_build(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at);
void on_extend(void *ctx, struct machine *m, val_id target, enum value_kind how, uint32_t at);

/* Where out->bytes, those of a value, stand in the file, as they are or spelled as text. False: nowhere, or
 * in a member that has a checksum or is spelled itself. Linear in them: not to be asked twice of bytes that
 * are shared.
 */
NODISCARD bool bytes_in_file(const struct checkpoint *cp, const struct machine *m, val_id v,
                             struct spelled *out);
/* Are there two ways to them? Picklers write bytes anew for each object, and those that are used twice would
 * make work twice. */
NODISCARD bool bytes_are_shared(const struct checkpoint *cp, const struct machine *m, val_id v);

/* A dict without items, literal or made by a call. */
bool is_empty_dict(const struct checkpoint *cp, const struct machine *m, val_id v);
/* str to bytes, one byte a code point, as 'latin1' encodes; false when a code point is above 0xff, or the
 * budget is spent. */
NODISCARD bool latin1(const struct call *c, struct span text, struct span *out);
/* BYTES and its kin, or an object that is one: the span. */
NODISCARD bool bytes_of(const struct checkpoint *cp, const struct machine *m, val_id v, struct span *out);

#endif
