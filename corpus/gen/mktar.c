#include "corpus/gen/mktar.h"

enum { BLOCK = 512, RECORD = 20 * BLOCK, CHECKSUM_AT = 148, CHECKSUM_BYTES = 8 };

/* ---- directives ---- */

#define ROW(plan, list, n, l)                                       \
  ((plan)->n < ARRAY_LEN((plan)->list) ? &(plan)->list[(plan)->n++] \
                                       : (give_up((l)->file, (l)->number, "too many"), &(plan)->list[0]))

static struct span keep(struct arena *a, struct span s) {
  struct span copy;
  if (!arena_copy(a, s, &copy)) give_up("gen", 0, "out of memory");
  return copy;
}

static void do_data(struct tar_plan *plan, struct arena *a, const struct line *l) {
  static const struct {
    const char *word, *type;
    size_t size;
  } types[] = {{"f32", "Float", 4}, {"f64", "Double", 8}, {"i64", "Long", 8}, {"", "Byte", 1}};
  struct bytes raw = {0};
  size_t i = 0;
  while (types[i].word[0] && !word_is(l, 2, types[i].word)) i++;
  put_elements(&raw, l);
  *ROW(plan, storages, num_storages, l) = (struct tar_storage){.key = word_number(l, 1),
                                                               .type = types[i].type,
                                                               .numel = (int64_t)(raw.n / types[i].size),
                                                               .data = keep(a, bytes_span(&raw))};
  bytes_free(&raw);
}

static void do_count(struct tar_plan *plan, struct arena *a, const struct line *l) {
  (void)a;
  for (size_t i = 0; i < plan->num_storages; i++)
    if (plan->storages[i].key == word_number(l, 1)) plan->storages[i].numel = word_number(l, 2);
}

static void do_view(struct tar_plan *plan, struct arena *a, const struct line *l) {
  (void)a;
  *ROW(plan, views, num_views, l) =
      (struct tar_view){word_number(l, 1), word_number(l, 2), word_number(l, 3), word_number(l, 4)};
}

static size_t take_ints(const struct line *l, size_t i, int64_t out[TAR_DIMS]) {
  struct span rest = word_at(l, i);
  size_t n = 0;
  if (word_is(l, i, "-")) return 0;
  for (;; n++) {
    const uint8_t *comma = rest.n ? memchr(rest.p, ',', rest.n) : NULL;
    if (n == TAR_DIMS) give_up(l->file, l->number, "more than %d dimensions", TAR_DIMS);
    out[n] = number_of(l, span_first(rest, comma ? (size_t)(comma - rest.p) : rest.n));
    if (!comma) return n + 1;
    rest = span_from(rest, (size_t)(comma - rest.p) + 1);
  }
}

static void do_tensor(struct tar_plan *plan, struct arena *a, const struct line *l) {
  (void)a;
  struct tar_tensor *t = ROW(plan, tensors, num_tensors, l);
  *t = (struct tar_tensor){.key = word_number(l, 1),
                           .has_storage = !word_is(l, 2, "-"),
                           .offset = word_number(l, 3),
                           .cls = SPAN("FloatTensor")};
  if (t->has_storage) t->of = word_number(l, 2);
  t->num_sizes = take_ints(l, 4, t->sizes);
  t->num_strides = take_ints(l, 5, t->strides);
}

static void do_tensor_class(struct tar_plan *plan, struct arena *a, const struct line *l) {
  for (size_t i = 0; i < plan->num_tensors; i++)
    if (plan->tensors[i].key == word_number(l, 1)) plan->tensors[i].cls = keep(a, word_at(l, 2));
}

struct span *tar_program(struct tar_plan *plan, struct span name) {
  size_t i = 0;
  while (i < plan->num_changes && !span_eq(plan->changes[i].name, name)) i++;
  if (i == TAR_MEMBERS) give_up("gen", 0, "more than %d members", TAR_MEMBERS);
  if (i == plan->num_changes) plan->changes[plan->num_changes++] = (struct tar_item){.name = name};
  return &plan->changes[i].data;
}

static void do_member(struct tar_plan *plan, struct arena *a, const struct line *l) {
  *tar_program(plan, keep(a, word_at(l, 1))) = keep(a, word_at(l, 2));
}
static void do_again(struct tar_plan *plan, struct arena *a, const struct line *l) {
  *ROW(plan, more, num_more, l) = (struct tar_item){keep(a, word_at(l, 1)), keep(a, word_at(l, 2))};
}
static void do_without(struct tar_plan *plan, struct arena *a, const struct line *l) {
  plan->without = keep(a, word_at(l, 1));
}
static void do_bend(struct tar_plan *plan, struct arena *a, const struct line *l) {
  *ROW(plan, bends, num_bends, l) =
      (struct tar_bend){keep(a, word_at(l, 1)), keep(a, word_at(l, 2)), keep(a, word_at(l, 3))};
}
static void do_end(struct tar_plan *plan, struct arena *a, const struct line *l) {
  plan->end = keep(a, word_at(l, 1));
}

bool tar_directive(struct tar_plan *plan, struct arena *a, const struct line *l) {
  static const struct {
    const char *name;
    void (*run)(struct tar_plan *plan, struct arena *a, const struct line *l);
  } directives[] = {{"data", do_data},
                    {"count", do_count},
                    {"view", do_view},
                    {"tensor", do_tensor},
                    {"tensor-class", do_tensor_class},
                    {"member", do_member},
                    {"again", do_again},
                    {"without", do_without},
                    {"bend", do_bend},
                    {"end", do_end}};
  for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
    if (!word_is(l, 0, directives[i].name)) continue;
    directives[i].run(plan, a, l);
    return true;
  }
  return false;
}

/* ---- the tables ---- */

/* LONG1, as pointers were written. */
static void put_key(struct bytes *out, int64_t key) {
  put_text(out, "\x8a\x08");
  put_number(out, (uint64_t)key, 8);
}

static void put_count(struct bytes *out, size_t n) {
  put_text(out, "\x80\2K");
  put_number(out, n, 1);
  put_text(out, ".");
}

static void put_global(struct bytes *out, const char *type, const char *what) {
  put_text(out, "ctorch\n");
  put_text(out, type);
  put_text(out, what);
  put_text(out, "\nq\1");
}

static void put_storages(struct bytes *out, const struct tar_plan *plan) {
  put_count(out, plan->num_storages);
  for (size_t i = 0; i < plan->num_storages; i++) {
    const struct tar_storage *s = &plan->storages[i];
    put_text(out, "\x80\2");
    put_key(out, s->key);
    put(out, "X\3\0\0\0cpuq\0", 10);
    put_global(out, s->type, "Storage");
    put_text(out, "\x87q\2.");
    put_number(out, (uint64_t)s->numel, 8);
    put_span(out, s->data);
  }
  put(out, "\x80\2]q\0(", 6);
  for (size_t i = 0; i < plan->num_views; i++) {
    const struct tar_view *v = &plan->views[i];
    put_text(out, "(");
    put_key(out, v->key);
    put_key(out, v->of);
    put_key(out, v->offset);
    put_key(out, v->numel);
    put_text(out, "t");
  }
  put_text(out, "e.");
}

static void put_tensors(struct bytes *out, const struct tar_plan *plan) {
  put_count(out, plan->num_tensors);
  for (size_t i = 0; i < plan->num_tensors; i++) {
    const struct tar_tensor *t = &plan->tensors[i];
    put_text(out, "\x80\2");
    put_key(out, t->key);
    if (t->has_storage)
      put_key(out, t->of);
    else
      put_text(out, "N");
    put_text(out, "ctorch\n");
    put_span(out, t->cls);
    put(out, "\nq\0\x87q\1.", 7);
    put_number(out, t->num_sizes, 8);
    for (size_t d = 0; d < t->num_sizes; d++) put_number(out, (uint64_t)t->sizes[d], 8);
    for (size_t d = 0; d < t->num_strides; d++) put_number(out, (uint64_t)t->strides[d], 8);
    put_number(out, (uint64_t)t->offset, 8);
  }
}

/* ---- the archive ---- */

struct field {
  const char *name;
  size_t at, n;
};
static const struct field fields[] = {
    {"name", 0, 100},  {"mode", 100, 8},     {"uid", 108, 8},    {"gid", 116, 8},
    {"size", 124, 12}, {"time", 136, 12},    {"type", 156, 1},   {"link", 157, 100},
    {"magic", 257, 8}, {"uname", 265, 32},   {"gname", 297, 32}, {"major", 329, 8},
    {"minor", 337, 8}, {"prefix", 345, 155}, {"rest", 500, 12},  {"checksum", CHECKSUM_AT, CHECKSUM_BYTES}};

static const struct field *find_field(struct span name) {
  for (size_t i = 0; i < ARRAY_LEN(fields); i++)
    if (span_is(name, fields[i].name)) return &fields[i];
  return NULL;
}

static void put_octal(uint8_t *at, int digits, size_t number) {
  char text[16];
  (void)snprintf(text, sizeof text, "%0*zo", digits, number);
  memcpy(at, text, strlen(text));
}

/* As Python's tarfile writes it in the pax format. */
static void fill_header(uint8_t block[BLOCK], struct span name, char type, size_t size) {
  memset(block, 0, BLOCK);
  memcpy(block, name.p, name.n);
  put_octal(block + 100, 7, type == 'x' ? 0 : 0600);
  put_octal(block + 108, 7, type == 'x' ? 0 : 501);
  put_octal(block + 116, 7, type == 'x' ? 0 : 20);
  put_octal(block + 124, 11, size);
  put_octal(block + 136, 11, 0);
  block[156] = (uint8_t)type;
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  put_octal(block + 329, 7, 0);
  put_octal(block + 337, 7, 0);
}

static void put_checksum(uint8_t block[BLOCK]) {
  size_t sum = 0;
  memset(block + CHECKSUM_AT, ' ', CHECKSUM_BYTES);
  for (size_t i = 0; i < BLOCK; i++) sum += block[i];
  put_octal(block + CHECKSUM_AT, 6, sum);
  block[CHECKSUM_AT + 6] = 0;
}

static const struct tar_bend *bend_of(const struct tar_plan *plan, struct span name, const char *field) {
  for (size_t i = 0; i < plan->num_bends; i++)
    if (span_eq(plan->bends[i].name, name) && span_is(plan->bends[i].field, field)) return &plan->bends[i];
  return NULL;
}

static void bend_header(const struct tar_plan *plan, struct span name, uint8_t block[BLOCK]) {
  put_checksum(block);
  for (size_t i = 0; i < plan->num_bends; i++) {
    const struct tar_bend *b = &plan->bends[i];
    const struct field *f = find_field(b->field);
    if (!f || !span_eq(b->name, name)) continue;
    if (b->text.n > f->n) give_up("gen", 0, "the text is longer than its field");
    memcpy(block + f->at, b->text.p, b->text.n);
    if (f->at != CHECKSUM_AT) put_checksum(block);
  }
}

static void put_data(struct bytes *out, struct span data, struct span padding) {
  put_span(out, data);
  size_t rest = (BLOCK - data.n % BLOCK) % BLOCK;
  padding = span_first(padding, rest);
  put_span(out, padding);
  put_repeated(out, 0, rest - padding.n);
}

/* One time of so many bytes: `bend NAME pax-bytes 4097`. */
static void put_long_record(struct bytes *out, struct span number) {
  const size_t n = strtoul((const char *)number.p, NULL, 10);
  put_span(out, number);
  put_span(out, SPAN(" mtime="));
  while (out->n + 1 < n) put_repeated(out, '1', 1);
  put_span(out, SPAN("\n"));
}

static void put_member(struct bytes *out, const struct tar_plan *plan, struct span name, struct span data) {
  uint8_t block[BLOCK];
  const struct tar_bend *pax = bend_of(plan, name, "pax"), *padding = bend_of(plan, name, "padding");
  const struct tar_bend *length = bend_of(plan, name, "pax-bytes");
  struct bytes record = {0};
  if (length) put_long_record(&record, length->text);
  struct span records = pax ? pax->text : length ? bytes_span(&record) : SPAN("22 mtime=1485049682.0\n");
  fill_header(block, SPAN("././@PaxHeader"), 'x', records.n);
  put_checksum(block);
  put(out, block, BLOCK);
  put_data(out, records, SPAN(""));
  fill_header(block, name, '0', data.n);
  bend_header(plan, name, block);
  put(out, block, BLOCK);
  put_data(out, data, padding ? padding->text : SPAN(""));
  bytes_free(&record);
}

static struct span changed(const struct tar_plan *plan, const char *name, struct span data) {
  for (size_t i = 0; i < plan->num_changes; i++)
    if (span_is(plan->changes[i].name, name)) return plan->changes[i].data;
  return data;
}

static const char info[] =
    "\x80\2}q\0(X\x10\0\0\0protocol_versionq\1M\xe8\3X\x0d\0\0\0little_endianq\2\x88X\x0a\0\0\0type_sizesq\3}"
    "q\4("
    "X\5\0\0\0shortq\5K\2X\3\0\0\0intq\6K\4X\4\0\0\0longq\7K\4uu.";

void make_tar(const struct tar_plan *plan, struct bytes *out) {
  struct bytes storages = {0}, tensors = {0};
  put_storages(&storages, plan);
  put_tensors(&tensors, plan);
  const struct {
    const char *name;
    struct span data;
  } members[] = {{"sys_info", span_of(info, sizeof info - 1)},
                 {"pickle", plan->object},
                 {"tensors", bytes_span(&tensors)},
                 {"storages", bytes_span(&storages)}};
  for (size_t i = 0; i < ARRAY_LEN(members); i++)
    if (!span_is(plan->without, members[i].name))
      put_member(out, plan, span_str(members[i].name), changed(plan, members[i].name, members[i].data));
  for (size_t i = 0; i < plan->num_more; i++) put_member(out, plan, plan->more[i].name, plan->more[i].data);
  if (plan->end.p)
    put_span(out, plan->end);
  else
    put_repeated(out, 0, 2 * BLOCK + (RECORD - (out->n + 2 * BLOCK) % RECORD) % RECORD);
  put_span(out, plan->trailing);
  bytes_free(&storages);
  bytes_free(&tensors);
}
