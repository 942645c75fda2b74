/* One function a record, fields in the order of APPNOTE 6.3. Nothing is judged here. */
#include "container/zip.h"

enum {
  SIG_LOCAL = 0x04034b50,
  SIG_CENTRAL = 0x02014b50,
  SIG_END = 0x06054b50,
  SIG_END64 = 0x06064b50,
  SIG_LOCATOR = 0x07064b50,
  SIG_DESCRIPTOR = 0x08074b50,
};

/* The fixed part of a record: all of it, with its signature, or nothing is consumed. */
static enum zip_status take_fixed(struct reader *r, uint32_t signature, uint64_t n, const uint8_t **p) {
  struct reader ahead = *r;
  struct span s;
  if (!reader_take(&ahead, n, &s)) return ZIP_SHORT;
  if (load_u32le(s.p) != signature) return ZIP_SIGNATURE;
  *p = s.p;
  *r = ahead;
  return ZIP_OK;
}

enum zip_status zip_read_end(struct reader *r, struct zip_end *out) {
  const uint8_t *p;
  uint64_t at = r->at;
  enum zip_status status = take_fixed(r, SIG_END, ZIP_END_BYTES, &p);
  if (status != ZIP_OK) return status;
  *out = (struct zip_end){
      .at = at,
      .disk = load_u16le(p + 4),
      .directory_disk = load_u16le(p + 6),
      .entries_here = load_u16le(p + 8),
      .entries = load_u16le(p + 10),
      .directory_bytes = load_u32le(p + 12),
      .directory_at = load_u32le(p + 16),
      .comment_len = load_u16le(p + 20),
  };
  return ZIP_OK;
}

enum zip_status zip_read_locator(struct reader *r, struct zip_locator *out) {
  const uint8_t *p;
  enum zip_status status = take_fixed(r, SIG_LOCATOR, ZIP_LOCATOR_BYTES, &p);
  if (status != ZIP_OK) return status;
  *out = (struct zip_locator){
      .disk = load_u32le(p + 4),
      .end64_at = load_u64le(p + 8),
      .disks = load_u32le(p + 16),
  };
  return ZIP_OK;
}

enum zip_status zip_read_end64(struct reader *r, struct zip_end *out, uint64_t *record_bytes) {
  const uint8_t *p;
  uint64_t at = r->at;
  enum zip_status status = take_fixed(r, SIG_END64, ZIP_END64_BYTES, &p);
  if (status != ZIP_OK) return status;
  *record_bytes = load_u64le(p + 4); /* then version made by and version needed: 0x031E and 0x002D */
  *out = (struct zip_end){
      .at = at,
      .disk = load_u32le(p + 16),
      .directory_disk = load_u32le(p + 20),
      .entries_here = load_u64le(p + 24),
      .entries = load_u64le(p + 32),
      .directory_bytes = load_u64le(p + 40),
      .directory_at = load_u64le(p + 48),
  };
  return ZIP_OK;
}

enum zip_status zip_read_central(struct reader *r, struct zip_central *out) {
  const uint8_t *p;
  struct reader ahead = *r;
  enum zip_status status = take_fixed(&ahead, SIG_CENTRAL, ZIP_CENTRAL_BYTES, &p);
  if (status != ZIP_OK) return status;
  *out = (struct zip_central){
      .at = r->at,
      .version_needed = load_u16le(p + 6), /* after version made by */
      .flags = load_u16le(p + 8),
      .method = load_u16le(p + 10), /* then time and date */
      .crc = load_u32le(p + 16),
      .csize = load_u32le(p + 20),
      .size = load_u32le(p + 24),
      .disk = load_u16le(p + 34), /* then internal attributes */
      .external = load_u32le(p + 38),
      .header_at = load_u32le(p + 42),
  };
  if (!reader_take(&ahead, load_u16le(p + 28), &out->name) ||
      !reader_take(&ahead, load_u16le(p + 30), &out->extra) ||
      !reader_take(&ahead, load_u16le(p + 32), &out->comment))
    return ZIP_SHORT;
  *r = ahead;
  return ZIP_OK;
}

enum zip_status zip_read_local(struct reader *r, struct zip_local *out) {
  const uint8_t *p;
  uint64_t at = r->at;
  enum zip_status status = take_fixed(r, SIG_LOCAL, ZIP_LOCAL_BYTES, &p);
  if (status != ZIP_OK) return status;
  *out = (struct zip_local){
      .at = at,
      .version_needed = load_u16le(p + 4),
      .flags = load_u16le(p + 6),
      .method = load_u16le(p + 8), /* then time and date */
      .crc = load_u32le(p + 14),
      .csize = load_u32le(p + 18),
      .size = load_u32le(p + 22),
      .name_len = load_u16le(p + 26),
      .extra_len = load_u16le(p + 28),
  };
  return ZIP_OK;
}

enum zip_status zip_read_descriptor(struct reader *r, bool wide, struct zip_descriptor *out) {
  const uint8_t *p;
  enum zip_status status = take_fixed(r, SIG_DESCRIPTOR, wide ? 24 : 16, &p);
  if (status != ZIP_OK) return status;
  out->crc = load_u32le(p + 4);
  out->csize = wide ? load_u64le(p + 8) : load_u32le(p + 8);
  out->size = wide ? load_u64le(p + 16) : load_u32le(p + 12);
  return ZIP_OK;
}

enum zip_status zip_read_extra(struct reader *r, struct zip_extra *out) {
  struct reader ahead = *r;
  uint16_t len;
  out->at = r->at;
  if (!reader_u16le(&ahead, &out->id) || !reader_u16le(&ahead, &len) || !reader_take(&ahead, len, &out->body))
    return ZIP_SHORT;
  *r = ahead;
  return ZIP_OK;
}
