#include "corpus/gen/mkzip.h"

enum { ALIGNMENT = 64, LOCAL_BYTES = 30, EXTRA_HEAD = 4 };

struct zip_written {
  uint64_t offset;
  struct zip_header header; /* true values: what the directory repeats */
};

struct writer {
  const struct zip_plan *plan;
  struct bytes *out;
  uint64_t start; /* of the archive: behind the prefix */
  struct zip_written written[ZIP_MEMBERS];
};

/* ---- bends ---- */

struct field {
  const char *name;
  size_t at;
  bool text;
};
#define NUMBER(type, f) \
  { #f, offsetof(struct type, f), false }
#define TEXT(type, f) \
  { #f, offsetof(struct type, f), true }
static const struct field header_fields[] = {
    NUMBER(zip_header, signature), NUMBER(zip_header, version), NUMBER(zip_header, flags),
    NUMBER(zip_header, method),    NUMBER(zip_header, crc),     NUMBER(zip_header, csize),
    NUMBER(zip_header, size),      NUMBER(zip_header, disk),    NUMBER(zip_header, external),
    NUMBER(zip_header, offset),    TEXT(zip_header, name),      TEXT(zip_header, extra),
    TEXT(zip_header, comment),
};
static const struct field end_fields[] = {
    NUMBER(zip_ends, disk),         NUMBER(zip_ends, directory_disk),  NUMBER(zip_ends, entries_here),
    NUMBER(zip_ends, entries),      NUMBER(zip_ends, directory_bytes), NUMBER(zip_ends, directory_at),
    NUMBER(zip_ends, record_bytes), NUMBER(zip_ends, locator_at),
};

static void set_field(void *record, const struct field *f, const struct zip_bend *b) {
  uint64_t number = (uint64_t)b->number;
  if (f->text)
    memcpy((uint8_t *)record + f->at, &b->text, sizeof b->text);
  else
    memcpy((uint8_t *)record + f->at, &number, sizeof number);
}

/* Applies the bends of one record ("local", "end64" …) of one member. */
static void bend(const struct zip_plan *plan, struct span member, const char *record, void *p,
                 const struct field *fields, size_t num_fields) {
  for (size_t i = 0; i < plan->num_bends; i++) {
    const struct zip_bend *b = &plan->bends[i];
    struct span head = span_first(b->field, strlen(record)), name = span_from(b->field, strlen(record) + 1);
    bool here = span_eq(b->member, member) && span_is(head, record) && b->field.n > head.n &&
                b->field.p[head.n] == '.';
    for (size_t k = 0; here && k < num_fields; k++)
      if (span_is(name, fields[k].name)) set_field(p, &fields[k], b);
  }
}

static void bend_header(const struct zip_plan *plan, struct span member, const char *record,
                        struct zip_header *h) {
  bend(plan, member, record, h, header_fields, ARRAY_LEN(header_fields));
}
static void bend_ends(const struct zip_plan *plan, const char *record, struct zip_ends *e) {
  bend(plan, SPAN(""), record, e, end_fields, ARRAY_LEN(end_fields));
}

/* ---- members ---- */

/* RFC 1951, one stored block: enough to be of method 8. */
static void deflate_stored(struct span data, struct bytes *out) {
  put_number(out, 1, 1);
  put_number(out, data.n, 2);
  put_number(out, ~(uint64_t)data.n, 2);
  put_span(out, data);
}

/* FB, length, Z…: the data behind it begins at a multiple of ALIGNMENT. */
static void put_padding(const struct writer *w, size_t name_n, struct bytes *extra) {
  uint64_t data_at = w->out->n - w->start + LOCAL_BYTES + name_n + EXTRA_HEAD;
  uint64_t padding = (ALIGNMENT - data_at % ALIGNMENT) % ALIGNMENT;
  put_text(extra, "FB");
  put_number(extra, padding, 2);
  put_repeated(extra, 'Z', (size_t)padding);
}

static void put_local(struct bytes *out, const struct zip_header *h) {
  put_number(out, h->signature, 4);
  put_number(out, h->version, 2);
  put_number(out, h->flags, 2);
  put_number(out, h->method, 2);
  put_number(out, 0, 4); /* time, date */
  put_number(out, h->crc, 4);
  put_number(out, h->csize, 4);
  put_number(out, h->size, 4);
  put_number(out, h->name.n, 2);
  put_number(out, h->extra.n, 2);
  put_span(out, h->name);
  put_span(out, h->extra);
}

static void put_descriptor(struct bytes *out, const struct zip_header *h) {
  put_number(out, h->signature, 4);
  put_number(out, h->crc, 4);
  put_number(out, h->csize, 4);
  put_number(out, h->size, 4);
}

static void write_member(struct writer *w, const struct zip_member *m, struct zip_written *written) {
  struct bytes data = {0}, extra = {0};
  put_span(w->out, m->gap);
  if (m->deflated)
    deflate_stored(m->data, &data);
  else
    put_span(&data, m->data);
  put_padding(w, m->name.n, &extra);
  struct zip_header truth = {.version = m->deflated ? 20 : 0,
                             .flags = m->data.n ? 0x808 : 0x800,
                             .name = m->name,
                             .method = m->deflated ? 8 : 0,
                             .crc = crc32_of(m->data),
                             .csize = data.n,
                             .size = m->data.n,
                             .offset = w->out->n - w->start};
  *written = (struct zip_written){.offset = truth.offset, .header = truth};
  struct zip_header local = truth;
  local.signature = 0x04034b50;
  local.crc = local.csize = local.size = 0;
  local.extra = bytes_span(&extra);
  bend_header(w->plan, m->name, "local", &local);
  put_local(w->out, &local);
  put_span(w->out, bytes_span(&data));
  truth.signature = 0x08074b50;
  bend_header(w->plan, m->name, "descriptor", &truth);
  if (m->data.n && !m->no_descriptor) put_descriptor(w->out, &truth);
  bytes_free(&data);
  bytes_free(&extra);
}

/* ---- directory and ends ---- */

static void write_entry(const struct writer *w, const struct zip_member *m, struct zip_header h) {
  h.signature = 0x02014b50;
  bend_header(w->plan, m->name, "central", &h);
  put_number(w->out, h.signature, 4);
  put_number(w->out, 0, 2); /* made by */
  put_number(w->out, h.version, 2);
  put_number(w->out, h.flags, 2);
  put_number(w->out, h.method, 2);
  put_number(w->out, 0, 4); /* time, date */
  put_number(w->out, h.crc, 4);
  put_number(w->out, h.csize, 4);
  put_number(w->out, h.size, 4);
  put_number(w->out, h.name.n, 2);
  put_number(w->out, h.extra.n, 2);
  put_number(w->out, h.comment.n, 2);
  put_number(w->out, h.disk, 2);
  put_number(w->out, 0, 2); /* internal attributes */
  put_number(w->out, h.external, 4);
  put_number(w->out, h.offset, 4);
  put_span(w->out, h.name);
  put_span(w->out, h.extra);
  put_span(w->out, h.comment);
}

static void write_end64(const struct writer *w, struct zip_ends ends) {
  uint64_t at = w->out->n - w->start;
  ends.record_bytes = 44;
  ends.locator_at = at;
  bend_ends(w->plan, "end64", &ends);
  put_number(w->out, 0x06064b50, 4);
  put_number(w->out, ends.record_bytes, 8);
  put_number(w->out, 0x031e, 2); /* made by, needed: as torch's miniz says */
  put_number(w->out, 0x002d, 2);
  put_number(w->out, ends.disk, 4);
  put_number(w->out, ends.directory_disk, 4);
  put_number(w->out, ends.entries_here, 8);
  put_number(w->out, ends.entries, 8);
  put_number(w->out, ends.directory_bytes, 8);
  put_number(w->out, ends.directory_at, 8);
  put_number(w->out, 0x07064b50, 4);
  put_number(w->out, 0, 4);
  put_number(w->out, ends.locator_at, 8);
  put_number(w->out, 1, 4);
}

static void write_end(const struct writer *w, struct zip_ends ends) {
  bend_ends(w->plan, "end", &ends);
  put_number(w->out, 0x06054b50, 4);
  put_number(w->out, ends.disk, 2);
  put_number(w->out, ends.directory_disk, 2);
  put_number(w->out, ends.entries_here, 2);
  put_number(w->out, ends.entries, 2);
  put_number(w->out, ends.directory_bytes, 4);
  put_number(w->out, ends.directory_at, 4);
  put_number(w->out, w->plan->comment.n, 2);
  put_span(w->out, w->plan->comment);
}

void make_zip(const struct zip_plan *plan, struct bytes *out) {
  struct writer w = {.plan = plan, .out = out};
  struct zip_ends ends = {0};
  put_span(out, plan->prefix);
  w.start = out->n;
  for (size_t i = 0; i < plan->num_members; i++) write_member(&w, &plan->members[i], &w.written[i]);
  ends.directory_at = out->n - w.start;
  for (size_t i = 0; i < plan->num_members; i++) {
    if (plan->members[i].unlisted) continue;
    write_entry(&w, &plan->members[i], w.written[i].header);
    ends.entries++;
  }
  ends.entries_here = ends.entries;
  ends.directory_bytes = out->n - w.start - ends.directory_at;
  put_span(out, plan->directory_gap);
  if (!plan->no_zip64) write_end64(&w, ends);
  write_end(&w, ends);
  put_span(out, plan->trailing);
}
