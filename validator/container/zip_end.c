/* The end of the archive: the end record, its two zip64 companions, and where they say the directory is.
 * Readers look for these records in different ways, so there must be one answer whichever way is taken. */
#include "container/zip.h"

static struct span tail_of(struct span file) {
  size_t n = min_size(file.n, ZIP_END_BYTES + ZIP_COMMENT_MAX + ZIP_CHUNK);
  return span_from(file, file.n - n);
}

bool zip_find_end(struct span file, struct zip_end *last, struct zip_end *fitting) {
  struct span left = tail_of(file);
  bool found = false;
  fitting->at = file.n;
  for (const uint8_t *p; (p = left.n ? memmem(left.p, left.n, "PK\5\6", 4) : NULL);
       left = span_from(left, 4)) {
    left = span_from(left, (size_t)(p - left.p));
    uint8_t copy[ZIP_END_BYTES];
    if (left.n < sizeof copy) break;
    memcpy(copy, left.p, sizeof copy);
    struct reader r = reader_of(span_of(copy, sizeof copy), file.n - left.n);
    struct zip_end end;
    if (zip_read_end(&r, &end) != ZIP_OK) continue; /* the mapping changed meanwhile */
    found = true;
    *last = end;
    if (fitting->at == file.n && left.n - ZIP_END_BYTES == end.comment_len) *fitting = end;
  }
  return found;
}

static void check_end(struct zip *z, const struct zip_end *end, const struct zip_end *fitting) {
  uint64_t size = z->c->file.n, comment = end->comment_len;
  uint64_t comment_at = end->at + ZIP_END_BYTES, behind = size - comment_at;
  if (fitting->at < size && fitting->at != end->at) zip_note(z, OBS_ZIP_SECOND_END, fitting->at, 0, end->at);
  if (comment) zip_note(z, OBS_ZIP_COMMENT, comment_at, comment, 0);
  if (comment > behind) zip_note(z, OBS_ZIP_COMMENT_LENGTH, end->at + 20, comment, behind);
  if (comment < behind) zip_note_run(z, OBS_ZIP_TRAILING, comment_at + comment, behind - comment, 0);
}

/* A 32- or 16-bit field of the classic record beside its zip64 twin: equal, or saturated where that does not
 * fit. 7z takes some records that are saturated without need for broken. */
static void agree(struct zip *z, uint64_t at, uint64_t classic, uint64_t saturated, uint64_t wide,
                  const char *field) {
  if (classic == min_u64(wide, saturated)) return;
  observe(z->o,
          (struct observation){
              .kind = OBS_ZIP_END_FIELD, .at = at, .got = classic, .want = wide, .subject = span_str(field)});
}

static void compare_ends(struct zip *z, const struct zip_end *classic, const struct zip_end *wide) {
  agree(z, classic->at + 4, classic->disk, UINT16_MAX, wide->disk, "number of this disk");
  agree(z, classic->at + 6, classic->directory_disk, UINT16_MAX, wide->directory_disk,
        "disk of the directory");
  agree(z, classic->at + 8, classic->entries_here, UINT16_MAX, wide->entries_here, "entries on this disk");
  agree(z, classic->at + 10, classic->entries, UINT16_MAX, wide->entries, "entries");
  agree(z, classic->at + 12, classic->directory_bytes, UINT32_MAX, wide->directory_bytes,
        "bytes of the directory");
  agree(z, classic->at + 16, classic->directory_at, UINT32_MAX, wide->directory_at,
        "offset of the directory");
}

/* The locator stands right before the classic record. torch always writes both zip64 records. */
static bool read_locator(struct span file, uint64_t end_at, struct zip_locator *out) {
  uint8_t copy[ZIP_LOCATOR_BYTES];
  if (end_at < sizeof copy) return false;
  memcpy(copy, file.p + (end_at - sizeof copy), sizeof copy);
  struct reader r = reader_of(span_of(copy, sizeof copy), end_at - sizeof copy);
  return zip_read_locator(&r, out) == ZIP_OK;
}

bool zip_find_end64(struct span file, uint64_t end_at, struct zip_end *out) {
  struct zip_locator locator;
  uint8_t copy[ZIP_END64_BYTES];
  uint64_t record_bytes;
  if (!read_locator(file, end_at, &locator)) return false;
  uint64_t behind = end_at - ZIP_LOCATOR_BYTES;
  uint64_t places[] = {locator.end64_at, behind - min_u64(behind, sizeof copy)};
  for (size_t i = 0; i < ARRAY_LEN(places); i++) {
    if (places[i] > behind || behind - places[i] < sizeof copy) continue;
    memcpy(copy, file.p + places[i], sizeof copy);
    struct reader r = reader_of(span_of(copy, sizeof copy), places[i]);
    if (zip_read_end64(&r, out, &record_bytes) == ZIP_OK) return true;
  }
  return false;
}

/* Some readers go where the locator points, newer miniz first looks right before the locator: both must be
 * one place. */
static bool read_end64(struct zip *z, const struct zip_locator *locator, uint64_t locator_at,
                       struct zip_end *out) {
  uint8_t copy[ZIP_END64_BYTES];
  uint64_t at = locator->end64_at, record_bytes;
  if (locator_at < sizeof copy || at > locator_at - sizeof copy)
    return zip_refuse(z, OBS_ZIP64_END_RANGE, locator_at + 8, at, locator_at);
  memcpy(copy, z->c->file.p + at, sizeof copy);
  struct reader r = reader_of(span_of(copy, sizeof copy), at);
  if (zip_read_end64(&r, out, &record_bytes) != ZIP_OK)
    return zip_refuse(z, OBS_ZIP64_END_SIGNATURE, at, 0, 0);
  uint64_t place = locator_at - sizeof copy,
           fixed = sizeof copy - 12; /* 4.3.14.1: without its first 12 bytes */
  if (at != place) zip_note(z, OBS_ZIP64_END_PLACE, locator_at + 8, at, place);
  if (record_bytes != fixed) zip_note(z, OBS_ZIP64_END_SIZE, at + 4, record_bytes, fixed);
  return true;
}

static bool check_disks(struct zip *z, const struct zip_end *end) {
  if (end->disk || end->directory_disk)
    return zip_refuse(z, OBS_ZIP_DISKS, end->at + (z->c->zip64 ? 16 : 4),
                      max_u64(end->disk, end->directory_disk), 0);
  if (end->entries_here != end->entries)
    return zip_refuse(z, OBS_ZIP_DISK_ENTRIES, end->at + (z->c->zip64 ? 24 : 8), end->entries_here,
                      end->entries);
  return true;
}

bool zip_read_ends(struct zip *z) {
  struct zip_end classic, fitting;
  struct zip_locator locator;
  if (!zip_find_end(z->c->file, &classic, &fitting)) return zip_refuse(z, OBS_ZIP_NO_END, z->c->file.n, 0, 0);
  check_end(z, &classic, &fitting);
  z->end = classic;
  z->c->zip64 = read_locator(z->c->file, classic.at, &locator);
  if (z->c->zip64) {
    uint64_t at = classic.at - ZIP_LOCATOR_BYTES;
    if (locator.disk != 0) return zip_refuse(z, OBS_ZIP_DISKS, at + 4, locator.disk, 0);
    if (locator.disks != 1) return zip_refuse(z, OBS_ZIP_DISKS, at + 16, locator.disks, 1);
    if (!read_end64(z, &locator, at, &z->end)) return false;
    compare_ends(z, &classic, &z->end);
  }
  return check_disks(z, &z->end);
}

/* zipfile takes the directory to end at the end records and shifts every offset by what lies between; torch
 * does not. */
bool zip_place_directory(struct zip *z) {
  const struct zip_end *end = &z->end;
  uint64_t directory_end;
  if (!try_add(end->directory_at, end->directory_bytes, &directory_end) || directory_end > end->at)
    return zip_refuse(z, OBS_ZIP_DIRECTORY_RANGE, end->at + (z->c->zip64 ? 40 : 12), end->directory_at,
                      end->at);
  if (directory_end != end->at)
    zip_note_run(z, OBS_ZIP_DIRECTORY_GAP, directory_end, end->at - directory_end, 0);
  z->c->directory_at = end->directory_at;
  z->c->directory_bytes = end->directory_bytes;
  return true;
}
