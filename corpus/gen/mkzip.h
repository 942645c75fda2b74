/* A zip archive as torch.save writes it, or bent: every field of every header, each of its own.
 * Canonical (format-spec B.2): the first local header at 0; every member stored,
 * flags 0x808 in both headers (0x800 when empty), local CRC and sizes 0; one extra field FB of 'Z' in the
 * local header, so that the data begins at a multiple of 64; a 16-byte data descriptor behind it; a plain
 * central directory; zip64 end record, locator, end record without a comment. */
#ifndef CKPTLINT_CORPUS_GEN_MKZIP_H
#define CKPTLINT_CORPUS_GEN_MKZIP_H

#include "corpus/gen/text.h"

/* What a header says. The same struct serves local headers, directory entries and data descriptors, each of
 * which writes the fields that it has. */
struct zip_header {
  uint64_t signature, version, flags, method, crc, csize, size, disk, external, offset;
  struct span name, extra, comment;
};
struct zip_ends {
  uint64_t disk, directory_disk, entries_here, entries, directory_bytes, directory_at;
  uint64_t record_bytes, locator_at; /* of the zip64 end record and its locator only */
};

/* `bend MEMBER local.flags 0x809`, `bend end.entries 2`: one field that is not as torch writes it. */
struct zip_bend {
  struct span member, field; /* "local.flags"; member is empty for the end records */
  struct span text;
  int64_t number;
};

struct zip_member {
  struct span name, data;
  bool is_program; /* its data is the case's pickle program */
  bool deflated, no_descriptor, unlisted;
  struct span gap; /* bytes before its local header */
};

enum { ZIP_MEMBERS = 40, ZIP_BENDS = 24 };
struct zip_plan {
  struct zip_member members[ZIP_MEMBERS];
  size_t num_members;
  struct zip_bend bends[ZIP_BENDS];
  size_t num_bends;
  struct span prefix, directory_gap, comment, trailing; /* prefix: offsets count from behind it */
  bool no_zip64;
};

void make_zip(const struct zip_plan *plan, struct bytes *out);

#endif
