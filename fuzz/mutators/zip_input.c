/* Zip archives: fields of records are changed, directory entries doubled and dropped, and the program inside
 * is mutated, with offsets, sizes and checksums mended behind it so that readers get as far as before. */
#include "fuzz/mutators/mutator.h"

enum { ENTRIES = 32, END_BYTES = 22, CENTRAL_BYTES = 46, LOCAL_BYTES = 30 };

struct entry {
  size_t at, n; /* of its central record */
  size_t local, data, size;
  bool whole; /* local header and data are where they should be */
};
struct archive {
  size_t end; /* of the end record; 0: no archive */
  size_t directory, num;
  struct entry entries[ENTRIES];
};

static uint64_t get(const struct mutant *m, size_t at, size_t width) {
  uint64_t v = 0;
  for (size_t i = width; i > 0; i--) v = v << 8 | (at + i <= m->n ? m->bytes[at + i - 1] : 0);
  return v;
}
static void set(struct mutant *m, size_t at, size_t width, uint64_t v) {
  for (size_t i = 0; i < width && at + i < m->n; i++) m->bytes[at + i] = (uint8_t)(v >> (8 * i) & 0xff);
}
static bool is(const struct mutant *m, size_t at, const char *signature) {
  return at + 4 <= m->n && memcmp(m->bytes + at, signature, 4) == 0;
}

static void read_entry(const struct mutant *m, struct entry *e) {
  e->n = CENTRAL_BYTES + get(m, e->at + 28, 2) + get(m, e->at + 30, 2) + get(m, e->at + 32, 2);
  e->local = (size_t)get(m, e->at + 42, 4);
  e->size = (size_t)get(m, e->at + 20, 4);
  e->whole = is(m, e->local, "PK\3\4");
  if (!e->whole) return;
  e->data = e->local + LOCAL_BYTES + (size_t)(get(m, e->local + 26, 2) + get(m, e->local + 28, 2));
  e->whole = e->data <= m->n && e->size <= m->n - e->data;
}

static void read_archive(const struct mutant *m, struct archive *a) {
  *a = (struct archive){0};
  if (m->n < END_BYTES) return;
  for (size_t at = m->n - END_BYTES; at > 0 && a->end == 0; at--)
    if (is(m, at, "PK\5\6")) a->end = at;
  a->directory = (size_t)get(m, a->end + 16, 4);
  for (size_t at = a->directory; a->end && a->num < ENTRIES && is(m, at, "PK\1\2");) {
    struct entry *e = &a->entries[a->num++];
    e->at = at;
    read_entry(m, e);
    at += e->n;
  }
}

static uint32_t crc_of(const uint8_t *p, size_t n) {
  uint32_t crc = ~0U;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
  }
  return ~crc;
}

/* What lies behind `at` has moved by `by` bytes: places that name it follow. */
static void move_offsets(struct mutant *m, const struct archive *a, size_t at, size_t by) {
  for (size_t i = 0; i < a->num; i++) {
    size_t central = a->entries[i].at + (a->entries[i].at > at ? by : 0);
    if (a->entries[i].local > at) set(m, central + 42, 4, a->entries[i].local + by);
  }
  size_t end = a->end + (a->end > at ? by : 0);
  if (a->directory > at) set(m, end + 16, 4, a->directory + by);
  if (end >= 20 && is(m, end - 20, "PK\6\7")) { /* zip64: locator, and the record that it names */
    uint64_t record = get(m, end - 20 + 8, 8) + by;
    set(m, end - 20 + 8, 8, record);
    if (record < m->n && is(m, (size_t)record, "PK\6\6")) set(m, (size_t)record + 48, 8, a->directory + by);
  }
}

/* Sizes and checksum of a stored member, wherever they stand. */
static void mend_member(struct mutant *m, const struct entry *e, size_t central, size_t size) {
  uint32_t crc = crc_of(m->bytes + e->data, size);
  size_t descriptor = e->data + size;
  bool local = get(m, e->local + 18, 4) || !is(m, descriptor, "PK\7\x08");
  for (size_t k = 0; k < 2; k++) {
    if (get(m, central + 20 + 4 * k, 4) != 0xffffffff) set(m, central + 20 + 4 * k, 4, size);
    if (local && get(m, e->local + 18 + 4 * k, 4) != 0xffffffff) set(m, e->local + 18 + 4 * k, 4, size);
    if (is(m, descriptor, "PK\7\x08")) set(m, descriptor + 8 + 4 * k, 4, size);
  }
  set(m, central + 16, 4, crc);
  if (local) set(m, e->local + 14, 4, crc);
  if (is(m, descriptor, "PK\7\x08")) set(m, descriptor + 4, 4, crc);
}

static bool is_program(const struct mutant *m, const struct entry *e) {
  size_t n = (size_t)get(m, e->at + 28, 2);
  return e->whole && n >= 4 && e->at + CENTRAL_BYTES + n <= m->n &&
         memcmp(m->bytes + e->at + CENTRAL_BYTES + n - 4, ".pkl", 4) == 0 && get(m, e->at + 10, 2) == 0;
}

static struct span program_of(const struct mutant *m) {
  struct archive a;
  read_archive(m, &a);
  for (size_t i = 0; i < a.num; i++)
    if (is_program(m, &a.entries[i])) return span_of(m->bytes + a.entries[i].data, a.entries[i].size);
  return SPAN("");
}

static bool change_program(struct mutant *m, const struct archive *a, struct span other, struct chance *c) {
  static struct mutant program, donor;
  for (size_t i = 0; i < a->num; i++) {
    const struct entry *e = &a->entries[i];
    if (!is_program(m, e)) continue;
    program.n = donor.n = 0;
    (void)mutant_replace(&program, 0, 0, span_of(m->bytes + e->data, e->size));
    (void)mutant_replace(&donor, 0, 0, span_first(other, MUTANT_MAX));
    mutate_pickle(&program, program_of(&donor), c);
    size_t n = program.n, old = e->size;
    if (!mutant_replace(m, e->data, old, span_of(program.bytes, n))) return true;
    move_offsets(m, a, e->data, n - old); /* wraps: an addition of it takes away */
    mend_member(m, e, e->at + (e->at > e->data ? n - old : 0), n);
    return true;
  }
  return false;
}

static void change_field(struct mutant *m, size_t at, const uint8_t (*fields)[2], size_t n,
                         struct chance *c) {
  const uint8_t *f = fields[chance_below(c, n)];
  uint64_t number = chance_below(c, 4) ? get(m, at + f[0], f[1]) + chance_below(c, 9) - 4 : chance_number(c);
  set(m, at + f[0], f[1], number);
}

static void change_record(struct mutant *m, const struct archive *a, struct chance *c) {
  static const uint8_t central[][2] = {{4, 2},  {6, 2},  {8, 2},  {10, 2}, {12, 4}, {16, 4}, {20, 4}, {24, 4},
                                       {28, 2}, {30, 2}, {32, 2}, {34, 2}, {36, 2}, {38, 4}, {42, 4}};
  static const uint8_t local[][2] = {{4, 2},  {6, 2},  {8, 2},  {10, 4}, {14, 4},
                                     {18, 4}, {22, 4}, {26, 2}, {28, 2}};
  static const uint8_t end[][2] = {{4, 2}, {6, 2}, {8, 2}, {10, 2}, {12, 4}, {16, 4}, {20, 2}};
  const struct entry *e = a->num ? &a->entries[chance_below(c, a->num)] : NULL;
  size_t which = chance_below(c, 5);
  if (e && which < 2) change_field(m, e->at, central, ARRAY_LEN(central), c);
  if (e && e->whole && (which == 2 || which == 3)) change_field(m, e->local, local, ARRAY_LEN(local), c);
  if (!e || which == 4) change_field(m, a->end, end, ARRAY_LEN(end), c);
}

/* One more, or one less, of what the directory lists. */
static void change_directory(struct mutant *m, const struct archive *a, struct chance *c) {
  uint8_t copy[512];
  const struct entry *e = &a->entries[chance_below(c, a->num)], *to = &a->entries[chance_below(c, a->num)];
  bool drop = chance_below(c, 2);
  size_t n = min_size(e->n, sizeof copy), before = m->n;
  if (e->n > sizeof copy || e->at + e->n > m->n) return;
  memcpy(copy, m->bytes + e->at, n);
  if (!mutant_replace(m, drop ? e->at : to->at, drop ? n : 0, drop ? SPAN("") : span_of(copy, n))) return;
  size_t end = a->end + m->n - before, count = (size_t)get(m, end + 10, 2) + (drop ? SIZE_MAX : 1);
  set(m, end + 8, 2, count);
  set(m, end + 10, 2, count);
  set(m, end + 12, 4, get(m, end + 12, 4) + (m->n - before));
}

/* A name becomes another one's, in the directory or before the data. */
static void change_name(struct mutant *m, const struct archive *a, struct chance *c) {
  const struct entry *x = &a->entries[chance_below(c, a->num)], *y = &a->entries[chance_below(c, a->num)];
  size_t n = (size_t)min_u64(get(m, x->at + 28, 2), get(m, y->at + 28, 2));
  size_t to = chance_below(c, 2) || !x->whole ? x->at + CENTRAL_BYTES : x->local + LOCAL_BYTES;
  if (to + n <= m->n && y->at + CENTRAL_BYTES + n <= m->n)
    memmove(m->bytes + to, m->bytes + y->at + CENTRAL_BYTES, n);
}

static void insert_gap(struct mutant *m, const struct archive *a, struct chance *c) {
  static const uint8_t zeros[64];
  size_t at = chance_below(c, a->directory), by = 1 + chance_below(c, sizeof zeros);
  if (at < m->n && mutant_replace(m, at, 0, span_of(zeros, by))) move_offsets(m, a, at, by);
}

static void change(struct mutant *m, struct span other, struct chance *c) {
  struct archive a;
  read_archive(m, &a);
  if (a.end == 0) {
    mutate_pickle(m, other, c); /* a bare or legacy program, or a format that it breaks */
    return;
  }
  size_t how = chance_below(c, 10);
  if (how < 5 && change_program(m, &a, other, c)) return;
  if (a.num && how == 6)
    change_directory(m, &a, c);
  else if (a.num && how == 7)
    change_name(m, &a, c);
  else if (how == 8)
    insert_gap(m, &a, c);
  else
    change_record(m, &a, c);
}

void mutate_format(struct mutant *m, struct span other, struct chance *c) {
  uint8_t knobs = m->n ? m->bytes[m->n - 1] : 0;
  if (m->n) m->n--;
  other.n -= other.n > 0;
  for (size_t times = 1 + chance_below(c, 2); times > 0; times--) change(m, other, c);
  if (chance_below(c, 32) == 0) knobs = (uint8_t)(chance_bits(c) >> 16 & 7);
  (void)mutant_replace(m, m->n, 0, span_of(&knobs, 1));
}
