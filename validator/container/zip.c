/* The way through a zip archive: end records, central directory, names, local headers, tiling. The records
 * are read in zip_record.c, the end records are chosen in zip_end.c, deviations from torch's own form are
 * observed in zip_check.c. */
#include "container/zip.h"

/* ---- central directory ---- */

static bool make_room(struct zip *z) {
  struct container *c = z->c;
  const struct zip_end *end = &z->end;
  if (end->entries > end->directory_bytes / ZIP_CENTRAL_BYTES)
    return zip_refuse(z, OBS_ZIP_DIRECTORY_COUNT, end->at, end->entries, end->directory_bytes);
  if (end->entries > min_u64(z->max->zip_members, UINT32_MAX - 1))
    return zip_refuse(z, OBS_LIMIT_MEMBERS, end->at, end->entries, z->max->zip_members);
  struct span mapped =
      span_first(span_from(c->file, (size_t)end->directory_at), (size_t)end->directory_bytes);
  if (arena_copy(z->a, mapped, &z->directory) &&
      vec_reserve(z->a, &c->table, end->entries, z->max->zip_members) &&
      (z->extents = arena_array(z->a, (size_t)end->entries, struct zip_extent)))
    return true;
  return zip_refuse(z, OBS_LIMIT_MEMORY, end->directory_at, z->a->budget, 0);
}

/* 4.5.3: a 64-bit number stands in the field only for a saturated 32-bit one, in this order. */
static bool resolve_zip64(struct zip *z, struct zip_central *central, const struct zip_extra *extra) {
  struct reader r = reader_of(extra->body, extra->at + 4);
  uint64_t *fields[] = {&central->size, &central->csize, &central->header_at};
  for (size_t i = 0; i < ARRAY_LEN(fields); i++)
    if (*fields[i] == UINT32_MAX && !reader_u64le(&r, fields[i]))
      return zip_refuse_of(z, OBS_ZIP64_FIELD_SHORT, extra->at, central->name, extra->body.n, 0);
  /* Readers that take the numbers whether or not they are called for see another member. */
  if (!reader_done(&r)) zip_note_of(z, OBS_ZIP64_FIELD_REST, r.at, central->name, r.left.n, 0);
  return true;
}

static bool read_central_extra(struct zip *z, struct zip_central *central) {
  struct reader r = reader_of(central->extra, central->at + ZIP_CENTRAL_BYTES + central->name.n);
  bool wide = false;
  while (!reader_done(&r)) {
    struct zip_extra extra;
    if (zip_read_extra(&r, &extra) != ZIP_OK)
      return zip_refuse_of(z, OBS_ZIP_EXTRA_SHORT, r.at, central->name, 0, 0);
    if (extra.id == ZIP_EXTRA_64) {
      if (wide)
        zip_note_of(z, OBS_ZIP64_FIELD_TWICE, extra.at, central->name, 0, 0);
      else if (!resolve_zip64(z, central, &extra))
        return false;
      wide = true;
    } else if (z->num_odd_extras++ == 0) {
      z->odd_extra = extra;
    }
    if (extra.id == ZIP_EXTRA_UNICODE_PATH)
      zip_note_of(z, OBS_ZIP_UNICODE_PATH, extra.at, central->name, 0, 0);
  }
  return true;
}

static void add_member(struct zip *z, const struct zip_central *central) {
  struct container *c = z->c;
  z->extents[c->table.n] = (struct zip_extent){.at = central->header_at,
                                               .end = central->header_at,
                                               .member = c->table.n,
                                               .version_needed = central->version_needed};
  c->table.p[c->table.n++] = (struct member){
      .name = central->name,
      .short_name = central->name,
      .header_at = central->header_at,
      .data_at = central->header_at,
      .csize = central->csize,
      .size = central->size,
      .crc = central->crc,
      .method = central->method,
      .flags = central->flags,
      .crc_known = central->crc != 0,
  };
  c->members = c->table.p;
  c->num_members = c->table.n;
}

static bool read_entry(struct zip *z, struct reader *r) {
  struct zip_central central;
  switch (zip_read_central(r, &central)) {
  case ZIP_OK: break;
  case ZIP_SHORT: return zip_refuse(z, OBS_ZIP_CENTRAL_SHORT, r->at, z->c->num_members, z->end.entries);
  case ZIP_SIGNATURE:
    return zip_refuse(z, OBS_ZIP_CENTRAL_SIGNATURE, r->at, z->c->num_members, z->end.entries);
  }
  if (central.name.n > z->max->zip_name_bytes)
    return zip_refuse(z, OBS_LIMIT_NAME, central.at, central.name.n, z->max->zip_name_bytes);
  if (!read_central_extra(z, &central)) return false;
  zip_check_central(z, &central);
  add_member(z, &central);
  return true;
}

/* miniz stops after the count of entries, zipfile at the end of the directory: both must be one place. */
static bool read_directory(struct zip *z) {
  if (!make_room(z)) return false;
  struct reader r = reader_of(z->directory, z->end.directory_at);
  for (uint64_t i = 0; i < z->end.entries; i++)
    if (!read_entry(z, &r)) return false;
  if (!reader_done(&r)) zip_note_run(z, OBS_ZIP_DIRECTORY_REST, r.at, r.left.n, z->end.entries);
  return true;
}

/* ---- names ---- */

/* Where the member's directory entry begins in the file. */
static uint64_t entry_at(const struct zip *z, const struct member *m) {
  return z->end.directory_at + (uint64_t)(m->name.p - z->directory.p) - ZIP_CENTRAL_BYTES;
}

/* torch takes TOP from the first entry, up to its first slash, and every other name must begin with it. */
static void find_top(struct container *c) {
  if (c->num_members == 0 || c->members[0].name.n == 0) return;
  struct span first = c->members[0].name;
  const uint8_t *slash = memchr(first.p, '/', first.n);
  if (slash) c->top = span_first(first, (size_t)(slash - first.p));
}

static bool below_top(const struct container *c, struct span name) {
  return c->top.n && span_starts(name, c->top) && name.n > c->top.n && name.p[c->top.n] == '/';
}

static bool index_names(struct zip *z) {
  struct container *c = z->c;
  find_top(c);
  if (!index_all(c, z->a)) return zip_refuse(z, OBS_LIMIT_MEMORY, c->directory_at, z->a->budget, 0);
  for (uint32_t i = 0; i < c->num_members; i++) {
    struct member *m = &c->members[i];
    const struct member *twin = index_twin(c, m);
    if (below_top(c, m->name)) m->short_name = span_from(m->name, c->top.n + 1);
    if (twin)
      observe(z->o, (struct observation){
                        .kind = span_eq(twin->name, m->name) ? OBS_ZIP_NAME_TWICE : OBS_ZIP_NAME_CASE_TWIN,
                        .at = entry_at(z, m) + ZIP_CENTRAL_BYTES,
                        .got = i + 1,
                        .want = member_number(c, twin),
                        .subject = m->name,
                        .detail = twin->name});
  }
  return true;
}

/* ---- kind ---- */

static bool has(const struct container *c, const char *short_name) {
  const struct member *m = container_find(c, span_str(short_name));
  return m && span_is(m->short_name, short_name);
}

static bool any_npy(const struct container *c) {
  for (uint32_t i = 0; i < c->num_members; i++)
    if (span_ends(c->members[i].name, SPAN(".npy"))) return true;
  return false;
}

/* The first AOTInductor packages had nothing but this folder. */
static bool has_inductor(const struct container *c) {
  for (uint32_t i = 0; i < c->num_members; i++)
    if (span_starts(c->members[i].short_name, SPAN("data/aotinductor/")) ||
        span_starts(c->members[i].name, SPAN("data/aotinductor/")))
      return true;
  return false;
}

static bool is_package(const struct container *c) {
  return has(c, ".data/extern_modules") || (has(c, ".data/version") && has(c, ".data/python_version"));
}

/* torch.load asks for constants.pkl, in this spelling, and unpickles data.pkl, in any, where there is none:
 * what it would unpickle is judged, whatever else lies beside it. Then format-spec B.7; torch.export 2.1
 * to 2.7 had no folder. */
static enum container_kind kind_by_names(const struct container *c) {
  if (has(c, "constants.pkl")) return CONTAINER_TORCHSCRIPT;
  if (container_find(c, SPAN("data.pkl"))) return CONTAINER_TORCH_ZIP;
  if (has(c, "archive_format") || has(c, "serialized_exported_program.json") || has_inductor(c))
    return CONTAINER_PT2;
  if (is_package(c)) return CONTAINER_TORCH_PACKAGE;
  if (has(c, "model.json")) return CONTAINER_TORCHSCRIPT; /* torch 1.0 to 1.3 */
  if (!c->top.n && has(c, "data") && has(c, "_stable_baselines3_version")) return CONTAINER_STABLE_BASELINES3;
  return any_npy(c) ? CONTAINER_NPZ : CONTAINER_OTHER_ZIP;
}

/* Whatever the names: numpy looks at the bytes. */
static bool has_arrays(const struct container *c) {
  for (uint32_t i = 0; i < c->num_members; i++)
    if (member_is_array(c, &c->members[i])) return true;
  return false;
}

/* What a download that was cut off would have become: torch.save writes TOP/data.pkl first. */
static enum container_kind kind_by_first_record(struct span file) {
  uint8_t copy[ZIP_LOCAL_BYTES + 512];
  struct span head = span_of(copy, min_size(file.n, sizeof copy)), name;
  memcpy(copy, file.p, head.n);
  struct reader r = reader_of(head, 0);
  struct zip_local local;
  bool torch = zip_read_local(&r, &local) == ZIP_OK && reader_take(&r, local.name_len, &name) &&
               span_ends(name, SPAN("/data.pkl"));
  return torch ? CONTAINER_TORCH_ZIP : CONTAINER_OTHER_ZIP;
}

/* ---- local headers ---- */

static bool refuse_member(struct zip *z, enum obs_kind kind, const struct member *m, uint64_t at,
                          uint64_t got) {
  return zip_refuse_of(z, kind, at, m->name, got, z->c->directory_at);
}

/* The header, with its name and extra field in z->local; *room is what is left before the directory. */
static bool copy_local(struct zip *z, const struct member *m, struct zip_local *out, uint64_t *room) {
  if (m->header_at > z->c->directory_at || z->c->directory_at - m->header_at < ZIP_LOCAL_BYTES)
    return refuse_member(z, OBS_ZIP_LOCAL_RANGE, m, entry_at(z, m) + 42, m->header_at);
  const uint8_t *mapped = z->c->file.p + m->header_at;
  uint8_t fixed[ZIP_LOCAL_BYTES];
  memcpy(fixed, mapped, sizeof fixed);
  struct reader r = reader_of(span_of(fixed, sizeof fixed), m->header_at);
  if (zip_read_local(&r, out) != ZIP_OK)
    return refuse_member(z, OBS_ZIP_LOCAL_SIGNATURE, m, m->header_at, m->header_at);
  size_t behind = (size_t)out->name_len + out->extra_len;
  *room = z->c->directory_at - m->header_at - ZIP_LOCAL_BYTES;
  if (behind > *room) return refuse_member(z, OBS_ZIP_LOCAL_RANGE, m, m->header_at + 26, m->header_at);
  if (!vec_reserve(z->a, &z->local, behind, UINT64_C(2) * UINT16_MAX))
    return zip_refuse_of(z, OBS_LIMIT_MEMORY, m->header_at, m->name, z->a->budget, 0);
  if (behind) memcpy(z->local.p, mapped + ZIP_LOCAL_BYTES, behind);
  out->name = span_of(z->local.p, out->name_len);
  out->extra = span_from(span_of(z->local.p, behind), out->name_len);
  *room -= behind;
  return true;
}

/* torch finds a member's bytes by the two lengths of the local header, and so do we. */
static bool read_local(struct zip *z, struct zip_extent *extent) {
  struct member *m = &z->c->members[extent->member];
  struct zip_local local;
  uint64_t room = 0;
  if (!copy_local(z, m, &local, &room)) return false;
  m->data_at = z->c->directory_at - room;
  bool wide = zip_check_local(z, m, &local, extent->version_needed);
  if (m->csize > room) return refuse_member(z, OBS_ZIP_DATA_RANGE, m, m->data_at, m->csize);
  extent->end = m->data_at + m->csize;
  if (m->flags & ZIP_FLAG_DESCRIPTOR) zip_check_descriptor(z, m, extent, wide);
  return true;
}

static bool read_locals(struct zip *z) {
  bool all = true;
  for (uint32_t i = 0; i < z->c->num_members; i++) all = read_local(z, &z->extents[i]) && all;
  return all;
}

/* Deflate can't exceed 1032 : 1, so a larger claim is a lie or a bomb; and all members together have a
 * budget. */
static bool check_inflation(struct zip *z) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < z->c->num_members; i++) {
    const struct member *m = &z->c->members[i];
    uint64_t most;
    if (m->method != METHOD_DEFLATED) continue;
    if (try_mul(m->csize, z->max->inflate_ratio, &most) && try_add(most, 64, &most) && m->size > most)
      return refuse(z->o, (struct observation){.kind = OBS_LIMIT_INFLATE_RATIO,
                                               .member = i + 1,
                                               .got = m->size,
                                               .want = z->max->inflate_ratio,
                                               .subject = m->name});
    if (!try_add(total, m->size, &total) || total > z->max->inflate_bytes)
      return zip_refuse(z, OBS_LIMIT_INFLATE_BYTES, m->header_at, total, z->max->inflate_bytes);
  }
  return true;
}

void zip_open(struct container *c, struct arena *a, struct observations *o, const struct limits *max) {
  struct zip z = {.c = c, .a = a, .o = o, .max = max};
  c->kind = kind_by_first_record(c->file);
  if (!zip_read_ends(&z) || !zip_place_directory(&z) || !read_directory(&z) || !index_names(&z)) return;
  c->kind = kind_by_names(c);
  zip_trust_checksums(&z);
  bool whole = read_locals(&z);
  if (c->kind == CONTAINER_OTHER_ZIP && whole && has_arrays(c)) c->kind = CONTAINER_NPZ;
  if (whole) zip_check_tiling(&z);
  c->usable = whole && check_inflation(&z);
  if (c->usable && c->kind == CONTAINER_TORCH_ZIP) zip_check_torch(&z);
  if (c->usable && c->kind == CONTAINER_TORCHSCRIPT && has(c, "constants.pkl")) zip_check_script(&z);
}
