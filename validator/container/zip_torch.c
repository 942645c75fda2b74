/* The members of an archive that torch.save wrote: which there are, how they are spelled, what the small ones
 * say and how the large ones lie. The list is records.def. */
#include "container/zip.h"

static bool is_digits(struct span text) {
  for (size_t i = 0; i < text.n; i++)
    if (text.p[i] < '0' || text.p[i] > '9') return false;
  return text.n > 0;
}

static bool is_number(struct span text) { return is_digits(text); }
static bool is_byteorder(struct span text) { return span_is(text, "little") || span_is(text, "big"); }

static uint64_t number_of(struct span digits) {
  uint64_t n = 0;
  for (size_t i = 0; i < digits.n; i++)
    if (!try_mul(n, 10u, &n) || !try_add(n, (uint64_t)(digits.p[i] - '0'), &n)) return UINT64_MAX;
  return n;
}

static bool is_version(struct span text) {
  if (span_ends(text, SPAN("\n"))) text.n--;
  return is_digits(text) && number_of(text) >= 1 && number_of(text) <= 10;
}

struct record {
  const char *name;
  bool needed;
  uint64_t most;
  bool (*good)(struct span text);
};

static const struct record records[] = {
#define RECORD(name, needed, most, check, why) {name, needed, most, check},
#include "container/records.def"
#undef RECORD
};

static bool is_storage(struct span short_name) {
  return span_starts(short_name, SPAN("data/")) && is_digits(span_from(short_name, 5));
}

/* The spelling that torch writes for this name, or NULL where it writes no such member. constants.pkl makes a
 * TorchScript archive for torch.load, in this spelling only, and for torch.jit.load in any. */
static const char *proper_name(struct span short_name) {
  if (names_equal_folded(short_name, SPAN("constants.pkl"))) return "constants.pkl";
  for (size_t i = 0; i < ARRAY_LEN(records); i++)
    if (names_equal_folded(short_name, span_str(records[i].name))) return records[i].name;
  return NULL;
}

static bool is_code(struct span short_name) {
  return span_starts(short_name, SPAN("code/")) || span_starts(short_name, SPAN(".data/ts_code/"));
}

static enum obs_kind judge_name(struct span short_name) {
  if (is_storage(short_name)) return OBS_NONE;
  const char *proper = proper_name(short_name);
  if (proper) return span_is(short_name, proper) ? OBS_NONE : OBS_ZIP_NAME_CASE;
  if (names_equal_folded(span_first(short_name, 5), SPAN("data/")) && is_digits(span_from(short_name, 5)))
    return OBS_ZIP_NAME_CASE;
  if (span_ends(short_name, SPAN("/")) || short_name.n == 0) return OBS_MEMBER_FOLDER;
  return is_code(short_name) ? OBS_MEMBER_CODE : OBS_MEMBER_UNEXPECTED;
}

static void check_member_name(struct zip *z, const struct member *m) {
  bool outside = z->c->top.n && m->short_name.n == m->name.n;
  enum obs_kind kind = outside ? OBS_MEMBER_OUTSIDE_TOP : judge_name(m->short_name);
  if (kind == OBS_NONE) return;
  const char *proper = proper_name(m->short_name);
  observe(z->o, (struct observation){.kind = kind,
                                     .at = m->header_at,
                                     .subject = m->name,
                                     .detail = outside  ? z->c->top
                                               : proper ? span_str(proper)
                                                        : SPAN("data/ in lower case")});
}

static void check_record(struct zip *z, const struct record *row) {
  const struct member *m = container_find(z->c, span_str(row->name));
  if (!m) {
    if (row->needed) zip_note_of(z, OBS_RECORD_MISSING, 0, span_str(row->name), 0, 0);
    return;
  }
  struct span text = SPAN("more bytes than expected");
  if (!row->good) return;
  if (m->size <= row->most) {
    if (!member_copy(z->c, m, row->most, z->a, z->o, &text) || row->good(text)) return;
  }
  observe(z->o,
          (struct observation){.kind = row->good == is_byteorder ? OBS_RECORD_BYTEORDER : OBS_RECORD_VALUE,
                               .at = m->data_at,
                               .subject = m->name,
                               .detail = text});
}

enum { TORCH_ALIGNMENT = 64 };

/* What `.storage_alignment` says, where it says something usable; else 0. */
static uint64_t storage_alignment(struct zip *z) {
  const struct member *m = container_find(z->c, SPAN(".storage_alignment"));
  struct span text;
  if (!m || m->size > 16 || !member_copy(z->c, m, 16, z->a, z->o, &text) || !is_digits(text)) return 0;
  return number_of(text);
}

static void check_member_bytes(struct zip *z, const struct member *m, uint64_t said) {
  uint64_t alignment = said ? said : TORCH_ALIGNMENT;
  if (m->method == METHOD_DEFLATED)
    zip_note_of(z, OBS_MEMBER_DEFLATED, m->header_at, m->name, m->csize, m->size);
  if (m->size && is_storage(m->short_name) && m->data_at % alignment)
    zip_note_of(z, said ? OBS_MEMBER_ALIGNMENT : OBS_MEMBER_MISALIGNED, m->data_at, m->name,
                m->data_at % alignment, alignment);
}

/* Without checksums torch writes 0 for all members, and skip_data writes 0 for all storages (format-spec
 * B.3). A 0 beside others' checksums is one that does not fit: readers that check it would not see the member
 * at all. */
void zip_trust_checksums(struct zip *z) {
  struct container *c = z->c;
  bool any = false, any_storage = false;
  for (uint32_t i = 0; i < c->num_members; i++) {
    any |= c->members[i].crc_known;
    any_storage |= c->members[i].crc_known && is_storage(c->members[i].short_name);
  }
  for (uint32_t i = 0; i < c->num_members; i++) {
    struct member *m = &c->members[i];
    if (m->size) m->crc_known = is_storage(m->short_name) ? any_storage : any;
  }
}

static void check_checksums(struct zip *z) {
  uint64_t absent = 0;
  for (uint32_t i = 0; i < z->c->num_members; i++)
    if (z->c->members[i].size && !z->c->members[i].crc_known) absent++;
  if (absent) zip_note(z, OBS_MEMBER_CRC_ABSENT, 0, absent, z->c->num_members);
}

/* From version 6 on, which some operators ask for, torch.jit.save has it in .data/version (caffe2/serialize/
 * inline_container.cc, PyTorchStreamWriter::writeEndOfFile). */
void zip_check_script(struct zip *z) {
  bool moved = container_find(z->c, SPAN(".data/version"));
  for (size_t i = 0; i < ARRAY_LEN(records); i++)
    if (!moved || strcmp(records[i].name, "version") != 0) check_record(z, &records[i]);
}

void zip_check_torch(struct zip *z) {
  const struct container *c = z->c;
  uint64_t alignment = storage_alignment(z);
  if (!c->top.n) zip_note_of(z, OBS_MEMBER_NO_TOP, c->members[0].header_at, c->members[0].name, 0, 0);
  for (uint32_t i = 0; i < c->num_members; i++) {
    check_member_name(z, &c->members[i]);
    check_member_bytes(z, &c->members[i], alignment);
  }
  for (size_t i = 0; i < ARRAY_LEN(records); i++) check_record(z, &records[i]);
  check_checksums(z);
  if (z->num_odd_extras)
    zip_note(z, OBS_ZIP_CENTRAL_EXTRA, z->odd_extra.at, z->num_odd_extras, z->odd_extra.id);
}
