/* The tar archives of torch before 0.1.10. torch looks its members up by name, through Python's tarfile,
 * which takes many dialects: long names, sparse files, links, numbers in base 256. torch wrote none of them,
 * and what has one is refused: two readers need not see the same members in it (threats E17). */
#include "container/tar.h"

#include "base/reader.h"
#include "container/zip.h"

enum {
  TYPE_AT = 156,
  LINK_AT = 157,
  LINK_BYTES = 100,
  MAGIC_AT = 257,
  MAGIC_BYTES = 8, /* with the version */
  PREFIX_AT = 345, /* and the unused bytes behind it, to the end of the block */
  PAX_BYTES = 4096
};

bool tar_octal(const uint8_t *p, size_t n, uint64_t *out) {
  size_t i = 0;
  uint64_t value = 0;
  for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) value = value << 3 | (uint64_t)(p[i] - '0');
  *out = value;
  if (i == 0 || i == n) return false;
  for (; i < n; i++)
    if (p[i] != 0 && p[i] != ' ') return false;
  return true;
}

int64_t tar_sum(const uint8_t block[TAR_BLOCK], bool is_signed) {
  int64_t sum = TAR_CHECKSUM_BYTES * (int64_t)' ';
  for (size_t i = 0; i < TAR_BLOCK; i++)
    if (i < TAR_CHECKSUM_AT || i >= TAR_CHECKSUM_AT + TAR_CHECKSUM_BYTES)
      sum += is_signed && block[i] & 0x80 ? block[i] - 256 : block[i];
  return sum;
}

const char *const tar_names[TAR_NAMES] = {[TAR_SYS_INFO] = "sys_info",
                                          [TAR_PICKLE] = "pickle",
                                          [TAR_TENSORS] = "tensors",
                                          [TAR_STORAGES] = "storages"};

enum tar_name tar_name_of(struct span name) {
  enum tar_name i = TAR_SYS_INFO;
  while (i < TAR_NAMES && !span_is(name, tar_names[i])) i++;
  return i;
}

struct walk {
  struct container *c;
  struct arena *a;
  struct observations *o;
  const struct limits *max;
  struct reader r;           /* of the mapping */
  const char *magic;         /* POSIX's or GNU's, as in the first header: all have the same */
  uint32_t first[TAR_NAMES]; /* members of these names, 1-based */
};

struct header {
  uint64_t at, size;
  uint8_t bytes[TAR_BLOCK]; /* private */
  struct span name;         /* in the arena */
};

static bool about(struct walk *w, enum obs_kind kind, uint64_t at, struct span subject, uint64_t got,
                  uint64_t want) {
  return refuse(w->o,
                (struct observation){.kind = kind, .at = at, .got = got, .want = want, .subject = subject});
}

/* ---- one header ---- */

static void note_field(struct walk *w, const struct header *h, size_t at, const char *field) {
  observe(w->o, (struct observation){
                    .kind = OBS_TAR_FIELD, .at = h->at + at, .subject = h->name, .detail = span_str(field)});
}

/* Python ends its list of members without a word at a number that it can't read. */
static void check_numbers(struct walk *w, const struct header *h) {
  static const struct {
    const char *name;
    uint16_t at, n;
    bool optional; /* may be empty */
  } fields[] = {{"mode", 100, 8, false},         {"user id", 108, 8, false},
                {"group id", 116, 8, false},     {"time", 136, 12, false},
                {"device number", 329, 8, true}, {"second device number", 337, 8, true}};
  uint64_t ignored;
  for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
    struct span field = span_of(h->bytes + fields[i].at, fields[i].n);
    bool empty = fields[i].optional && span_is_zero(field);
    if (!empty && !tar_octal(field.p, field.n, &ignored)) note_field(w, h, fields[i].at, fields[i].name);
  }
}

static void check_texts(struct walk *w, const struct header *h) {
  static const char posix[] = "ustar\0" /* and version */ "00", gnu[] = "ustar  ";
  const uint8_t *magic = h->bytes + MAGIC_AT;
  if (!w->magic) w->magic = memcmp(magic, gnu, MAGIC_BYTES) == 0 ? gnu : posix;
  if (memcmp(magic, w->magic, MAGIC_BYTES) != 0) note_field(w, h, MAGIC_AT, "magic");
  if (!span_is_zero(span_of(h->bytes + h->name.n, TAR_NAME_BYTES - h->name.n)))
    note_field(w, h, h->name.n, "name");
  if (!span_is_zero(span_of(h->bytes + LINK_AT, LINK_BYTES))) note_field(w, h, LINK_AT, "link");
  if (!span_is_zero(span_of(h->bytes + PREFIX_AT, TAR_BLOCK - PREFIX_AT)))
    note_field(w, h, PREFIX_AT, "prefix");
}

/* False: there is no telling where the next one is. */
static bool read_header(struct walk *w, struct header *h) {
  struct span mapped;
  uint64_t sum;
  h->at = w->r.at;
  h->name = SPAN("a header");
  if (!reader_take(&w->r, TAR_BLOCK, &mapped))
    return about(w, OBS_TAR_SHORT, h->at, h->name, w->r.left.n, TAR_BLOCK);
  memcpy(h->bytes, mapped.p, TAR_BLOCK);
  const struct span name = span_of(h->bytes, strnlen((const char *)h->bytes, TAR_NAME_BYTES));
  if (!arena_copy(w->a, name, &h->name)) return about(w, OBS_LIMIT_MEMORY, h->at, name, w->a->budget, 0);
  if (!tar_octal(h->bytes + TAR_CHECKSUM_AT, TAR_CHECKSUM_BYTES, &sum)) sum = UINT64_MAX;
  uint64_t want = (uint64_t)tar_sum(h->bytes, false);
  if (sum != want) return about(w, OBS_TAR_CHECKSUM, h->at + TAR_CHECKSUM_AT, h->name, sum, want);
  check_numbers(w, h);
  check_texts(w, h);
  if (tar_octal(h->bytes + TAR_SIZE_AT, TAR_SIZE_BYTES, &h->size)) return true;
  note_field(w, h, TAR_SIZE_AT, "size");
  return false;
}

/* The bytes behind a header, and zeros to the end of their last block. */
static bool take_data(struct walk *w, const struct header *h, struct span *data) {
  struct span padding;
  uint64_t at = w->r.at;
  if (!reader_take(&w->r, h->size, data)) return about(w, OBS_TAR_SHORT, at, h->name, w->r.left.n, h->size);
  at = w->r.at;
  uint64_t rest = (TAR_BLOCK - h->size % TAR_BLOCK) % TAR_BLOCK;
  if (!reader_take(&w->r, rest, &padding)) return about(w, OBS_TAR_SHORT, at, h->name, w->r.left.n, rest);
  if (!span_is_zero(padding)) (void)about(w, OBS_TAR_PADDING, at, h->name, rest, 0);
  return true;
}

/* ---- pax headers ---- */

/* "LENGTH key=value\n"; the length is that of the whole record. */
static bool pax_record(struct reader *r, struct span *key) {
  struct span record;
  uint64_t length = 0;
  size_t digits = 0;
  for (; digits < r->left.n && digits < 5 && r->left.p[digits] >= '0' && r->left.p[digits] <= '9'; digits++)
    length = length * 10 + (uint64_t)(r->left.p[digits] - '0');
  if (digits == 0 || r->left.p[0] == '0' || length <= digits + 1 || !reader_take(r, length, &record))
    return false;
  if (record.p[digits] != ' ' || record.p[length - 1] != '\n') return false;
  struct span text = span_from(span_first(record, (size_t)length - 1), digits + 1);
  const uint8_t *equals = text.n ? memchr(text.p, '=', text.n) : NULL;
  *key = span_first(text, equals ? (size_t)(equals - text.p) : 0);
  return equals != NULL;
}

/* Keys that name or resize what follows make it another member to readers that do not know them. */
static bool is_plain_key(struct span key) {
  static const char *const plain[] = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname"};
  for (size_t i = 0; i < ARRAY_LEN(plain); i++)
    if (span_is(key, plain[i])) return true;
  return false;
}

static void check_pax(struct walk *w, const struct header *h, struct span mapped) {
  struct span copy, key;
  if (mapped.n > PAX_BYTES || !arena_copy(w->a, mapped, &copy)) {
    (void)about(w, OBS_TAR_PAX, h->at + TAR_BLOCK, SPAN("too long"), mapped.n, PAX_BYTES);
    return;
  }
  struct reader r = reader_of(copy, h->at + TAR_BLOCK);
  while (!reader_done(&r)) {
    uint64_t at = r.at;
    if (!pax_record(&r, &key)) {
      (void)about(w, OBS_TAR_PAX, at, SPAN("not a record"), r.left.n, 0);
      return;
    }
    if (!is_plain_key(key)) (void)about(w, OBS_TAR_PAX, at, key, 0, 0);
  }
}

/* ---- members ---- */

/* torch's tar reader minds the case of names. */
static void check_name(struct walk *w, const struct header *h) {
  enum tar_name name = tar_name_of(h->name);
  uint32_t number = w->c->num_members + 1;
  if (name == TAR_NAMES) {
    names_check(w->o, h->name, h->at);
    (void)about(w, OBS_MEMBER_UNEXPECTED, h->at, h->name, 0, 0);
  } else if (w->first[name]) {
    (void)about(w, OBS_ZIP_NAME_TWICE, h->at, h->name, number, w->first[name]);
  } else {
    w->first[name] = number;
  }
}

static bool add_member(struct walk *w, const struct header *h, uint64_t data_at) {
  check_name(w, h);
  if (w->c->num_members >= w->max->zip_members)
    return about(w, OBS_LIMIT_MEMBERS, h->at, h->name, w->c->num_members, w->max->zip_members);
  struct member *m = container_append(w->c, w->a, w->max, h->name, data_at, h->size);
  if (!m) return about(w, OBS_LIMIT_MEMORY, h->at, h->name, w->a->budget, 0);
  m->header_at = h->at;
  return true;
}

static bool read_end(struct walk *w) {
  if (!span_is_zero(w->r.left)) (void)about(w, OBS_TAR_PADDING, w->r.at, SPAN("the end"), w->r.left.n, 0);
  return true;
}

static bool read_members(struct walk *w) {
  bool pax = false; /* the header before was one */
  struct header h;
  struct span data;
  for (;;) {
    if (w->r.left.n >= TAR_BLOCK && span_is_zero(span_first(w->r.left, TAR_BLOCK)) && !pax)
      return read_end(w);
    if (!read_header(w, &h)) return false;
    uint8_t type = h.bytes[TYPE_AT];
    uint64_t data_at = w->r.at;
    if ((type != '0' && type != 'x') || (pax && type == 'x'))
      (void)about(w, OBS_TAR_TYPE, h.at + TYPE_AT, h.name, type, '0');
    if (!take_data(w, &h, &data)) return false;
    if (type == 'x')
      check_pax(w, &h, data);
    else if (!add_member(w, &h, data_at))
      return false;
    pax = type == 'x';
  }
}

static void check_missing(struct walk *w) {
  for (enum tar_name i = TAR_PICKLE; i < TAR_NAMES; i++)
    if (!w->first[i]) (void)about(w, OBS_RECORD_MISSING, w->c->file.n, span_str(tar_names[i]), 0, 0);
}

void tar_open(struct container *c, struct arena *a, struct observations *o, const struct limits *max) {
  struct walk w = {.c = c, .a = a, .o = o, .max = max, .r = reader_of(c->file, 0)};
  c->usable = read_members(&w);
  if (c->usable) check_missing(&w);
}
