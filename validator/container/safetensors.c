#include "container/safetensors.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/reader.h"

enum { LENGTH_BYTES = 8, MAX_DIMS = 64, SHOWN = 64 };

/* One reading. */
struct table {
  struct plain *out;
  struct arena *a;
  struct observations *o;
  const struct limits *max;
  struct span text; /* the private copy of the JSON */
  uint64_t data_bytes;
};

static const struct dtype_name {
  const char *name;
  uint64_t bits;
  const char *torch;
} dtypes[] = {
#define DTYPE(name, bits, torch) {name, bits, torch},
#include "container/safetensors.def"
#undef DTYPE
};

/* ---- refusals ---- */

static bool refuse_at(const struct table *t, enum obs_kind kind, uint64_t at, uint64_t got, uint64_t want) {
  return refuse(t->o, (struct observation){.kind = kind, .at = at, .got = got, .want = want});
}

/* About a value in the table: its offset, its name and what was expected. */
static struct observation about(const struct table *t, enum obs_kind kind, const char *name,
                                const char *field) {
  const char *path[] = {name, field};
  uint64_t at = 0;
  struct span subject = {0};
  (void)!json_offset(t->text, path, field ? 2 : 1, &at); /* where it is not found, the header as a whole */
  if (!arena_copy(t->a, span_first(span_str(name), OBS_TEXT_MAX), &subject)) t->o->lost = true;
  return (struct observation){.kind = kind, .at = LENGTH_BYTES + at, .subject = subject};
}

static bool refuse_field(const struct table *t, const char *name, const char *field, const char *expected) {
  struct observation what = about(t, OBS_SAFETENSORS_FIELD, name, field);
  struct span found = span_first(json_text_at(t->text, what.at - LENGTH_BYTES), SHOWN);
  what.detail = arena_printf(t->a, "%s, found %.*s", expected, (int)found.n, (const char *)found.p);
  return refuse(t->o, what);
}

static bool refuse_memory(const struct table *t) {
  return refuse_at(t, OBS_LIMIT_MEMORY, 0, t->a->used, t->a->budget);
}

/* ---- one tensor ---- */

/* A number that is an integer, 0 or more; -0 is none for the reference, which reads unsigned ones. */
static bool count_of(const cJSON *item, uint64_t *out) {
  int64_t n;
  return json_int(item, &n) && !signbit(item->valuedouble) && try_cast(n, out);
}

static bool read_shape(const struct table *t, const cJSON *entry, struct plain_array *out) {
  const cJSON *list = json_get(entry, "shape");
  if (!cJSON_IsArray(list)) return refuse_field(t, entry->string, list ? "shape" : NULL, "a list as shape");
  for (const cJSON *dim = list->child; dim; dim = dim->next) out->ndim++;
  if (out->ndim > MAX_DIMS) return refuse_at(t, OBS_LIMIT_TENSOR_DIMS, 0, out->ndim, MAX_DIMS);
  uint64_t *dims = arena_array(t->a, out->ndim, uint64_t);
  if (!dims) return refuse_memory(t);
  uint32_t i = 0;
  for (const cJSON *dim = list->child; dim; dim = dim->next)
    if (!count_of(dim, &dims[i++]))
      return refuse_field(t, entry->string, "shape", "sizes that are integers, 0 or more");
  out->dims = dims;
  return true;
}

static const struct dtype_name *read_dtype(const struct table *t, const cJSON *entry) {
  const cJSON *name = json_get(entry, "dtype");
  for (size_t i = 0; cJSON_IsString(name) && i < ARRAY_LEN(dtypes); i++)
    if (strcmp(name->valuestring, dtypes[i].name) == 0) return &dtypes[i];
  (void)!refuse_field(t, entry->string, name ? "dtype" : NULL, "a dtype of the format");
  return NULL;
}

static bool read_range(const struct table *t, const cJSON *entry, struct plain_array *out) {
  const cJSON *list = json_get(entry, "data_offsets");
  const cJSON *first = cJSON_IsArray(list) ? list->child : NULL, *second = first ? first->next : NULL;
  uint64_t begin, end;
  if (!second || second->next || !count_of(first, &begin) || !count_of(second, &end))
    return refuse_field(t, entry->string, list ? "data_offsets" : NULL,
                        "data_offsets of two integers, 0 or more");
  if (end < begin)
    return refuse_field(t, entry->string, "data_offsets", "an end that is not before the begin");
  if (end > t->data_bytes) {
    struct observation what = about(t, OBS_SAFETENSORS_RANGE, entry->string, "data_offsets");
    what.got = end;
    what.want = t->data_bytes;
    return refuse(t->o, what);
  }
  out->at = t->out->data_at + begin;
  out->bytes = end - begin;
  return true;
}

/* The product of the sizes, as the reference has it: from left to right, so that a 0 in front hides what
 * follows; here nothing is hidden. */
static bool bits_of(const struct plain_array *array, uint64_t bits, uint64_t *out) {
  bool empty = false;
  for (uint32_t i = 0; i < array->ndim; i++) {
    if (array->dims[i] == 0)
      empty = true;
    else if (!try_mul(bits, array->dims[i], &bits))
      return false;
  }
  *out = empty ? 0 : bits;
  return true;
}

static bool check_size(const struct table *t, const cJSON *entry, const struct plain_array *array,
                       uint64_t bits) {
  if (!bits_of(array, bits, &bits)) return refuse_field(t, entry->string, "shape", "sizes that 64 bits hold");
  if (bits % 8 != 0) return refuse_field(t, entry->string, "shape", "a whole number of bytes");
  if (bits / 8 == array->bytes) return true;
  struct observation what = about(t, OBS_SAFETENSORS_SIZE, entry->string, NULL);
  what.got = array->bytes;
  what.want = bits / 8;
  return refuse(t->o, what);
}

static bool is_field(const char *key) {
  return strcmp(key, "dtype") == 0 || strcmp(key, "shape") == 0 || strcmp(key, "data_offsets") == 0;
}

/* The reference ignores a fourth field, the schema of the format forbids it: the first is said. */
static void note_other_fields(const struct table *t, const cJSON *entry) {
  for (const cJSON *field = entry->child; field && t->o->seen[OBS_SAFETENSORS_EXTRA] == 0;
       field = field->next) {
    if (is_field(field->string)) continue;
    struct observation what = about(t, OBS_SAFETENSORS_EXTRA, entry->string, field->string);
    if (!arena_copy(t->a, span_first(span_str(field->string), SHOWN), &what.detail)) t->o->lost = true;
    observe(t->o, what);
  }
}

static bool read_tensor(const struct table *t, const cJSON *entry) {
  struct plain_array *array = vec_push(t->a, &t->out->arrays, t->max->tensors);
  if (!array) return refuse_at(t, OBS_LIMIT_TENSORS, 0, t->out->arrays.n, t->max->tensors);
  if (!cJSON_IsObject(entry)) return refuse_field(t, entry->string, NULL, "an object for each tensor");
  const struct dtype_name *dtype = read_dtype(t, entry);
  if (!dtype || !read_shape(t, entry, array) || !read_range(t, entry, array)) return false;
  array->dtype = dtype->torch;
  array->type = span_str(dtype->name);
  note_other_fields(t, entry);
  return (arena_copy(t->a, span_str(entry->string), &array->name) || refuse_memory(t)) &&
         check_size(t, entry, array, dtype->bits);
}

/* ---- the table ---- */

static bool read_metadata(const struct table *t, const cJSON *metadata) {
  if (cJSON_IsNull(metadata)) return true; /* counts as absent */
  if (!cJSON_IsObject(metadata)) return refuse_field(t, metadata->string, NULL, "an object as __metadata__");
  for (const cJSON *item = metadata->child; item; item = item->next) {
    if (!cJSON_IsString(item))
      return refuse_field(t, metadata->string, item->string, "texts as values of __metadata__");
    struct plain_text *text = vec_push(t->a, &t->out->texts, t->max->tensors);
    if (!text || !arena_copy(t->a, span_str(item->string), &text->key) ||
        !arena_copy(t->a, span_str(item->valuestring), &text->value))
      return refuse_memory(t);
  }
  return true;
}

static bool read_entry(void *ctx, const cJSON *entry) {
  const struct table *t = ctx;
  return strcmp(entry->string, "__metadata__") == 0 ? read_metadata(t, entry) : read_tensor(t, entry);
}

static int by_place(const void *x, const void *y) {
  const struct plain_array *a = *(const struct plain_array *const *)x,
                           *b = *(const struct plain_array *const *)y;
  if (a->at != b->at) return a->at < b->at ? -1 : 1;
  return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static bool refuse_place(const struct table *t, struct span name, enum obs_kind kind, uint64_t got,
                         uint64_t want) {
  return refuse(t->o, (struct observation){.kind = kind,
                                           .at = got,
                                           .got = got - t->out->data_at,
                                           .want = want - t->out->data_at,
                                           .subject = name});
}

/* Each begins where the one before it ended, the first at the data's first byte, and the last ends with the
 * file. */
static bool check_tiling(const struct table *t) {
  uint32_t n = t->out->arrays.n;
  const struct plain_array **order = arena_array(t->a, n, const struct plain_array *);
  uint64_t end = t->out->data_at;
  if (!order) return refuse_memory(t);
  for (uint32_t i = 0; i < n; i++) order[i] = &t->out->arrays.p[i];
  if (n) qsort(order, n, sizeof(const struct plain_array *), by_place);
  for (uint32_t i = 0; i < n; i++) {
    if (order[i]->at > end) return refuse_place(t, order[i]->name, OBS_SAFETENSORS_HOLE, order[i]->at, end);
    if (order[i]->at < end)
      return refuse_place(t, order[i]->name, OBS_SAFETENSORS_OVERLAP, order[i]->at, end);
    end += order[i]->bytes; /* at most the file's length: read_range */
  }
  uint64_t rest = t->data_bytes - (end - t->out->data_at);
  return rest == 0 || refuse_at(t, OBS_SAFETENSORS_TRAILING, end, rest, 0);
}

/* '{' first; behind the object only spaces, of all that JSON takes for blank. */
static bool check_padding(const struct table *t) {
  size_t end = t->text.n;
  if (t->text.n == 0 || t->text.p[0] != '{') return refuse_at(t, OBS_SAFETENSORS_START, LENGTH_BYTES, 0, 0);
  while (end > 0 && t->text.p[end - 1] == ' ') end--;
  if (end > 0 && t->text.p[end - 1] == '}') return true;
  return refuse_at(t, OBS_SAFETENSORS_PADDING, LENGTH_BYTES + end - 1, 0, 0);
}

static bool refuse_json(const struct table *t, const struct json_error *err) {
  struct observation what = {
      .kind = OBS_SAFETENSORS_JSON, .at = LENGTH_BYTES + err->offset, .detail = span_str(err->what)};
  if (err->fault == JSON_LIMIT_MEMORY) return refuse_memory(t);
  if (err->fault != JSON_MALFORMED) {
    what.kind = OBS_LIMIT_JSON;
    what.subject = SPAN("the header");
    what.got = err->line;
    what.want = err->column;
  }
  return refuse(t->o, what);
}

static bool read_table(struct table *t) {
  struct json_error err;
  if (!json_members(t->text, NULL, t->max, &err, read_entry, t))
    return err.what ? refuse_json(t, &err) : false;
  return check_padding(t) && check_tiling(t);
}

bool safetensors_read(struct plain *out, struct arena *a, struct observations *o, const struct limits *max,
                      struct span file) {
  struct table t = {.out = out, .a = a, .o = o, .max = max};
  struct reader r = reader_of(file, 0);
  struct span text;
  uint64_t n;
  *out = (struct plain){.big_endian = false};
  if (!reader_u64le(&r, &n)) return refuse_at(&t, OBS_SAFETENSORS_LENGTH, 0, file.n, LENGTH_BYTES);
  if (n > SAFETENSORS_HEADER_MAX) return refuse_at(&t, OBS_SAFETENSORS_LENGTH, 0, n, SAFETENSORS_HEADER_MAX);
  if (!reader_take(&r, n, &text)) return refuse_at(&t, OBS_SAFETENSORS_LENGTH, 0, n, r.left.n);
  out->data_at = r.at;
  t.data_bytes = r.left.n;
  return (arena_copy(a, text, &t.text) || refuse_memory(&t)) && read_table(&t);
}
