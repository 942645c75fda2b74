/* plan_open is what stands between a worker that was taken over and everything that reads the plan: each
 * field that a reader believes is bent here, and what still opens is read to its end. */
#include <math.h>

#include "model/plan_bytes.h"
#include "model/plan_merge.h"
#include "model/quantizer.h"
#include "pickle/decompile.h"
#include "tests/unit/program_bench.h"

/* A checkpoint with something in every table: a state dict whose second tensor is tied to the first, one that
 * is not contiguous, an empty one, a shared list, a record, a bare storage, texts. */
#define TIED_AND_TURNED                                                                               \
  S("a")                                                                                              \
  TENSOR S("b") TENSOR S("t")                                                                         \
      UTILS("_rebuild_tensor_v2", FLOATS I("0") T(I("3") I("2")) T(I("1") I("3")) REST) S("e") UTILS( \
          "_rebuild_tensor_v2", FLOATS I("6") T(I("0") I("5")) T(I("9223372036854775807") I("2")) REST)
static const char program[] =
    ODICT "(" S("model") ODICT "(" TIED_AND_TURNED "u" S("list") LIST(I("1") S("two")) PUT(7) S("again")
        GET(7) S("args") G("argparse", "Namespace") ")" NEWOBJ DICT(S("lr") F("0.5")) BUILD S("store")
            STORAGE("LongStorage", "1", "1") "u";

static uint8_t touched;
static void touch(const void *p, size_t n) {
  for (size_t i = 0; i < n; i++) touched ^= ((const uint8_t *)p)[i];
}
static void touch_text(const struct plan *p, struct plan_text t) {
  struct span s = plan_span(p, t);
  touch(s.p, s.n);
}

static void read_values(const struct plan *p) {
  uint64_t children = 0;
  for (uint32_t i = 0; i < p->num_values; i++) {
    const struct plan_value *v = &p->values[i];
    touch_text(p, v->key);
    touch_text(p, v->text);
    touch_text(p, v->cls);
    assert_true(v->kind < PLAN_VAL_KINDS && plan_resolve(p, i) < p->num_values);
    for (uint32_t c = i + 1; c < v->end; c = p->values[c].end, children++)
      assert_true(c < p->num_values && p->values[c].parent == i && p->values[c].depth == v->depth + 1);
    if (v->kind == PLAN_VAL_TENSOR) touch(&p->tensors[v->number], sizeof *p->tensors);
    if (v->kind == PLAN_VAL_STORAGE) touch(&p->storages[v->number - 1], sizeof *p->storages);
  }
  assert_true(p->num_values == 0 || children == p->num_values - 1); /* each row is one parent's */
}

/* The last element, and the whole run where the flag says that it is one. */
static void read_elements(const struct plan *p, const struct plan_tensor *t, struct span bytes) {
  const uint64_t *size = &p->dims[t->first_dim], *stride = size + t->ndim;
  uint64_t last = t->offset, item = dtype_size((enum dtype)t->dtype),
           packing = dtype_packing((enum dtype)t->dtype);
  if (t->numel == 0) return;
  for (uint32_t i = 0; i < t->ndim; i++) last += (size[i] - 1) * stride[i];
  touch(bytes.p + last / packing * item, item);
  if (t->flags & PLAN_CONTIGUOUS && !(t->flags & PLAN_QUANTIZED))
    touch(bytes.p + t->offset / packing * item, dtype_bytes_for((enum dtype)t->dtype, t->numel));
}

/* Two numbers a channel, for every element. */
static void read_quantizer(struct plan_bytes *storages, const struct plan_tensor *t) {
  struct quantizer q;
  if (!(t->flags & PLAN_QUANTIZED) || !quantizer_read(&q, storages, t)) return;
  touch(q.scale, q.channels * sizeof *q.scale);
  touch(q.zero_point, q.channels * sizeof *q.zero_point);
  if (t->numel == 0) return;
  assert_true(quantizer_channel(&q, t->numel - 1) < q.channels && quantizer_channel(&q, 0) == 0);
}

static void read_tensors(const struct plan *p, struct span file, struct bench *b) {
  struct plan_bytes storages;
  assert_true(plan_bytes_open(&storages, p, file, &b->arena, &b->obs));
  for (uint32_t i = 0; i < p->num_tensors; i++) {
    const struct plan_tensor *t = &p->tensors[i];
    struct span bytes;
    touch_text(p, t->key);
    touch_text(p, t->state_key);
    touch(&p->dims[t->first_dim], 2u * t->ndim * sizeof *p->dims);
    touch(&p->values[t->value], sizeof *p->values);
    assert_true(t->tied <= i);
    read_quantizer(&storages, t);
    if (t->storage == PLAN_NO_STORAGE) continue;
    touch_text(p, p->storages[t->storage - 1].key);
    /* Inflating is the library's business; here what lies in the file. */
    const struct plan_storage *s = &p->storages[t->storage - 1];
    if (s->member && p->members[s->member - 1].method == METHOD_STORED &&
        plan_bytes_read(&storages, t->storage, &bytes))
      read_elements(p, t, bytes);
  }
}

static void read_rest(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_members; i++) touch_text(p, p->members[i].name);
  for (uint32_t i = 0; i < p->num_globals; i++) {
    touch_text(p, p->globals[i].module);
    touch_text(p, p->globals[i].name);
    touch_text(p, p->globals[i].codes);
    assert_true(p->globals[i].uses <= USED_ALL);
    assert_true(p->globals[i].cls < GLOBAL_CLASSES && p->globals[i].member <= p->num_members);
  }
  for (uint32_t i = 0; i < p->num_storages; i++) touch_text(p, p->storages[i].location);
  for (uint32_t i = 0; i < p->num_stats; i++) touch(&p->stats[i], sizeof *p->stats);
  assert_true(p->num_stats == 0 || p->num_stats == p->num_tensors);
  for (uint32_t i = 0; i < p->num_insns; i++) touch_text(p, p->insns[i].text);
  for (uint32_t i = 0; i < p->num_lines; i++) {
    touch_text(p, p->lines[i].code);
    touch_text(p, p->lines[i].comment);
  }
  for (uint32_t i = 0; i < p->num_dicts; i++) {
    const struct plan_dict *d = &p->dicts[i];
    uint32_t found = plan_find(p, plan_span(p, d->path));
    assert_true(found == UINT32_MAX || found < p->num_values);
    for (uint32_t k = 0; k < d->num_entries; k++) {
      const struct plan_entry *e = &p->entries[d->first_entry + k];
      touch_text(p, e->name);
      touch(&p->values[e->value], sizeof *p->values);
      if (e->tensor != UINT32_MAX) touch(&p->tensors[e->tensor], sizeof *p->tensors);
    }
  }
}

static void read_all(const struct plan *p, struct bench *b) {
  read_values(p);
  read_tensors(p, b->file, b);
  read_rest(p);
}

/* ---- the good plan ---- */

enum { ROOM = 1 << 16 };

static void emit(struct bench *b, const struct tensor_stats *stats, size_t region_bytes) {
  const char *why = "";
  free(b->region);
  b->region_bytes = region_bytes;
  b->region = calloc(1, region_bytes);
  assert_non_null(b->region);
  plan_begin(&b->w, b->region, region_bytes);
  plan_emit(&b->cp, &b->w, stats, WITH_INSNS | WITH_LINES);
  plan_end(&b->w, true);
  if (!plan_open(&b->plan, b->region, region_bytes, b->file.n, &why))
    fail_msg("the good plan has wrong %s", why);
}

/* In a region that it fills to the last byte but seven. */
static void emit_tightly(struct bench *b) {
  struct tensor_stats *stats = arena_array(&b->arena, b->cp.tensors.n, struct tensor_stats);
  assert_non_null(stats);
  emit(b, stats, ROOM);
  emit(b, stats, (b->w.low + (b->w.cap - b->w.high) + 7) / 8 * 8);
}

static int set_up(void **state) {
  struct bench *b = malloc(sizeof *b);
  if (!b) return -1;
  bench_run(b, program);
  emit_tightly(b);
  *state = b;
  return 0;
}
static int tear_down(void **state) {
  bench_close(*state);
  free(*state);
  return 0;
}

static void a_good_plan_opens(void **state) {
  struct bench *b = *state;
  const struct plan *p = &b->plan;
  assert_none_of(b, "the good program", EFFECT_UNSAFE);
  assert_true(p->header->complete);
  assert_int_equal(p->num_members, 3);
  assert_int_equal(p->num_tensors, 4);
  assert_int_equal(p->num_stats, 4);
  assert_int_equal(p->num_storages, 2);
  assert_true(p->num_globals > 0 && p->num_insns > 0 && p->num_lines > 0);
  assert_int_equal(p->num_dicts, 1);
  assert_true(span_is(plan_span(p, p->dicts[0].path), "model"));
  assert_int_equal(p->dicts[0].num_entries, 4);
  assert_int_equal(p->tensors[1].tied, 0);
  assert_int_equal(p->tensors[2].tied, 2);
  assert_true(p->tensors[0].flags & PLAN_CONTIGUOUS);
  assert_false(p->tensors[2].flags & PLAN_CONTIGUOUS);
  uint32_t again = plan_find(p, SPAN("again")), list = plan_find(p, SPAN("list"));
  assert_int_equal(p->values[again].kind, PLAN_VAL_SHARED);
  assert_int_equal(plan_resolve(p, again), list);
  assert_true(span_is(plan_span(p, p->values[plan_find(p, SPAN("list/1"))].text), "two"));
  assert_int_equal(plan_find(p, SPAN("args/no")), UINT32_MAX);
  assert_true(p->values[plan_find(p, SPAN("args/lr"))].real > 0.4);
  read_all(p, b);
}

/* ---- every field ---- */

static bool opens(struct bench *b, const uint8_t *region) {
  const char *why = NULL;
  struct plan p;
  bool ok = plan_open(&p, region, b->region_bytes, b->file.n, &why);
  assert_non_null(why);
  if (ok) read_all(&p, b);
  return ok;
}

/* Each 32-bit word of every row of every table, and of the header, set to what overflows, what lies just
 * outside, and to its neighbours: refused, or harmless. */
static void any_word_may_be_anything(void **state) {
  struct bench *b = *state;
  uint8_t *copy = malloc(b->region_bytes);
  uint32_t opened = 0, refused = 0;
  assert_non_null(copy);
  size_t end = b->w.low;
  for (size_t at = 0; at + 4 <= end; at += 4) {
    uint32_t was;
    memcpy(&was, b->region + at, sizeof was);
    const uint32_t words[] = {0,
                              1,
                              2,
                              7,
                              UINT32_MAX,
                              UINT32_MAX - 1,
                              INT32_MAX,
                              1u << 31,
                              ROOM,
                              was ^ 1,
                              was < UINT32_MAX ? was + 1 : 0,
                              was ? was - 1 : UINT32_MAX,
                              was | 1u << 30};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
      memcpy(copy, b->region, b->region_bytes);
      memcpy(copy + at, &words[i], sizeof words[i]);
      if (opens(b, copy))
        opened++;
      else
        refused++;
    }
  }
  free(copy);
  assert_true(refused > 1000 && opened > 1000);
}

static struct bench *mutated;
static void open_mutated(struct span bytes) {
  struct plan p;
  const char *why;
  if (plan_open(&p, bytes.p, bytes.n, mutated->file.n, &why)) read_all(&p, mutated);
}

static void every_prefix_and_bit(void **state) {
  struct bench *b = *state;
  mutated = b;
  check_mutations(b->region, b->region_bytes, open_mutated);
}

/* What must not open, with the table that is named. */
#define BEND(table, row, field, value, why)                                            \
  {                                                                                    \
#table "." #field, PLAN_##table, row, offsetof(struct plan_row_of_##table, field), \
        sizeof(((struct plan_row_of_##table *)0)->field), value, why                   \
  }
#define plan_row_of_members  plan_member
#define plan_row_of_globals  plan_global
#define plan_row_of_storages plan_storage
#define plan_row_of_values   plan_value
#define plan_row_of_tensors  plan_tensor
#define plan_row_of_dicts    plan_dict
#define plan_row_of_entries  plan_entry
#define plan_row_of_insns    plan_insn
#define plan_row_of_lines    plan_line
static const struct bend {
  const char *name;
  enum plan_table table;
  uint32_t row;
  size_t at, size;
  uint64_t value;
  const char *why;
} bends[] = {
    BEND(members, 0, name.n, ROOM, "members"),
    BEND(members, 1, data_at, 1 << 20, "members"),
    BEND(members, 1, csize, 1 << 20, "members"),
    BEND(members, 1, csize, UINT64_MAX, "members"),
    BEND(globals, 0, module.at, UINT32_MAX, "globals"),
    BEND(globals, 0, name.n, UINT32_MAX, "globals"),
    BEND(globals, 0, cls, GLOBAL_CLASSES, "globals"),
    BEND(globals, 0, uses, USED_ALL + 1, "globals"),
    BEND(globals, 0, codes.n, UINT32_MAX, "globals"),
    BEND(globals, 0, member, 4, "globals"),
    BEND(members, 1, spelling, SPELLINGS, "storages"),
    BEND(members, 1, csize, 1, "storages"), /* neither stored nor text: longer unpacked */
    BEND(storages, 0, key.at, 0, "storages"),
    BEND(storages, 0, location.n, ROOM, "storages"),
    BEND(storages, 0, dtype, DTYPE_NONE, "storages"),
    BEND(storages, 0, dtype, DTYPE_COUNT, "storages"),
    BEND(storages, 0, member, 4, "storages"),
    BEND(storages, 0, member, 0, "storages"), /* bytes of no member */
    BEND(storages, 0, bytes, 25, "storages"),
    BEND(storages, 0, at, 1, "storages"),
    BEND(storages, 0, at, UINT64_MAX, "storages"),
    BEND(members, 1, method, 12, "storages"),
    BEND(members, 1, size, 25, "storages"), /* a stored member has one length */
    BEND(values, 0, kind, PLAN_VAL_KINDS, "values"),
    BEND(values, 0, parent, 1, "values"),
    BEND(values, 0, depth, 1, "values"),
    BEND(values, 0, end, 3, "values"),
    BEND(values, 1, parent, 1, "values"),
    BEND(values, 2, parent, 0, "values"), /* inside its sibling */
    BEND(values, 1, end, 1, "values"),
    BEND(values, 1, end, UINT32_MAX, "values"),
    BEND(values, 2, depth, 9, "values"),
    BEND(values, 2, key.n, ROOM, "values"),
    BEND(values, 2, number, 4, "values"), /* a tensor that is not there */
    BEND(values, 2, number, UINT64_MAX, "values"),
    BEND(tensors, 0, key.at, 8, "tensors"),
    BEND(tensors, 0, state_key.n, ROOM, "tensors"),
    BEND(tensors, 0, storage, 3, "tensors"),
    BEND(tensors, 0, first_dim, 14, "tensors"),
    BEND(tensors, 0, first_dim, UINT32_MAX, "tensors"),
    BEND(tensors, 0, ndim, 65, "tensors"),
    BEND(tensors, 0, ndim, UINT32_MAX, "tensors"),
    BEND(tensors, 0, dtype, DTYPE_NONE, "tensors"),
    BEND(tensors, 0, dtype, DTYPE_COUNT, "tensors"),
    BEND(tensors, 0, dtype, DTYPE_F64, "tensors"),   /* twice the bytes */
    BEND(tensors, 0, dtype, DTYPE_QU4X2, "tensors"), /* packed, and not said to be */
    BEND(tensors, 0, tied, 1, "tensors"),
    BEND(tensors, 0, value, 1000, "tensors"),
    BEND(tensors, 0, offset, 1, "tensors"),
    BEND(tensors, 0, offset, UINT64_MAX, "tensors"),
    BEND(tensors, 0, numel, 7, "tensors"),
    BEND(tensors, 0, flags, PLAN_CONTIGUOUS | PLAN_UNPROVED, "tensors"),
    BEND(tensors, 0, flags, PLAN_META, "tensors"),
    BEND(tensors, 0, flags, PLAN_QUANTIZED, "tensors"),
    BEND(tensors, 2, flags, PLAN_CONTIGUOUS, "tensors"), /* turned */
    BEND(tensors, 0, layout, LAYOUT_COO, "tensors"),     /* sparse, and not said to be */
    BEND(tensors, 0, layout, LAYOUT_COUNT, "tensors"),
    BEND(dicts, 0, path.n, ROOM, "dicts"),
    BEND(dicts, 0, value, 1000, "dicts"),
    BEND(dicts, 0, joined, 2, "dicts"),
    BEND(dicts, 0, first_entry, 1, "dicts"),
    BEND(dicts, 0, first_entry, UINT32_MAX, "dicts"),
    BEND(dicts, 0, num_entries, 5, "dicts"),
    BEND(dicts, 0, num_entries, UINT32_MAX, "dicts"),
    BEND(entries, 0, name.n, ROOM, "dicts"),
    BEND(entries, 0, tensor, 4, "dicts"),
    BEND(entries, 0, value, 1000, "dicts"),
    BEND(insns, 0, text.n, ROOM, "instructions"),
    BEND(insns, 0, opcode, 256, "instructions"),
    BEND(insns, 0, member, 4, "instructions"),
    BEND(lines, 0, code.n, ROOM, "lines"),
    BEND(lines, 0, comment.at, UINT32_MAX, "lines"),
    BEND(lines, 0, kind, STATEMENT_KINDS, "lines"),
    BEND(lines, 0, reason, OBS_COUNT, "lines"),
    BEND(lines, 0, member, 4, "lines"),
};

static void bent_fields_are_refused(void **state) {
  struct bench *b = *state;
  static const size_t row_size[] = {
#define SIZE(field, type) [PLAN_##field] = sizeof(type),
      PLAN_TABLES(SIZE)
#undef SIZE
  };
  for (size_t i = 0; i < ARRAY_LEN(bends); i++) {
    const struct bend *x = &bends[i];
    const struct plan_extent *t = &b->plan.header->table[x->table];
    uint8_t *p = b->region + t->at + x->row * row_size[x->table] + x->at;
    uint8_t was[8];
    struct plan plan;
    const char *why = "nothing";
    assert_true(x->row < t->n);
    memcpy(was, p, x->size);
    memcpy(p, &x->value, x->size); /* little-endian, as the machine */
    if (plan_open(&plan, b->region, b->region_bytes, b->file.n, &why))
      fail_msg("%s = %llu opens", x->name, (unsigned long long)x->value);
    if (strcmp(why, x->why) != 0)
      fail_msg("%s = %llu: %s is blamed", x->name, (unsigned long long)x->value, why);
    memcpy(p, was, x->size);
  }
}

static void the_header_is_proved(void **state) {
  struct bench *b = *state;
  struct plan_header *h = (struct plan_header *)(void *)b->region, good = *h;
  struct plan p;
  const char *why;
  assert_false(plan_open(&p, b->region, sizeof *h - 1, b->file.n, &why));
  assert_false(plan_open(&p, b->region, 0, b->file.n, &why));
  h->magic[0] ^= 1;
  assert_false(opens(b, b->region));
  *h = good;
  h->kind = CONTAINER_KINDS;
  assert_false(opens(b, b->region));
  *h = good;
  h->text_bytes++;
  assert_false(opens(b, b->region));
  *h = good;
  h->text_at = 8;
  assert_false(opens(b, b->region));
  for (uint32_t i = 0; i < PLAN_TABLE_COUNT; i++) {
    const uint64_t places[] = {0, 4, good.table[i].at + 4, ROOM, UINT64_MAX - 7};
    const uint64_t counts[] = {ROOM, UINT32_MAX, UINT64_MAX, UINT64_MAX / 8};
    for (size_t k = 0; k < ARRAY_LEN(places); k++) {
      *h = good;
      h->table[i].at = places[k];
      assert_false(opens(b, b->region));
    }
    for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
      *h = good;
      h->table[i].n = counts[k];
      assert_false(opens(b, b->region));
    }
  }
  *h = good;
  assert_true(opens(b, b->region));
}

/* A member may be cut off the file between the two processes. */
static void a_shorter_file_is_refused(void **state) {
  struct bench *b = *state;
  struct plan p;
  const char *why;
  assert_false(plan_open(&p, b->region, b->region_bytes, b->file.n - 1, &why));
  assert_string_equal(why, "members");
}

/* ---- quantisers, in the values below their tensors ---- */

#define QINTS(params)       \
  UTILS("_rebuild_qtensor", \
        STORAGE("QInt8Storage", "1", "8") I("0") T(I("2") I("3")) T(I("3") I("1")) T(params) REST)
#define CHANNELS G("torch", "per_channel_affine")
#define SCALES   UTILS("_rebuild_tensor_v2", FLOATS I("1") T(I("3")) T(I("1")) REST)
static const char quantized[] = DICT(S("w") QINTS(G("torch", "per_tensor_affine") F("0.5") I("-3")) S("c")
                                         QINTS(CHANNELS LIST(F("0.25") F("0.5")) LIST(I("4") I("5")) I("0"))
                                             S("t") QINTS(CHANNELS SCALES LIST(I("1") I("2") I("3")) I("1")));

static double real_of(struct bench *b, const char *key, uint64_t element, double integer) {
  struct plan_bytes storages;
  struct quantizer q;
  uint32_t row = plan_find(&b->plan, span_str(key));
  assert_true(row != UINT32_MAX && plan_bytes_open(&storages, &b->plan, b->file, &b->arena, &b->obs));
  assert_true(quantizer_read(&q, &storages, &b->plan.tensors[b->plan.values[row].number]));
  return (double)quantizer_real(&q, quantizer_channel(&q, element), integer);
}

static void quantizers_are_read(void **state) {
  struct bench *b = *state;
  assert_true(real_of(b, "w", 5, 1) == 2);   /* (1 + 3) * 0.5 */
  assert_true(real_of(b, "c", 2, 8) == 1);   /* the first row: (8 - 4) * 0.25 */
  assert_true(real_of(b, "c", 3, 8) == 1.5); /* the second: (8 - 5) * 0.5 */
  float scale;
  memcpy(&scale, b->file.p + b->plan.members[1].data_at + 3 * sizeof scale, sizeof scale);
  assert_true(real_of(b, "t", 2, 8) == 5 * (double)scale); /* the last column: its scale is the view's last */
  assert_true(real_of(b, "t", 5, 8) == 5 * (double)scale);
}

static struct plan_value *value_at(struct bench *b, const char *path) {
  return (struct plan_value *)(uintptr_t)&b->plan.values[plan_find(&b->plan, span_str(path))];
}

static bool wrong_quantizer(struct bench *b) {
  struct plan p;
  const char *why = "";
  return !plan_open(&p, b->region, b->region_bytes, b->file.n, &why) && strcmp(why, "quantizers") == 0;
}

static void quantizers_are_proved(void **state) {
  struct bench *b = *state;
  static const struct {
    const char *path;
    int64_t number;
    enum plan_value_kind kind;
  } wrong[] = {
      {"w/scale", 0, PLAN_VAL_NONE},         {"w/scale", 0, PLAN_VAL_BOOL},
      {"w/zero_point", 0, PLAN_VAL_TEXT},    {"c/scales", 0, PLAN_VAL_INT},
      {"c/scales", 0, PLAN_VAL_TENSOR}, /* "w": six integers */
      {"c/scales/1", 0, PLAN_VAL_NONE},      {"c/zero_points/0", 0, PLAN_VAL_DICT},
      {"c/axis", 2, PLAN_VAL_INT},           {"c/axis", -1, PLAN_VAL_INT},
      {"c/axis", 0, PLAN_VAL_FLOAT},         {"t/axis", 0, PLAN_VAL_INT}, /* three scales for two rows */
      {"t/zero_points", 0, PLAN_VAL_RECORD},
  };
  for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
    struct plan_value *v = value_at(b, wrong[i].path), was = *v;
    v->kind = wrong[i].kind;
    v->number = wrong[i].number;
    if (!wrong_quantizer(b)) fail_msg("%s opens", wrong[i].path);
    *v = was;
  }
  value_at(b, "w/scale")->real = (double)INFINITY;
  assert_true(wrong_quantizer(b));
  value_at(b, "w/scale")->real = 0.5;
  assert_true(opens(b, b->region));
}

static int set_up_quantized(void **state) {
  struct bench *b = malloc(sizeof *b);
  if (!b) return -1;
  bench_run(b, quantized);
  *state = b;
  emit_tightly(b);
  return 0;
}

/* ---- plans that no scan writes, to keep the broker busy ---- */

enum { CHILDREN = 20000, WORK_REGION = 8 << 20 };

/* So many quantised tensors that have one value in common, which has CHILDREN children; a key and a location
 * of so many bytes. */
static const char *open_made(uint32_t tensors, size_t key, size_t location) {
  static char text[8192];
  struct plan_writer w;
  struct plan p;
  const char *why = "nothing";
  void *region = calloc(1, WORK_REGION);
  assert_non_null(region);
  memset(text, 'k', sizeof text);
  plan_begin(&w, region, WORK_REGION);
  struct plan_storage *s = plan_row(&w, PLAN_storages, sizeof *s);
  *s = (struct plan_storage){.location = plan_put(&w, span_of(text, location), location), .dtype = DTYPE_QI8};
  for (uint32_t i = 0; i < CHILDREN + 2; i++) {
    struct plan_value *v = plan_row(&w, PLAN_values, sizeof *v);
    *v = (struct plan_value){.kind = i > 1    ? PLAN_VAL_INT
                                     : i == 1 ? PLAN_VAL_TENSOR
                                              : PLAN_VAL_DICT,
                             .parent = i > 1,
                             .depth = (uint16_t)min_u64(i, 2),
                             .end = i > 1 ? i + 1 : CHILDREN + 2};
    if (i == CHILDREN) v->key = plan_put(&w, span_of(text, key), key);
  }
  for (uint32_t i = 0; i < tensors; i++) {
    struct plan_tensor *row = plan_row(&w, PLAN_tensors, sizeof *row);
    *row = (struct plan_tensor){.value = 1, .dtype = DTYPE_QI8, .numel = 1, .flags = PLAN_QUANTIZED};
  }
  plan_end(&w, true);
  assert_true(!w.full);
  if (plan_open(&p, region, WORK_REGION, 1, &why)) why = "nothing";
  free(region);
  return why;
}

static void no_plan_keeps_the_broker_busy(void **state) {
  (void)state;
  assert_string_equal(open_made(100, 4096, 128), "nothing");
  assert_string_equal(open_made(CHILDREN, 1, 1), "quantizers");
  assert_string_equal(open_made(1, 4097, 1), "values");
  assert_string_equal(open_made(1, 1, 129), "storages");
}

/* ---- one plan over two files ---- */

static bool merge_twice(struct bench *b, void *region, size_t size, struct plan *out) {
  const struct merge_part parts[] = {
      {.name = SPAN("a.pt"), .file = SPAN("a.pt"), .plan = &b->plan},
      {.name = SPAN("b.pt"), .file = SPAN("b.pt"), .plan = &b->plan, .base = b->file.n}};
  struct plan_writer w;
  const char *why = "";
  memset(region, 0, size);
  plan_begin(&w, region, size);
  bool whole = plan_merge(&w, &b->arena, parts, ARRAY_LEN(parts));
  plan_settle(&w);
  plan_end(&w, whole);
  if (!plan_open(out, region, size, 2 * (uint64_t)b->file.n, &why)) fail_msg("merged plan: wrong %s", why);
  assert_int_equal(whole, out->header->complete);
  return whole;
}

static struct span first_bytes(struct bench *b, const struct plan *p, struct span file, uint32_t tensor) {
  struct plan_bytes storages;
  struct span bytes;
  assert_true(plan_bytes_open(&storages, p, file, &b->arena, &b->obs));
  assert_true(plan_bytes_read(&storages, p->tensors[tensor].storage, &bytes));
  return bytes;
}

static void two_plans_become_one(void **state) {
  struct bench *b = *state;
  uint8_t *region = malloc(ROOM), *twice = malloc(2 * b->file.n);
  struct plan p;
  assert_true(region && twice);
  memcpy(twice, b->file.p, b->file.n);
  for (size_t i = 0; i < b->file.n; i++) twice[b->file.n + i] = (uint8_t)~b->file.p[i];
  assert_true(merge_twice(b, region, ROOM, &p));
  read_values(&p);
  read_tensors(&p, span_of(twice, 2 * b->file.n), b);
  read_rest(&p);
  const struct plan_dict *part = b->plan.dicts;
  uint32_t n = b->plan.num_tensors;
  assert_int_equal(p.num_tensors, 2 * n);
  assert_int_equal(p.num_dicts, 1);
  assert_int_equal(p.dicts->num_entries, 2 * part->num_entries);
  assert_int_equal(p.dicts->numel, 2 * part->numel);
  for (uint32_t i = 0; i < p.dicts->num_entries; i++) {
    const struct plan_entry *e = &p.entries[i],
                            *was = &b->plan.entries[part->first_entry + i % part->num_entries];
    assert_true(span_eq(plan_span(&p, e->name), plan_span(&b->plan, was->name)));
    assert_int_equal(e->tensor, was->tensor + (i < part->num_entries ? 0 : n));
  }
  struct span first = first_bytes(b, &p, span_of(twice, 2 * b->file.n), 0),
              second = first_bytes(b, &p, span_of(twice, 2 * b->file.n), n);
  assert_true(first.n == second.n && first.n > 0);
  for (size_t i = 0; i < first.n; i++) assert_int_equal(first.p[i], (uint8_t)~second.p[i]);
  assert_true(span_is(plan_span(&p, p.values[plan_find(&p, SPAN("b.pt"))].key), "b.pt"));
  free(region);
  free(twice);
}

/* A part that is one entry, beside a tensor of which only the form is known. */
static void parts_become_entries(void **state) {
  struct bench *b = *state;
  uint8_t *region = calloc(1, ROOM);
  static const uint64_t sizes[] = {4, 6};
  const struct merge_part parts[] = {
      {.name = SPAN("m.w"),
       .entry = SPAN("w"),
       .group = SPAN("m"),
       .whole = true,
       .form = {.dtype = DTYPE_F32, .ndim = 2, .sizes = sizes, .numel = 24}},
      {.name = SPAN("o"), .entry = SPAN("o"), .file = SPAN("f!o"), .whole = true, .plan = &b->plan}};
  struct plan_writer w;
  struct plan p;
  const char *why = "";
  assert_non_null(region);
  plan_begin(&w, region, ROOM);
  assert_true(plan_merge(&w, &b->arena, parts, ARRAY_LEN(parts)));
  plan_end(&w, true);
  if (!plan_open(&p, region, ROOM, b->file.n, &why)) fail_msg("merged plan: wrong %s", why);
  assert_int_equal(p.num_tensors, 1 + b->plan.num_tensors);
  assert_int_equal(p.num_values, 2 + b->plan.num_values);
  assert_int_equal(p.num_dicts, 2);
  assert_true(span_is(plan_span(&p, p.dicts[0].path), "m"));
  assert_int_equal(p.dicts[0].numel, 24);
  assert_true(span_is(plan_span(&p, p.entries[0].name), "w") && p.entries[0].tensor == 0);
  const struct plan_tensor *t = p.tensors;
  assert_true(t->flags == PLAN_META && t->storage == 0 && t->numel == 24);
  assert_true(p.dims[0] == 4 && p.dims[1] == 6 && p.dims[2] == 6 && p.dims[3] == 1);
  assert_true(span_is(plan_span(&p, t->state_key), "w"));
  assert_true(span_starts(plan_span(&p, p.members[0].name), SPAN("f!o!")));
  assert_true(span_starts(plan_span(&p, t[1].key), SPAN("o/")));
  assert_int_equal(p.entries[1].value, 2);
  free(region);
}

/* Whatever the room, what is there opens, and only the whole is called whole. */
static void a_merge_that_does_not_fit_opens(void **state) {
  struct bench *b = *state;
  uint8_t *region = malloc(ROOM);
  struct plan p;
  uint32_t whole = 0;
  assert_non_null(region);
  for (size_t size = sizeof(struct plan_header); size <= ROOM; size += 40)
    whole += merge_twice(b, region, size, &p);
  assert_true(whole > 0 && whole < ROOM / 40);
  free(region);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define WITH_PLAN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
      WITH_PLAN(a_good_plan_opens),
      WITH_PLAN(any_word_may_be_anything),
      WITH_PLAN(every_prefix_and_bit),
      WITH_PLAN(bent_fields_are_refused),
      WITH_PLAN(the_header_is_proved),
      cmocka_unit_test(no_plan_keeps_the_broker_busy),
      WITH_PLAN(a_shorter_file_is_refused),
      WITH_PLAN(two_plans_become_one),
      WITH_PLAN(a_merge_that_does_not_fit_opens),
      WITH_PLAN(parts_become_entries),
#define WITH_QUANTIZED(test) cmocka_unit_test_setup_teardown(test, set_up_quantized, tear_down)
      WITH_QUANTIZED(quantizers_are_read),
      WITH_QUANTIZED(quantizers_are_proved),
      WITH_QUANTIZED(any_word_may_be_anything),
      WITH_QUANTIZED(every_prefix_and_bit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
