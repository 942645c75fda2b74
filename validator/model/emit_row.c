/* One value as a row of the plan. */
#include "model/emit_values.h"
#include "model/load_plain.h"

enum { CLASS_PART = 512 };

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

uint32_t put_tensor(struct walk *k, uint32_t value_row, uint32_t fact) {
  struct tensor_path *t = vec_push(k->cp->arena, k->tensors, k->cp->max->tensors);
  if (!t) {
    k->cut = true;
    return 0;
  }
  *t = (struct tensor_path){.fact = fact, .value = value_row, .key = path_text(k, value_row)};
  return k->tensors->n - 1;
}

void put_text(const struct walk *k, struct plan_value *row, enum plan_value_kind kind, struct span s) {
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
  if (!dt->plain || dt->kind == 'c' || s.n == 0) {
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

/* "float32 [2, 3], column-major": numbers as torch calls them, the rest by numpy's codes. */
static void put_array(const struct walk *k, struct plan_value *row, val_id v) {
  const struct np_array *array = array_of(k->cp, k->m, v);
  struct arena *a = k->cp->arena;
  row->kind = array ? PLAN_VAL_ARRAY : PLAN_VAL_RECORD;
  if (!array) return;
  const struct np_dtype *dt = &k->cp->np_dtypes.p[array->dtype];
  enum dtype number = numpy_dtype(dt->kind, dt->size);
  uint32_t ndim = value_count(k->m, array->shape), size = dt->kind == 'U' ? dt->size / 4 : dt->size;
  struct span text = number != DTYPE_BITS8 ? span_str(dtype_name(number))
                     : dt->kind == 'O'     ? SPAN("object")
                     : dt->kind == 'M'     ? SPAN("datetime64")
                     : dt->kind == 'm'     ? SPAN("timedelta64")
                                           : arena_printf(a, "%c%u", dt->kind, size);
  for (uint32_t i = 0; i < ndim; i++)
    text = arena_printf(a, "%.*s%s%lld", (int)text.n, (const char *)text.p, i ? ", " : " [",
                        (long long)value_of(k->m, value_item(k->m, array->shape, i))->number);
  text = arena_printf(a, "%.*s%s%s%s", (int)text.n, (const char *)text.p, ndim ? "]" : " []",
                      array->fortran_order && ndim > 1 ? ", column-major" : "",
                      dt->big_endian && dt->size > 1 ? ", big-endian" : "");
  put_text(k, row, PLAN_VAL_ARRAY, text);
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
  val_id given = b && b->kind == BUILT_RECORD ? given_class(k->cp, k->m, o) : 0;
  if (given) callee = given;
  if (b && b->kind == BUILT_NP_ARRAY && b->index) callee = value_item(k->m, o->args, 0);
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
  case BUILT_PROGRAM: /* visit goes on in it */ row->kind = PLAN_VAL_RECORD; return;
  case BUILT_NP_ARRAY: put_array(k, row, v); return;
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

void put_value(struct walk *k, struct plan_value *row, uint32_t row_index, val_id v) {
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
