/* What deviates from the zip that torch writes, and what makes two readers of one archive disagree. Every
 * function observes and goes on: one file may deviate in many ways, and the report names each. */
#include "base/utf8.h"
#include "container/zip.h"

/* ---- names ---- */

static bool is_empty(struct span name) { return name.n == 0; }
static bool is_absolute(struct span name) { return name.n && name.p[0] == '/'; }
static bool has_backslash(struct span name) { return name.n && memchr(name.p, '\\', name.n); }

static bool has_control(struct span name) {
  for (size_t i = 0; i < name.n; i++)
    if (name.p[i] < 0x20 || name.p[i] == 0x7f) return true;
  return false;
}

static bool has_drive(struct span name) {
  return name.n >= 2 && name.p[1] == ':' && (name.p[0] | 0x20) >= 'a' && (name.p[0] | 0x20) <= 'z';
}

static bool any_part(struct span name, bool (*bad)(struct span part)) {
  for (;;) {
    const uint8_t *slash = name.n ? memchr(name.p, '/', name.n) : NULL;
    size_t n = slash ? (size_t)(slash - name.p) : name.n;
    if (bad(span_first(name, n))) return true;
    if (!slash) return false;
    name = span_from(name, n + 1);
  }
}

static bool is_parent(struct span part) { return span_is(part, ".."); }
static bool ends_in_dot(struct span part) {
  return part.n && !is_parent(part) && (part.p[part.n - 1] == '.' || part.p[part.n - 1] == ' ');
}
static bool has_parent(struct span name) { return any_part(name, is_parent); }
/* tar writes what lies in the folder that it packs under "./". */
static bool has_trailing_dot(struct span name) {
  return any_part(span_starts(name, SPAN("./")) ? span_from(name, 2) : name, ends_in_dot);
}

static const struct {
  enum obs_kind kind;
  bool (*bad)(struct span name);
} name_rules[] = {
    {OBS_ZIP_NAME_EMPTY, is_empty},          {OBS_ZIP_NAME_CONTROL, has_control},
    {OBS_ZIP_NAME_BACKSLASH, has_backslash}, {OBS_ZIP_NAME_ABSOLUTE, is_absolute},
    {OBS_ZIP_NAME_DRIVE, has_drive},         {OBS_ZIP_NAME_PARENT, has_parent},
    {OBS_ZIP_NAME_DOT, has_trailing_dot},
};

void names_check(struct observations *o, struct span name, uint64_t at) {
  for (size_t i = 0; i < ARRAY_LEN(name_rules); i++)
    if (name_rules[i].bad(name))
      observe(o, (struct observation){.kind = name_rules[i].kind, .at = at, .subject = name});
}

bool names_lead_out(struct span path) { return is_absolute(path) || has_drive(path) || has_parent(path); }

enum { TORCH_NAME_MAX = 511 }; /* torch copies names into 512 bytes, NUL included */

/* Letters, digits, '_', '-' and slashes behind them, as nearly every name: none of the rules applies. */
static bool is_plain(struct span name) {
  if (name.n == 0 || name.n > TORCH_NAME_MAX || name.p[0] == '/') return false;
  for (size_t i = 0; i < name.n; i++) {
    uint8_t c = name.p[i], letter = c | 0x20;
    if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '/' && c != '_' && c != '-')
      return false;
  }
  return true;
}

static void check_name(struct zip *z, const struct zip_central *central) {
  struct span name = central->name;
  uint64_t at = central->at + ZIP_CENTRAL_BYTES;
  if (is_plain(name)) return;
  names_check(z->o, name, at);
  if (name.n > TORCH_NAME_MAX) zip_note_of(z, OBS_ZIP_NAME_LONG, at, name, name.n, TORCH_NAME_MAX);
  bool ascii = true;
  for (size_t i = 0; ascii && i < name.n; i++) ascii = name.p[i] < 0x80;
  if (ascii) return;
  if (!(central->flags & ZIP_FLAG_UTF8))
    zip_note_of(z, OBS_ZIP_NAME_CODE_PAGE, at, name, 0, 0);
  else if (!utf8_valid(name, UTF8_STRICT))
    zip_note_of(z, OBS_ZIP_NAME_UTF8, at, name, 0, 0);
}

/* ---- central directory ---- */

enum {
  UNIX_TYPE = 0170000, /* of the mode in the upper half of the external attributes */
  UNIX_FOLDER = 0040000,
  UNIX_FILE = 0100000,
  DOS_VOLUME = 0x08, /* unzip drops the dot of such a name (process.c, IS_VOLID) */
  DOS_FOLDER = 0x10,
  VERSION_MAX = 45, /* zip64 */
};

/* miniz takes the DOS bit alone for a folder and copies nothing out of a folder: torch.load then answers a
 * tensor of whatever its memory held (seen with torch 1.13). 7z and bsdtar take the mode for one. */
static void check_attributes(struct zip *z, const struct zip_central *central) {
  uint32_t mode = central->external >> 16, type = mode & UNIX_TYPE;
  if (type && type != UNIX_FILE && type != UNIX_FOLDER)
    zip_note_of(z, OBS_ZIP_NAME_SPECIAL, central->at + 38, central->name, mode, 0);
  if (central->external & DOS_VOLUME)
    zip_note_of(z, OBS_ZIP_VOLUME_LABEL, central->at + 38, central->name, central->external, 0);
  bool folder = central->external & DOS_FOLDER || type == UNIX_FOLDER;
  if (folder && !span_ends(central->name, SPAN("/")))
    zip_note_of(z, OBS_ZIP_FOLDER_FLAG, central->at + 38, central->name, central->external, 0);
}

static uint16_t plain_flags(uint16_t method) {
  return ZIP_FLAG_DESCRIPTOR | ZIP_FLAG_UTF8 | (method == METHOD_DEFLATED ? ZIP_FLAG_LEVEL : 0);
}

static void check_flags(struct zip *z, const struct zip_central *central) {
  const uint16_t encrypted = ZIP_FLAG_ENCRYPTED | ZIP_FLAG_STRONG | ZIP_FLAG_MASKED;
  if (central->flags & encrypted)
    zip_note_of(z, OBS_ZIP_ENCRYPTED, central->at + 8, central->name, central->flags, 0);
  if (central->flags & ~encrypted & ~plain_flags(central->method))
    zip_note_of(z, OBS_ZIP_FLAGS, central->at + 8, central->name, central->flags, 0);
}

void zip_check_central(struct zip *z, const struct zip_central *central) {
  uint64_t at = central->at;
  check_name(z, central);
  check_attributes(z, central);
  check_flags(z, central);
  if ((central->version_needed & 0xff) > VERSION_MAX)
    zip_note_of(z, OBS_ZIP_VERSION_NEEDED, at + 6, central->name, central->version_needed & 0xff,
                VERSION_MAX);
  if (central->method != METHOD_STORED && central->method != METHOD_DEFLATED)
    zip_note_of(z, OBS_ZIP_METHOD, at + 10, central->name, central->method, 0);
  if (central->size && !central->csize)
    zip_note_of(z, OBS_ZIP_NO_BYTES, at + 20, central->name, 0, central->size);
  else if (central->method == METHOD_STORED && central->csize != central->size)
    zip_note_of(z, OBS_ZIP_STORED_SIZES, at + 20, central->name, central->csize, central->size);
  if (central->disk) zip_note_of(z, OBS_ZIP_DISKS, at + 34, central->name, central->disk, 0);
  if (central->comment.n)
    zip_note_of(z, OBS_ZIP_MEMBER_COMMENT, at + ZIP_CENTRAL_BYTES + central->name.n + central->extra.n,
                central->name, central->comment.n, 0);
}

/* ---- local headers ---- */

static void differ(struct zip *z, enum obs_kind kind, uint64_t at, const struct member *m, uint64_t got,
                   uint64_t want) {
  if (got != want) zip_note_of(z, kind, at, m->name, got, want);
}

/* torch's own zip64 field is odd: it stands beside 32-bit fields of 0, its stored size is 0 and it may hold
 * the offset of the header. So every number in it must be 0 or one that the directory has; a saturated field
 * takes its own. */
static void check_local64(struct zip *z, const struct member *m, const struct zip_extra *extra,
                          struct zip_local *local) {
  struct reader r = reader_of(extra->body, extra->at + 4);
  uint64_t *fields[] = {&local->size, &local->csize};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++)
    if (*fields[i] == UINT32_MAX && !reader_u64le(&r, fields[i]))
      zip_note_of(z, OBS_ZIP64_FIELD_SHORT, extra->at, m->name, extra->body.n, 0);
  while (!reader_done(&r)) {
    uint64_t at = r.at, number;
    if (!reader_u64le(&r, &number)) {
      zip_note_of(z, OBS_ZIP64_FIELD_REST, at, m->name, r.left.n, 0);
      return;
    }
    if (number && number != m->size && number != m->csize && number != m->header_at)
      zip_note_of(z, OBS_ZIP64_LOCAL, at, m->name, number, 0);
  }
}

/* The first is one, and each is as its neighbour. */
static bool all_z(struct span bytes) {
  return bytes.n == 0 || (bytes.p[0] == 'Z' && memcmp(bytes.p, bytes.p + 1, bytes.n - 1) == 0);
}

static void check_padding(struct zip *z, const struct member *m, const struct zip_extra *extra) {
  if (z->c->kind != CONTAINER_TORCH_ZIP) return;
  if (extra->id != ZIP_EXTRA_PADDING)
    zip_note_of(z, OBS_ZIP_LOCAL_EXTRA, extra->at, m->name, extra->id, 0);
  else if (!all_z(extra->body))
    zip_note_of(z, OBS_ZIP_PADDING, extra->at + 4, m->name, 0, 0);
}

static bool check_local_extra(struct zip *z, const struct member *m, struct zip_local *local) {
  struct reader r = reader_of(local->extra, local->at + ZIP_LOCAL_BYTES + local->name.n);
  bool wide = false;
  while (!reader_done(&r)) {
    struct zip_extra extra;
    if (zip_read_extra(&r, &extra) != ZIP_OK) {
      zip_note_of(z, OBS_ZIP_EXTRA_SHORT, r.at, m->name, 0, 0);
      break;
    }
    if (extra.id == ZIP_EXTRA_64) {
      check_local64(z, m, &extra, local);
      wide = true;
    } else if (extra.id == ZIP_EXTRA_UNICODE_PATH) {
      zip_note_of(z, OBS_ZIP_UNICODE_PATH, extra.at, m->name, 0, 0);
    } else {
      check_padding(z, m, &extra);
    }
  }
  return wide;
}

static void check_local_name(struct zip *z, const struct member *m, const struct zip_local *local) {
  struct span name = {0}; /* the private copy is overwritten by the next header */
  if (span_eq(local->name, m->name)) return;
  if (!arena_copy(z->a, local->name, &name)) z->o->lost = true;
  observe(
      z->o,
      (struct observation){
          .kind = OBS_ZIP_LOCAL_NAME, .at = local->at + ZIP_LOCAL_BYTES, .subject = m->name, .detail = name});
}

/* With a descriptor the header was written before the data was known, and 0 stands for what was not. */
static void differ_unless_deferred(struct zip *z, enum obs_kind kind, uint64_t at, const struct member *m,
                                   uint64_t got, uint64_t want) {
  if (got || !(m->flags & ZIP_FLAG_DESCRIPTOR)) differ(z, kind, at, m, got, want);
}

bool zip_check_local(struct zip *z, const struct member *m, const struct zip_local *local,
                     uint16_t version_needed) {
  struct zip_local l = *local;
  uint64_t at = local->at;
  check_local_name(z, m, local);
  bool wide = check_local_extra(z, m, &l);
  differ(z, OBS_ZIP_LOCAL_VERSION, at + 4, m, l.version_needed, version_needed);
  differ(z, OBS_ZIP_LOCAL_FLAGS, at + 6, m, l.flags, m->flags);
  differ(z, OBS_ZIP_LOCAL_METHOD, at + 8, m, l.method, m->method);
  differ_unless_deferred(z, OBS_ZIP_LOCAL_CRC, at + 14, m, l.crc, m->crc);
  differ_unless_deferred(z, OBS_ZIP_LOCAL_CSIZE, at + 18, m, l.csize, m->csize);
  differ_unless_deferred(z, OBS_ZIP_LOCAL_SIZE, at + 22, m, l.size, m->size);
  return wide;
}

void zip_check_descriptor(struct zip *z, const struct member *m, struct zip_extent *extent, bool wide) {
  uint8_t copy[24];
  uint64_t at = extent->end, room = z->c->directory_at - at;
  size_t n = (size_t)min_u64(room, wide ? 24 : 16);
  memcpy(copy, z->c->file.p + at, n);
  struct reader r = reader_of(span_of(copy, n), at);
  struct zip_descriptor d;
  if (zip_read_descriptor(&r, wide, &d) != ZIP_OK) {
    zip_note_of(z, OBS_ZIP_NO_DESCRIPTOR, at, m->name, 0, 0);
    return;
  }
  extent->end = r.at;
  differ(z, OBS_ZIP_DESCRIPTOR_CRC, at + 4, m, d.crc, m->crc);
  differ(z, OBS_ZIP_DESCRIPTOR_CSIZE, at + 8, m, d.csize, m->csize);
  differ(z, OBS_ZIP_DESCRIPTOR_SIZE, at + (wide ? 16 : 12), m, d.size, m->size);
}

/* ---- tiling: records fill the file from 0 to the directory, each byte once ---- */

static int by_place(const void *a, const void *b) {
  const struct zip_extent *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->member > y->member) - (x->member < y->member);
}

/* torch writes the directory in the order of the records, so there is nothing to sort in its files. */
static void sort_extents(struct zip *z) {
  uint32_t n = z->c->num_members;
  for (uint32_t i = 1; i < n; i++)
    if (z->extents[i].at < z->extents[i - 1].at) {
      qsort(z->extents, n, sizeof *z->extents, by_place);
      return;
    }
}

static void check_gap(struct zip *z, uint64_t from, uint64_t to) {
  if (from >= to) return;
  struct span gap = span_of(z->c->file.p + from, (size_t)(to - from));
  enum obs_kind kind = span_starts(gap, SPAN("PK\3\4")) ? OBS_ZIP_UNLISTED : OBS_ZIP_GAP;
  zip_note_run(z, kind, from, to - from, 0);
}

void zip_check_tiling(struct zip *z) {
  const struct container *c = z->c;
  uint64_t end = 0;
  uint32_t last = 0; /* whose end that is */
  sort_extents(z);
  for (uint32_t i = 0; i < c->num_members; i++) {
    const struct zip_extent *x = &z->extents[i];
    check_gap(z, end, x->at);
    if (x->at < end)
      observe(z->o, (struct observation){.kind = OBS_ZIP_OVERLAP,
                                         .at = x->at,
                                         .got = end - x->at,
                                         .subject = c->members[x->member].name,
                                         .detail = c->members[last].name});
    if (x->end < end) continue;
    end = x->end;
    last = x->member;
  }
  check_gap(z, end, c->directory_at);
}
