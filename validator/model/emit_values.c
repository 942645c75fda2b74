/* The value graph as a tree in preorder, by an iterative walk. Shared containers without tensors are written
 * once; those with tensors again at every path, since each path is a key, within a budget that follows the
 * size of the graph, so that a doubling graph ends early. */
#include "model/checkpoint.h"

enum {
  PATH_MAX_BYTES = 4096,
  EXPAND_FACTOR = 16,
  EXPAND_FLOOR = 4096,
  SCRATCH = DESCRIBE_MAX,
  CLASS_PART = 512
};

/* The children of a value, in the order of the program. */
enum segment_kind { SEGMENT_ITEMS, SEGMENT_ARGS, SEGMENT_PAIRS, SEGMENT_STATE, SEGMENT_PARTS, SEGMENT_KEY };
struct segment {
  enum segment_kind kind;
  val_id v;   /* PARTS: the object, a tensor; KEY: the dict key that the record stands under */
  uint32_t n; /* children in it */
};
enum { SEGMENTS_MAX = 8 };

struct frame {
  val_id v;
  val_id outer; /* 0, or the object whose value v is, in another program, to which the walk goes back then */
  uint32_t outer_program;
  uint32_t row, tensors_before;
  uint32_t segment, next; /* where the walk stands */
  size_t path_n;          /* of this value's path */
  uint32_t num_segments;
  struct segment segments[SEGMENTS_MAX];
};

struct seen_value {
  uint32_t row; /* 1 + row of the first appearance; 0: not yet */
  bool open;    /* on the path that is being walked */
  bool has_tensors;
};

/* What is known of a program; nothing until the walk comes to it. */
struct tables {
  struct seen_value *seen; /* by val_id; of what may be shared alone, so that most of it is never touched */
  struct plan_text *class_names; /* by global: each is written once */
};

struct walk {
  struct checkpoint *cp;
  struct plan_writer *w;
  struct tables *tables; /* by program */
  uint32_t program;      /* whose values are walked: its machine and its tables are */
  const struct machine *m;
  struct seen_value *seen;
  struct plan_text *class_names;
  VEC(struct frame) frames;
  struct tensor_paths *tensors;
  uint8_t path[PATH_MAX_BYTES];
  size_t path_n; /* may exceed the bytes kept: then it is too long to name a tensor */
  uint64_t budget;
  bool cut;
};

/* ---- children ---- */

static void add_segment(const struct machine *m, struct frame *f, enum segment_kind kind, val_id v) {
  uint32_t n = value_count(m, v);
  if (kind == SEGMENT_PAIRS) n /= 2;
  if (v && n && f->num_segments < SEGMENTS_MAX) f->segments[f->num_segments++] = (struct segment){kind, v, n};
}

static bool is_items(enum value_kind k) {
  return k == VAL_DICT || k == VAL_LIST || k == VAL_TUPLE || k == VAL_SET || k == VAL_FROZENSET;
}

/* A list, tuple or dict as whatever it is. */
static void add_container(const struct machine *m, struct frame *f, val_id v) {
  enum value_kind k = kind_of(m, v);
  if (is_items(k)) add_segment(m, f, k == VAL_DICT ? SEGMENT_PAIRS : SEGMENT_ITEMS, v);
}

/* The attributes of a part of a state: a dict, also one made by a call. */
static val_id fields_of(const struct checkpoint *cp, const struct machine *m, val_id part) {
  const struct built *b = built_of(cp, m, part);
  return b && b->kind == BUILT_DICT ? value_object(m, part)->items : part;
}

/* A state: attributes, or (attributes, slots), or whatever __setstate__ of the class would take. */
static void add_state(const struct checkpoint *cp, const struct machine *m, struct frame *f, val_id state) {
  bool slots = kind_of(m, state) == VAL_TUPLE && value_count(m, state) == 2 &&
               kind_of(m, fields_of(cp, m, value_item(m, state, 1))) == VAL_DICT;
  for (uint32_t i = 0; i < (slots ? 2 : 1); i++) {
    val_id part = fields_of(cp, m, slots ? value_item(m, state, i) : state);
    bool whole = value_count(m, part) == 0 && kind_of(m, part) != VAL_NONE && !is_items(kind_of(m, part));
    if (part && whole && f->num_segments < SEGMENTS_MAX)
      f->segments[f->num_segments++] = (struct segment){SEGMENT_STATE, part, 1};
    add_container(m, f, part);
  }
}

/* Of more states than picklers write (observed) the first few. */
static void add_record(const struct checkpoint *cp, const struct machine *m, struct frame *f,
                       const struct object *o, bool with_args) {
  enum { STATES = 2 };
  if (with_args) add_segment(m, f, SEGMENT_ARGS, o->args);
  for (uint32_t i = 0; i < value_count(m, o->states) && i < STATES; i++)
    add_state(cp, m, f, value_item(m, o->states, i));
  add_segment(m, f, SEGMENT_PAIRS, o->items);
  add_segment(m, f, SEGMENT_ITEMS, o->appended);
}

/* Of an object that is a tensor. */
static const struct tensor_fact *fact_of(const struct checkpoint *cp, const struct machine *m, val_id v) {
  return &cp->tensors.p[built_of(cp, m, v)->index];
}

static void add_object(const struct checkpoint *cp, const struct machine *m, struct frame *f, val_id v) {
  const struct object *o = value_object(m, v);
  const struct built *b = built_of(cp, m, v);
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_DICT: add_segment(m, f, SEGMENT_PAIRS, o->items); return;
  case BUILT_LIST:
  case BUILT_SET:
  case BUILT_SIZE:
    if (value_count(m, o->args)) add_container(m, f, value_item(m, o->args, 0));
    add_segment(m, f, SEGMENT_ITEMS, o->appended);
    return;
  case BUILT_NOTHING:
  case BUILT_UNREAD:
  case BUILT_REFUSED: add_record(cp, m, f, o, true); return;
  case BUILT_RECORD:
    if (is_reconstructed(cp, m, o) && kind_of(m, value_item(m, o->args, 2)) == VAL_LIST)
      add_container(m, f, value_item(m, o->args, 2));
    add_record(cp, m, f, o, !is_reconstructed(cp, m, o));
    return;
  case BUILT_NP_ARRAY: add_record(cp, m, f, o, false); return;
  case BUILT_COMPLEX: add_segment(m, f, SEGMENT_ARGS, o->args); return;
  case BUILT_TENSOR:
    f->segments[f->num_segments++] =
        (struct segment){SEGMENT_PARTS, v, tensor_num_parts(cp, m, fact_of(cp, m, v))};
    return;
  case BUILT_BYTES:
  case BUILT_DEVICE:
  case BUILT_LAYOUT:
  case BUILT_NP_DTYPE:
  case BUILT_STORAGE:
  case BUILT_PROGRAM:
  case BUILT_NP_SCALAR: return;
  }
}

static void open_frame(const struct walk *k, struct frame *f, val_id v) {
  f->num_segments = 0;
  if (kind_of(k->m, v) == VAL_OBJECT)
    add_object(k->cp, k->m, f, v);
  else
    add_container(k->m, f, v);
}

/* ---- keys ---- */

static struct span decimal(char out[SCRATCH], const char *prefix, int64_t n) {
  int len = snprintf(out, SCRATCH, "%s%lld", prefix, (long long)n);
  return span_of(out, len > 0 ? (size_t)len : 0);
}

/* A dict key as text. */
static struct span key_text(const struct walk *k, val_id key, char scratch[SCRATCH]) {
  const struct value *x = value_of(k->m, key);
  if (value_is_string(k->m, key)) return value_bytes(k->m, key);
  if (x->kind == VAL_INT) return decimal(scratch, "", x->number);
  if (x->kind == VAL_BOOL) return x->truth ? SPAN("True") : SPAN("False");
  return describe_value(k->m, key, scratch); /* Python's notation of anything else */
}

static struct plan_value *row_at(const struct walk *k, uint32_t i) {
  return plan_row_at(k->w, PLAN_values, sizeof(struct plan_value), i);
}

static val_id child_at(const struct walk *k, const struct frame *f, char scratch[SCRATCH], struct span *key) {
  const struct segment *s = &f->segments[f->segment];
  struct plan_value *row = row_at(k, f->row);
  switch (s->kind) {
  case SEGMENT_ITEMS: *key = decimal(scratch, "", f->next); return value_item(k->m, s->v, f->next);
  case SEGMENT_ARGS: *key = decimal(scratch, "__arg", f->next); return value_item(k->m, s->v, f->next);
  case SEGMENT_PAIRS:
    if (row->kind == PLAN_VAL_DICT && !value_is_string(k->m, value_item(k->m, s->v, 2 * f->next)))
      row->number |= PLAN_DICT_OTHER_KEYS;
    *key = key_text(k, value_item(k->m, s->v, 2 * f->next), scratch);
    return value_item(k->m, s->v, 2 * f->next + 1);
  case SEGMENT_STATE: *key = SPAN("__state"); return s->v;
  case SEGMENT_KEY: *key = SPAN("__key"); return s->v;
  case SEGMENT_PARTS: return tensor_part(k->cp, k->m, fact_of(k->cp, k->m, s->v), f->next, key);
  }
  *key = SPAN("?");
  return 0;
}

/* ---- one row ---- */

static struct plan_text put_class(const struct walk *k, const struct global *g) {
  char text[2 * CLASS_PART + 2];
  struct span module = span_first(g->mapped_module, CLASS_PART),
              name = span_first(g->mapped_name, CLASS_PART);
  int n = snprintf(text, sizeof text, "%.*s.%.*s", (int)module.n, (const char *)module.p, (int)name.n,
                   (const char *)name.p);
  return plan_put(k->w, span_of(text, n > 0 ? min_size((size_t)n, sizeof text - 1) : 0), sizeof text);
}

static void set_class(const struct walk *k, struct plan_value *row, val_id global) {
  const struct global *g = value_global(k->m, global);
  if (!g) return;
  struct plan_text *name = &k->class_names[g - k->m->globals.p];
  if (name->n == 0) *name = put_class(k, g);
  row->cls = *name;
}

/* The path of the value that is being visited; below the root its key is the path, and stands in the pool
 * already. */
static struct plan_text path_text(struct walk *k, uint32_t value_row) {
  struct plan_value *row = row_at(k, value_row);
  if (row->depth == 1 && row->key.n == k->path_n) return row->key;
  if (k->path_n > PATH_MAX_BYTES) k->cut = true;
  return plan_put(k->w, span_of(k->path, min_size(k->path_n, PATH_MAX_BYTES)), PATH_MAX_BYTES);
}

static uint32_t put_tensor(struct walk *k, uint32_t value_row, uint32_t fact) {
  struct tensor_path *t = vec_push(k->cp->arena, k->tensors, k->cp->max->tensors);
  if (!t) {
    k->cut = true;
    return 0;
  }
  *t = (struct tensor_path){.fact = fact, .value = value_row, .key = path_text(k, value_row)};
  return k->tensors->n - 1;
}

static void put_text(const struct walk *k, struct plan_value *row, enum plan_value_kind kind, struct span s) {
  row->kind = kind;
  row->text = plan_put(k->w, s, (size_t)k->cp->max->plan_text_bytes);
  row->number = (int64_t)s.n;
}

/* An integer, lowest byte first. */
static void put_integer(const struct walk *k, struct plan_value *row, struct span s, bool is_signed) {
  char text[INTEGER_TEXT];
  row->kind = PLAN_VAL_INT;
  if (!integer_of(s, is_signed, &row->number))
    put_text(k, row, PLAN_VAL_BIGINT, integer_text(s, is_signed, text));
}

/* A numpy scalar is shown as the Python number it stands for. */
static void put_np_scalar(const struct walk *k, struct plan_value *row, const struct built *b, val_id v) {
  const struct np_dtype *dt = np_dtype_of(k->cp, k->m, value_item(k->m, value_object(k->m, v)->args, 0));
  struct span s = value_bytes(k->m, b->index);
  uint8_t turned[16];
  if (dt->big_endian && s.n <= sizeof turned) {
    for (size_t i = 0; i < s.n; i++) turned[i] = s.p[s.n - 1 - i];
    s = span_of(turned, s.n);
  }
  if (!dt->plain || dt->kind == 'c') {
    put_text(k, row, PLAN_VAL_BYTES, s);
  } else if (dt->kind == 'f') {
    row->kind = PLAN_VAL_FLOAT;
    row->real = dtype_load(s.n == 8 ? DTYPE_F64 : s.n == 4 ? DTYPE_F32 : DTYPE_F16, s.p);
  } else if (dt->kind == 'b') {
    row->kind = PLAN_VAL_BOOL;
    row->number = s.p[0] != 0;
  } else {
    put_integer(k, row, s, dt->kind != 'u');
  }
}

static struct span device_text(const struct walk *k, const struct object *o) {
  struct span name = value_bytes(k->m, value_item(k->m, o->args, 0));
  if (value_count(k->m, o->args) < 2) return name;
  return arena_printf(k->cp->arena, "%.*s:%lld", (int)min_size(name.n, 64), (const char *)name.p,
                      (long long)value_of(k->m, value_item(k->m, o->args, 1))->number);
}

static void put_object(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v) {
  const struct object *o = value_object(k->m, v);
  const struct built *b = built_of(k->cp, k->m, v);
  val_id callee = callee_global(k->cp, k->m, o);
  if (b && b->kind == BUILT_RECORD && is_reconstructed(k->cp, k->m, o)) callee = value_item(k->m, o->args, 0);
  if (!b || b->kind != BUILT_TENSOR) set_class(k, row, callee);
  switch (b ? (enum built_kind)b->kind : BUILT_NOTHING) {
  case BUILT_DICT:
    row->kind = PLAN_VAL_DICT;
    if (b->metadata) row->number |= PLAN_DICT_METADATA;
    return;
  case BUILT_LIST: row->kind = PLAN_VAL_LIST; return;
  case BUILT_SET: row->kind = PLAN_VAL_SET; return;
  case BUILT_SIZE: row->kind = PLAN_VAL_SIZE; return;
  case BUILT_DEVICE: put_text(k, row, PLAN_VAL_DEVICE, device_text(k, o)); return;
  case BUILT_LAYOUT: put_text(k, row, PLAN_VAL_TEXT, value_bytes(k->m, value_item(k->m, o->args, 0))); return;
  case BUILT_BYTES: put_text(k, row, PLAN_VAL_BYTES, value_bytes(k->m, b->index)); return;
  case BUILT_NP_SCALAR: put_np_scalar(k, row, b, v); return;
  case BUILT_TENSOR:
    row->kind = PLAN_VAL_TENSOR;
    row->number = put_tensor(k, row_index, b->index);
    return;
  case BUILT_STORAGE:
    row->kind = PLAN_VAL_STORAGE;
    row->number = b->index;
    return;
  case BUILT_NOTHING:
  case BUILT_REFUSED:
  case BUILT_UNREAD:
  case BUILT_RECORD:
  case BUILT_COMPLEX:
  case BUILT_NP_DTYPE:
  case BUILT_PROGRAM: /* visit goes on in it */
  case BUILT_NP_ARRAY: row->kind = PLAN_VAL_RECORD; return;
  }
}

static void put_global_value(const struct walk *k, struct plan_value *row, val_id v) {
  const struct global_row *g = row_of(k->cp, k->m, v);
  set_class(k, row, v);
  row->kind = PLAN_VAL_GLOBAL;
  if (g && g->builder == BUILD_DTYPE) put_text(k, row, PLAN_VAL_DTYPE, span_str(g->name));
}

static void put_persid(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v) {
  const struct persid *p = &k->m->persids.p[value_of(k->m, v)->ref];
  if (persid_is_tensor(p)) {
    row->kind = PLAN_VAL_TENSOR;
    row->number = put_tensor(k, row_index, p->tag & ~PERSID_TENSOR);
    return;
  }
  row->kind = PLAN_VAL_STORAGE;
  row->number = p->tag;
  if (p->tag == 0) row->kind = PLAN_VAL_CUT;
  val_id named = class_of_id(k->cp, k->m, p->id);
  if (named) {
    row->kind = PLAN_VAL_GLOBAL;
    set_class(k, row, named);
  }
}

static void put_value(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v) {
  const struct value *x = value_of(k->m, v);
  switch ((enum value_kind)x->kind) {
  case VAL_ABSENT:
  case VAL_EXTENSION: row->kind = PLAN_VAL_CUT; return;
  case VAL_NONE: row->kind = PLAN_VAL_NONE; return;
  case VAL_BOOL:
    row->kind = PLAN_VAL_BOOL;
    row->number = x->truth;
    return;
  case VAL_INT:
    row->kind = PLAN_VAL_INT;
    row->number = x->number;
    return;
  case VAL_FLOAT:
    row->kind = PLAN_VAL_FLOAT;
    row->real = x->real;
    return;
  case VAL_BIGINT: put_integer(k, row, value_bytes(k->m, v), true); return;
  case VAL_TEXT: put_text(k, row, PLAN_VAL_TEXT, value_bytes(k->m, v)); return;
  case VAL_BYTES:
  case VAL_BYTEARRAY:
  case VAL_PYSTRING: put_text(k, row, PLAN_VAL_BYTES, value_bytes(k->m, v)); return;
  case VAL_TUPLE: row->kind = PLAN_VAL_TUPLE; return;
  case VAL_LIST: row->kind = PLAN_VAL_LIST; return;
  case VAL_SET:
  case VAL_FROZENSET: row->kind = PLAN_VAL_SET; return;
  case VAL_DICT: row->kind = PLAN_VAL_DICT; return;
  case VAL_GLOBAL: put_global_value(k, row, v); return;
  case VAL_PERSID: put_persid(k, row, row_index, v); return;
  case VAL_OBJECT: put_object(k, row, row_index, v); return;
  }
}

/* ---- the walk ---- */

/* Has it children, and may other values hold the same? Not so a tensor without parts, which is a row of its
 * own at every path. */
static bool is_container(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  if (b && b->kind == BUILT_TENSOR) return tensor_num_parts(cp, m, fact_of(cp, m, v)) > 0;
  return kind_of(m, v) == VAL_OBJECT || value_count(m, v) > 0;
}

/* Written before and not to be walked again: its row becomes a reference. */
static bool shared(const struct walk *k, val_id v) {
  const struct seen_value *s = &k->seen[v];
  return s->row && (s->open || !s->has_tensors);
}

static uint32_t new_row(struct walk *k, uint32_t parent, uint32_t depth, struct span key) {
  struct plan_value *row = k->budget ? plan_row(k->w, PLAN_values, sizeof *row) : NULL;
  if (!row) {
    k->cut = true;
    return UINT32_MAX;
  }
  k->budget--;
  uint32_t index = plan_rows(k->w, PLAN_values) - 1;
  *row = (struct plan_value){
      .parent = parent, .end = index + 1, .depth = depth, .key = plan_put(k->w, key, PATH_MAX_BYTES)};
  return index;
}

static void extend_path(struct walk *k, size_t base, struct span key) {
  size_t at = base;
  if (base && base < PATH_MAX_BYTES) k->path[base] = '/';
  at += base != 0;
  if (at < PATH_MAX_BYTES && key.n) memcpy(k->path + at, key.p, min_size(key.n, PATH_MAX_BYTES - at));
  k->path_n = at + key.n;
}

/* The machine measures nesting as values are built; what is put into each other later shows only here. */
static void end_depth(struct walk *k, struct frame *f) {
  uint64_t limit = k->cp->max->value_depth;
  if (f->num_segments && k->cp->obs->seen[OBS_LIMIT_VALUE_DEPTH] == 0)
    observe(k->cp->obs, (struct observation){.kind = OBS_LIMIT_VALUE_DEPTH,
                                             .member = k->m->member,
                                             .at = value_of(k->m, f->v)->at,
                                             .got = limit + 1,
                                             .want = limit});
  f->num_segments = 0;
}

/* The walk goes on among the values of this program. False: the budget is spent. */
static bool enter(struct walk *k, uint32_t index) {
  const struct program *p = k->cp->programs.p[index];
  const struct machine *m = &p->machine;
  struct tables *t = &k->tables[index];
  if (!t->seen) {
    k->budget += EXPAND_FACTOR * ((uint64_t)m->values.n + m->links.n);
    t->seen = arena_array(k->cp->arena, m->values.n, struct seen_value);
    t->class_names = arena_array(k->cp->arena, m->globals.n, struct plan_text);
  }
  checkpoint_enter(k->cp, p);
  k->program = index;
  k->m = m;
  k->seen = t->seen;
  k->class_names = t->class_names;
  return t->seen && t->class_names;
}

static void leave(struct walk *k, uint32_t outer_program, val_id outer, uint32_t row, bool has_tensors) {
  (void)enter(k, outer_program);
  k->seen[outer] = (struct seen_value){.row = row + 1, .has_tensors = has_tensors};
}

static void visit(struct walk *k, val_id v, uint32_t parent, uint32_t depth, struct span key);

/* An object that is the value of a program: that value stands in its place. Programs lie in each other as
 * deep as limits.def says. */
static void visit_program(struct walk *k, val_id outer, uint32_t index, uint32_t parent, uint32_t depth,
                          struct span key) {
  uint32_t row = plan_rows(k->w, PLAN_values), frames = k->frames.n, from = k->program,
           before = k->tensors->n;
  if (!enter(k, index)) {
    k->cut = true;
    return;
  }
  visit(k, k->m->result, parent, depth, key);
  if (k->frames.n == frames) {
    leave(k, from, outer, row, k->tensors->n > before);
    return;
  }
  k->frames.p[frames].outer = outer;
  k->frames.p[frames].outer_program = from;
}

/* Writes the row of v; opens a frame when it has children. */
static void visit(struct walk *k, val_id v, uint32_t parent, uint32_t depth, struct span key) {
  const struct built *b = built_of(k->cp, k->m, v);
  if (b && b->kind == BUILT_PROGRAM && !shared(k, v)) {
    visit_program(k, v, b->index, parent, depth, key);
    return;
  }
  uint32_t i = new_row(k, parent, depth, key);
  if (i == UINT32_MAX) return;
  if (!is_container(k->cp, k->m, v)) {
    put_value(k, row_at(k, i), i, v);
    return;
  }
  if (shared(k, v)) {
    row_at(k, i)->kind = PLAN_VAL_SHARED;
    row_at(k, i)->number = k->seen[v].row - 1;
    return;
  }
  uint32_t before = k->tensors->n;
  put_value(k, row_at(k, i), i, v);
  struct frame f = {.v = v, .row = i, .tensors_before = before, .path_n = k->path_n};
  open_frame(k, &f, v);
  if (depth >= k->cp->max->value_depth) end_depth(k, &f);
  struct frame *slot = vec_push(k->cp->arena, &k->frames, UINT32_MAX);
  if (!slot) {
    k->cut = true;
    return;
  }
  *slot = f;
  if (!k->seen[v].row) k->seen[v].row = i + 1;
  k->seen[v].open = true;
}

static void close_frame(struct walk *k) {
  const struct frame *f = &k->frames.p[--k->frames.n];
  row_at(k, f->row)->end = plan_rows(k->w, PLAN_values);
  k->seen[f->v].open = false;
  k->seen[f->v].has_tensors = k->tensors->n > f->tensors_before;
  if (f->outer) leave(k, f->outer_program, f->outer, f->row, k->tensors->n > f->tensors_before);
}

/* The key of the entry that the walk stands at, where that is an object and no name: MetadataIndex in the
 * .metadata of a distributed checkpoint (format-spec G.8). */
static val_id object_key(const struct walk *k, const struct frame *f) {
  const struct segment *s = &f->segments[f->segment];
  val_id key = s->kind == SEGMENT_PAIRS ? value_item(k->m, s->v, 2 * f->next) : 0;
  return key && kind_of(k->m, key) == VAL_OBJECT ? key : 0;
}

/* A record that was just entered holds the key, too. */
static void add_key(struct walk *k, uint32_t frames, val_id key) {
  struct frame *f = k->frames.n > frames ? &k->frames.p[k->frames.n - 1] : NULL;
  if (!f || row_at(k, f->row)->kind != PLAN_VAL_RECORD || f->num_segments == SEGMENTS_MAX) return;
  memmove(f->segments + 1, f->segments, f->num_segments * sizeof *f->segments);
  f->segments[0] = (struct segment){SEGMENT_KEY, key, 1};
  f->num_segments++;
}

/* Everything below the frames that are open when it is called with one value more. */
static void walk_values(struct walk *k) {
  while (k->frames.n && !k->cut) {
    struct frame *f = &k->frames.p[k->frames.n - 1];
    if (f->segment == f->num_segments) {
      close_frame(k);
      continue;
    }
    char scratch[SCRATCH];
    struct span key;
    uint32_t depth = row_at(k, f->row)->depth + 1, parent = f->row, frames = k->frames.n;
    val_id entry_key = object_key(k, f);
    val_id child = child_at(k, f, scratch, &key);
    extend_path(k, f->path_n, key);
    if (++f->next == f->segments[f->segment].n) {
      f->segment++;
      f->next = 0;
    }
    visit(k, child, parent, depth, key);
    if (entry_key) add_key(k, frames, entry_key);
  }
  while (k->frames.n) close_frame(k); /* after a cut: what is open ends here */
}

/* ---- the roots: the value of the first is the tree, if it has no key; others are entries of it ---- */

/* Where roots go: a row, its depth, and the path to it. */
struct place {
  uint32_t row, depth;
  size_t path_n;
};

static bool put_program(struct walk *k, uint32_t index, const struct place *in, struct span key) {
  if (!k->cp->programs.p[index]->machine.stopped)
    return true; /* what it made has no root; the error was observed */
  if (!enter(k, index)) return false;
  visit(k, k->m->result, in->row, in->depth, key);
  walk_values(k);
  return !k->cut;
}

static bool put_root(struct walk *k, const struct root *r, const struct place *in) {
  extend_path(k, in->path_n, r->key);
  if (r->kind == ROOT_PROGRAM) return put_program(k, r->index, in, r->key);
  uint32_t i = new_row(k, in->row, in->depth, r->key);
  if (i == UINT32_MAX) return false;
  if (r->kind == ROOT_EMPTY) {
    row_at(k, i)->kind = PLAN_VAL_DICT;
    return true;
  }
  if (r->kind == ROOT_TEXT) {
    put_text(k, row_at(k, i), PLAN_VAL_TEXT, r->text);
    return true;
  }
  row_at(k, i)->kind = PLAN_VAL_TENSOR;
  uint32_t tensor = put_tensor(k, i, r->index);
  row_at(k, i)->number = tensor;
  return !k->cut;
}

/* A dict that is in no program. */
static bool open_dict(struct walk *k, struct place *place, uint32_t parent, uint32_t depth, struct span key) {
  uint32_t i = new_row(k, parent, depth, key);
  if (i == UINT32_MAX) return false;
  row_at(k, i)->kind = PLAN_VAL_DICT;
  *place = (struct place){.row = i, .depth = depth + 1, .path_n = k->path_n};
  return true;
}

static void close_dict(struct walk *k, const struct place *place) {
  row_at(k, place->row)->end = plan_rows(k->w, PLAN_values);
}

static bool put_roots(struct walk *k, const struct place *top, uint32_t first) {
  struct place place = *top;
  struct span group = SPAN("");
  bool fine = true;
  for (uint32_t i = first; fine && i < k->cp->roots.n; i++) {
    const struct root *r = &k->cp->roots.p[i];
    if (!span_eq(r->group, group)) {
      if (group.n) close_dict(k, &place);
      place = *top;
      group = r->group;
      extend_path(k, top->path_n, group);
      fine = group.n == 0 || open_dict(k, &place, top->row, top->depth, group);
    }
    fine = fine && put_root(k, r, &place);
  }
  if (group.n && place.row != top->row) close_dict(k, &place);
  return fine;
}

bool plan_emit_values(struct checkpoint *cp, struct plan_writer *w, struct tensor_paths *tensors) {
  struct walk *k = arena_new(cp->arena, struct walk);
  struct place top = {.row = 0};
  if (!k) return false;
  *k = (struct walk){.cp = cp,
                     .w = w,
                     .tables = arena_array(cp->arena, cp->programs.n, struct tables),
                     .tensors = tensors,
                     .budget = EXPAND_FLOOR + cp->roots.n};
  if (!k->tables) return false;
  if (cp->roots.n == 0) return true;
  bool tree = cp->roots.p[0].key.n == 0 && cp->roots.p[0].group.n == 0;
  if (tree ? !put_root(k, &cp->roots.p[0], &top) : !open_dict(k, &top, 0, 0, SPAN(""))) return false;
  if (plan_rows(w, PLAN_values) == 0) return true; /* its program did not come to an end */
  bool fine = put_roots(k, &(struct place){.row = 0, .depth = 1}, tree);
  close_dict(k, &top);
  return fine;
}
