/* joblib's arrays (format-spec G.5). joblib.dump writes a stand-in for each array, and behind the BUILD of
 * the stand-in its bytes, right in the stream; joblib.load reads both and leaves the array on the stack.
 * Other unpicklers go on with the bytes as opcodes. */
#include "model/call.h"
#include "model/folder.h"
#include "model/load_plain.h"

enum { ALIGNMENT = 16, PADDING = 0xff };

struct stand_in {
  const struct np_dtype *dtype;
  uint64_t sizes[MAX_DIMS];
  uint32_t ndim;
  bool fortran_order, padded;
  uint64_t bytes;
};

uint32_t build_JOBLIB_ARRAY(const struct call *c) { return call_built(c, BUILT_RECORD, 0); }
uint32_t build_JOBLIB_FILE(const struct call *c) { return call_built(c, BUILT_RECORD, 0); }

/* ---- what the state says: NULL, or what is wrong with it ---- */

static const char *read_shape(const struct machine *m, val_id shape, struct stand_in *s) {
  s->ndim = value_count(m, shape);
  s->bytes = s->dtype->size;
  if (kind_of(m, shape) != VAL_TUPLE || s->ndim >= MAX_DIMS) return "a shape that is no tuple of sizes";
  for (uint32_t i = 0; i < s->ndim; i++) {
    const struct value *v = value_of(m, value_item(m, shape, i));
    if (v->kind != VAL_INT || v->number < 0) return "a shape with a size that is negative or no int";
    s->sizes[i] = (uint64_t)v->number;
    if (!try_mul(s->bytes, s->sizes[i], &s->bytes)) return "a shape whose bytes overflow";
  }
  return NULL;
}

/* Anything but None is an alignment to joblib, and 16 is all that it writes; joblib up to 1.1 had none. */
static const char *read_alignment(const struct machine *m, val_id alignment, struct stand_in *s) {
  const struct value *v = value_of(m, alignment);
  s->padded = v->kind == VAL_INT && v->number == ALIGNMENT;
  return s->padded || v->kind == VAL_ABSENT || v->kind == VAL_NONE ? NULL : "an alignment that is not 16";
}

/* Are the attributes those that joblib writes? One more may stand for a method: of `read` joblib calls
 * whatever the state says, and the bytes that no array took are opcodes. */
static bool are_attributes(const struct machine *m, val_id state) {
  static const char *const names[] = {"allow_mmap", "dtype", "numpy_array_alignment_bytes",
                                      "order",      "shape", "subclass"};
  bool fine = true;
  for (uint32_t i = 0; fine && i < value_count(m, state); i += 2) {
    val_id key = value_item(m, state, i);
    fine = false;
    for (size_t k = 0; kind_of(m, key) == VAL_TEXT && k < ARRAY_LEN(names); k++)
      fine = fine || span_is(value_bytes(m, key), names[k]);
  }
  return fine;
}

static const char *read_state(struct checkpoint *cp, const struct machine *m, val_id state, uint32_t at,
                              struct stand_in *s) {
  enum { LOOK_UPS = 11 };
  if (kind_of(m, state) != VAL_DICT || !spend(cp, (uint64_t)LOOK_UPS * value_count(m, state), at))
    return "a state that is no dict";
  if (!are_attributes(m, state)) return "an attribute that joblib does not write";
  struct span order = value_bytes(m, dict_get(m, state, "order"));
  s->dtype = use_np_dtype(cp, m, dict_get(m, state, "dtype"));
  s->fortran_order = span_is(order, "F");
  if (!is_array_class(row_of(cp, m, dict_get(m, state, "subclass"))))
    return "a class that is not numpy.ndarray";
  if (!s->fortran_order && !span_is(order, "C")) return "an order that is neither 'C' nor 'F'";
  if (!s->dtype) return "a dtype that is none";
  if (!s->dtype->fixed && !s->dtype->objects) return "a number with fields, which may be pointers";
  const char *wrong = read_shape(m, dict_get(m, state, "shape"), s);
  return wrong ? wrong : read_alignment(m, dict_get(m, state, "numpy_array_alignment_bytes"), s);
}

/* ---- the bytes ---- */

/* One byte that counts the others. joblib reads over whatever stands there. */
static bool take_padding(struct checkpoint *cp, struct machine *m, uint32_t at) {
  struct span count, padding;
  if (!machine_take_raw(m, 1, at, &count) || !machine_take_raw(m, count.p[0], at, &padding)) return false;
  bool fine = padding.n >= 1 && padding.n <= ALIGNMENT;
  for (size_t i = 0; i < padding.n; i++) fine = fine && padding.p[i] == PADDING;
  if (!fine) refuse_build(cp, at, "a joblib array", "padding that is not 1 to 16 bytes of 0xff");
  return true;
}

static uint32_t array_of_bytes(struct checkpoint *cp, struct machine *m, struct stand_in *s, uint32_t at) {
  struct span bytes;
  struct plain_claim claim = {.key = arena_printf(cp->arena, "array+%#x", at),
                              .sizes = s->sizes,
                              .ndim = s->ndim,
                              .fortran_order = s->fortran_order,
                              .big_endian = s->dtype->big_endian,
                              .member = m->member,
                              .bytes = s->bytes,
                              .said_at = at};
  if (s->padded && !take_padding(cp, m, at)) return 0;
  if (!s->padded && s->bytes) cp->ambiguous = true;
  claim.at = m->in.at;
  if (!machine_take_raw(m, s->bytes, at, &bytes)) return 0;
  plain_items(&claim, s->sizes, s->dtype->kind, s->dtype->size);
  uint32_t number = plain_tensor(cp, &claim);
  return number ? built_new(cp, BUILT_TENSOR, number - 1, NULL) : 0;
}

/* An array of objects is a pickle of its own, which joblib gives to pickle.load: no array stands in that. */
static uint32_t array_of_objects(struct checkpoint *cp, struct machine *m, uint32_t at) {
  struct span ignored, rest = m->in.left;
  uint64_t from = cp->container->members[m->member - 1].data_at + m->in.at;
  struct span name = arena_printf(cp->arena, "objects+%#llx", (unsigned long long)from);
  const struct member *rec = load_section(cp, name, from, rest.n);
  uint32_t number = rec ? member_number(cp->container, rec) : 0, index = cp->programs.n;
  cp->ambiguous = true;
  if (!number) return 0;
  cp->raw_arrays = false;
  const struct program *p = run_aside(cp, number, rest);
  cp->raw_arrays = true;
  cp->member = m->member;
  if (!p || !p->machine.stopped) return 0;
  load_section_end(cp, number, p->machine.in.at);
  return machine_take_raw(m, p->machine.in.at, at, &ignored) ? built_new(cp, BUILT_PROGRAM, index, NULL) : 0;
}

val_id build_joblib_array(struct checkpoint *cp, struct machine *m, val_id target, val_id state,
                          uint32_t at) {
  struct stand_in s = {.ndim = 0};
  const char *wrong = read_state(cp, m, state, at, &s);
  if (wrong) { /* where its bytes end, nobody can say; those of objects are a pickle all the same */
    refuse_build(cp, at, "a joblib array", wrong);
    judge_rest(cp, m->member, m->in.at, m->in.left);
    return 0;
  }
  uint32_t tag = s.dtype->objects ? array_of_objects(cp, m, at) : array_of_bytes(cp, m, &s, at);
  return tag ? machine_new_object(m, target, tag, at) : 0;
}

/* Before joblib 0.10 each array was a file beside the pickle. */
void note_joblib_file(struct checkpoint *cp, const struct machine *m, val_id state, uint32_t at) {
  struct span name = value_bytes(m, dict_get(m, state, "filename"));
  bool beside = folder_plain_name(name);
  observe(cp->obs, (struct observation){.kind = beside ? OBS_JOBLIB_FILE : OBS_JOBLIB_PATH,
                                        .member = cp->member,
                                        .at = at,
                                        .subject = span_first(name, OBS_TEXT_MAX)});
}
