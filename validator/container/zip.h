/* The records of a zip archive, one struct and one reading function each (PKWARE APPNOTE 6.3), and the state
 * of one reading. Private to container/. Records are read from private copies; every offset is absolute in
 * the file. */
#ifndef CKPTLINT_CONTAINER_ZIP_H
#define CKPTLINT_CONTAINER_ZIP_H

#include "base/reader.h"
#include "container/container.h"

enum {
  ZIP_END_BYTES = 22,
  ZIP_LOCATOR_BYTES = 20,
  ZIP_END64_BYTES = 56,
  ZIP_CENTRAL_BYTES = 46,
  ZIP_LOCAL_BYTES = 30,
  ZIP_COMMENT_MAX = 0xFFFF,
  ZIP_CHUNK = 4096, /* miniz looks for the end record by so many bytes, the last of which may begin behind the
                       others */
};

enum zip_flag {
  ZIP_FLAG_ENCRYPTED = 0x0001,
  ZIP_FLAG_LEVEL = 0x0006,      /* a hint of the deflater, for method 8 only */
  ZIP_FLAG_DESCRIPTOR = 0x0008, /* sizes follow the data; torch sets it on every member that has bytes */
  ZIP_FLAG_STRONG = 0x0040,
  ZIP_FLAG_UTF8 = 0x0800,
  ZIP_FLAG_MASKED = 0x2000,
};

enum zip_extra_id {
  ZIP_EXTRA_64 = 0x0001,
  ZIP_EXTRA_PADDING = 0x4246,      /* "FB": torch's padding, bytes 'Z' */
  ZIP_EXTRA_UNICODE_PATH = 0x7075, /* Info-ZIP: another name for readers that know it */
};

enum zip_status { ZIP_OK, ZIP_SHORT, ZIP_SIGNATURE };

struct zip_end { /* APPNOTE 4.3.16 */
  uint64_t at;
  uint64_t entries_here, entries, directory_bytes, directory_at;
  uint32_t disk, directory_disk;
  uint16_t comment_len;
};

struct zip_locator { /* 4.3.15 */
  uint64_t end64_at;
  uint32_t disk, disks;
};

struct zip_central { /* 4.3.12 */
  uint64_t at;
  uint64_t csize, size, header_at;
  uint32_t crc, external, disk;
  uint16_t version_needed, flags, method;
  struct span name, extra, comment; /* of the private directory copy */
};

struct zip_local { /* 4.3.7; name and extra follow the 30 bytes and are set by the caller */
  uint64_t at;
  uint64_t csize, size;
  uint32_t crc;
  uint16_t version_needed, flags, method, name_len, extra_len;
  struct span name, extra;
};

struct zip_descriptor { /* 4.3.9, with its signature */
  uint64_t csize, size;
  uint32_t crc;
};

struct zip_extra { /* 4.5.1 */
  uint64_t at;
  uint16_t id;
  struct span body;
};

/* Each reads one record at r. ZIP_SHORT: the bytes end inside it. Nothing is consumed on failure. */
NODISCARD enum zip_status zip_read_end(struct reader *r, struct zip_end *out);
NODISCARD enum zip_status zip_read_locator(struct reader *r, struct zip_locator *out);
/* Fills the same fields as the classic record; *record_bytes is its own size field, 44 without extensions. */
NODISCARD enum zip_status zip_read_end64(struct reader *r, struct zip_end *out, uint64_t *record_bytes);
NODISCARD enum zip_status zip_read_central(struct reader *r, struct zip_central *out);
NODISCARD enum zip_status zip_read_local(struct reader *r, struct zip_local *out);
NODISCARD enum zip_status zip_read_descriptor(struct reader *r, bool wide, struct zip_descriptor *out);
NODISCARD enum zip_status zip_read_extra(struct reader *r, struct zip_extra *out);

/* The first local header from *at on, behind whose signature *at is then: `name` and `extra` of it are not
 * set. False: there is none. */
NODISCARD bool zip_find_local(struct span file, uint64_t *at, struct zip_local *out);
/* The same of central directory entries: the local header that the next one from *at on gives the place of,
 * where none begins. Its lengths, method and size are the entry's, or what stands there. */
NODISCARD bool zip_find_unsigned(struct span file, uint64_t *at, struct zip_local *out);
uint64_t zip_data_at(const struct zip_local *local); /* of its data; may lie outside the file */
/* What comes out of a raw deflate stream that may be broken or have no end: the number of bytes, of which
 * those behind a break are zeros. */
size_t zip_inflate_some(struct span packed, uint8_t *out, size_t room);

/* Where a member's record lies: local header, data, descriptor. */
struct zip_extent {
  uint64_t at, end;
  uint32_t member; /* index */
  uint16_t version_needed;
};

struct zip {
  struct container *c;
  struct arena *a;
  struct observations *o;
  const struct limits *max;
  struct zip_end end;    /* the counts and places that are believed, from the zip64 record if there is one */
  struct span directory; /* the private copy that names point into */
  struct zip_extent *extents; /* one a member; sorted by place before the tiling is checked */
  VEC(uint8_t) local;         /* name and extra field of one local header; n stays 0 */
  struct zip_extra odd_extra; /* first extra field of the directory that torch does not write; body unused */
  uint32_t num_odd_extras;
};

/* What was seen at a place of the file, alone or of the member called `name`; zip_refuse* answer false. */
static inline void zip_note_of(struct zip *z, enum obs_kind kind, uint64_t at, struct span name, uint64_t got,
                               uint64_t want) {
  observe(z->o, (struct observation){.kind = kind, .at = at, .got = got, .want = want, .subject = name});
}
static inline void zip_note(struct zip *z, enum obs_kind kind, uint64_t at, uint64_t got, uint64_t want) {
  zip_note_of(z, kind, at, (struct span){0}, got, want);
}
NODISCARD static inline bool zip_refuse_of(struct zip *z, enum obs_kind kind, uint64_t at, struct span name,
                                           uint64_t got, uint64_t want) {
  zip_note_of(z, kind, at, name, got, want);
  return false;
}
NODISCARD static inline bool zip_refuse(struct zip *z, enum obs_kind kind, uint64_t at, uint64_t got,
                                        uint64_t want) {
  return zip_refuse_of(z, kind, at, (struct span){0}, got, want);
}
/* A run of n bytes that is nobody's. */
static inline void zip_note_run(struct zip *z, enum obs_kind kind, uint64_t at, uint64_t n, uint64_t want) {
  observe(z->o, (struct observation){.kind = kind, .at = at, .len = n, .got = n, .want = want});
}

/* ---- zip_end.c ---- */

/* The last end record of the file's last 68 KiB, which miniz and zipfile believe; false: there is none.
 * *fitting is the first one whose comment reaches the end of the file exactly, which other readers look for;
 * fitting->at is the end of the file where there is none. In a file that no one bent they are the same
 * record. */
NODISCARD bool zip_find_end(struct span file, struct zip_end *last, struct zip_end *fitting);
/* Of an end record at this place the zip64 record that its locator points to, or that stands right before the
 * locator; false: there is none. */
NODISCARD bool zip_find_end64(struct span file, uint64_t end_at, struct zip_end *out);
/* z->end: the record that is believed. */
NODISCARD bool zip_read_ends(struct zip *z);
/* The place of the directory, proved to lie before z->end. */
NODISCARD bool zip_place_directory(struct zip *z);

/* ---- zip.c ---- */

/* Reads the table of contents of c->file and tells the kind of zip. What can't be read is observed. */
void zip_open(struct container *c, struct arena *a, struct observations *o, const struct limits *max);

/* ---- zip_check.c: each observes what differs from what torch writes, and refuses nothing ---- */

void zip_check_central(struct zip *z, const struct zip_central *central);
/* Answers whether the header has a zip64 field, which makes its data descriptor the wide one. */
bool zip_check_local(struct zip *z, const struct member *m, const struct zip_local *local,
                     uint16_t version_needed);
/* The descriptor belongs to the extent: it ends behind it. */
void zip_check_descriptor(struct zip *z, const struct member *m, struct zip_extent *extent, bool wide);
void zip_check_tiling(struct zip *z);
/* What would harm whoever unpacks by this name, of any archive; `at` is the name's place in the file. */
void names_check(struct observations *o, struct span name, uint64_t at);
/* Absolute, with a drive or with `..`. */
bool names_lead_out(struct span path);

/* ---- zip_torch.c ---- */

/* Which checksums of the directory are ones: sets crc_known of every member. */
void zip_trust_checksums(struct zip *z);
/* The same for the members that torch.save writes, which is all that TORCH_ZIP should hold. */
void zip_check_torch(struct zip *z);
/* The records that torch.jit.load wants, and what the small ones say. */
void zip_check_script(struct zip *z);

/* ---- names.c: the index; names that are equal but for ASCII case are one, as for miniz ---- */

/* Adds c's newest member, or at once all that a new index has. False: budget spent. */
NODISCARD bool index_add(struct container *c, struct arena *a, const struct member *m);
NODISCARD bool index_all(struct container *c, struct arena *a);
/* The member before m that has m's name, or NULL. */
const struct member *index_twin(const struct container *c, const struct member *m);
bool names_equal_folded(struct span a, struct span b);

#endif
