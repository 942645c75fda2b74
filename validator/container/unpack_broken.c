/* What comes out of a damaged stream before the break: a loader unpickles it. libarchive gives nothing of the
 * block in which a stream breaks, so the codecs are asked themselves. */
#include "base/library.h"
#include "container/unpack.h"

/* The parts of zlib 1 (zlib.h), libbz2 1.0 (bzlib.h) and liblzma 5 (lzma/base.h) that are used, declared here
 * so that the build needs no headers of them. libarchive depends on all three. */
struct zlib_stream {
  const uint8_t *next_in;
  unsigned avail_in;
  unsigned long total_in;
  uint8_t *next_out;
  unsigned avail_out;
  unsigned long total_out;
  void *message, *state, *alloc, *free, *opaque;
  int data_type;
  unsigned long check, reserved;
};
struct bzip2_stream {
  const uint8_t *next_in;
  unsigned avail_in, total_in[2];
  uint8_t *next_out;
  unsigned avail_out, total_out[2];
  void *state, *alloc, *free, *opaque;
};
struct lzma_stream {
  const uint8_t *next_in;
  size_t avail_in;
  uint64_t total_in;
  uint8_t *next_out;
  size_t avail_out;
  uint64_t total_out;
  void *allocator, *state, *reserved_pointers[4];
  uint64_t seek, reserved_numbers[3];
  int reserved_enums[2];
};
static struct {
  int (*begin)(struct zlib_stream *s, int window_bits, const char *version, int size);
  int (*step)(struct zlib_stream *s, int flush);
  int (*end)(struct zlib_stream *s);
} zlib;
static struct {
  int (*begin)(struct bzip2_stream *s, int verbosity, int small);
  int (*step)(struct bzip2_stream *s);
  int (*end)(struct bzip2_stream *s);
} bzip2;
static struct {
  int (*begin)(struct lzma_stream *s, uint64_t memory, uint32_t flags);
  int (*step)(struct lzma_stream *s, int action);
  void (*end)(struct lzma_stream *s);
} lzma;
static const char *const zlib_names[] = {"inflateInit2_", "inflate", "inflateEnd"};
static const char *const bzip2_names[] = {"BZ2_bzDecompressInit", "BZ2_bzDecompress", "BZ2_bzDecompressEnd"};
static const char *const lzma_names[] = {"lzma_auto_decoder", "lzma_code", "lzma_end"};
enum { CODEC_OK = 0, ZLIB_STREAM_END = 1, BZIP2_STREAM_END = 4 };
enum { ZLIB_OR_GZIP = 15 + 32, LZMA_CONCATENATED = 8 };
enum { DICTIONARY_MAX = 256 << 20, STEP_MAX = 1 << 30 }; /* the former as the unpack worker has room for */

static bool is_bzip2(struct span s) { return span_starts(s, SPAN("BZh")); }
static bool is_lzma(struct span s) {
  return span_starts(s, SPAN("\xfd"
                             "7zXZ")) ||
         span_starts(s, SPAN("\x5d\0"));
}
bool breaks_by_codec(struct span s) { return is_gzip(s) || is_bzip2(s) || is_lzma(s); }

/* Facts of the process: set once before the seal. */
static bool have_zlib, have_bzip2, have_lzma;

void codecs_load(void) {
  have_zlib = have_zlib || library_load("libz.so.1", zlib_names, ARRAY_LEN(zlib_names), &zlib);
  have_bzip2 = have_bzip2 || library_load("libbz2.so.1.0", bzip2_names, ARRAY_LEN(bzip2_names), &bzip2);
  have_lzma = have_lzma || library_load("liblzma.so.5", lzma_names, ARRAY_LEN(lzma_names), &lzma);
}

// NOLINTBEGIN(readability-non-const-parameter): what a codec is given to write to is written
/* One stream of zlib or gzip, of which *in is what is left; answers false if it breaks or fills the room. */
static bool zlib_one(struct span *in, uint8_t *at, size_t room, size_t *n) {
  struct zlib_stream s = {.next_in = in->p,
                          .avail_in = (unsigned)min_size(in->n, STEP_MAX),
                          .next_out = at,
                          .avail_out = (unsigned)min_size(room, STEP_MAX)};
  if (zlib.begin(&s, ZLIB_OR_GZIP, "1", (int)sizeof s) != CODEC_OK) return false;
  int status = zlib.step(&s, 0);
  (void)zlib.end(&s);
  *n = (size_t)(s.next_out - at);
  *in = span_from(*in, (size_t)(s.next_in - in->p));
  return status == ZLIB_STREAM_END;
}

static bool bzip2_one(struct span *in, uint8_t *at, size_t room, size_t *n) {
  struct bzip2_stream s = {.next_in = in->p,
                           .avail_in = (unsigned)min_size(in->n, STEP_MAX),
                           .next_out = at,
                           .avail_out = (unsigned)min_size(room, STEP_MAX)};
  if (bzip2.begin(&s, 0, 0) != CODEC_OK) return false;
  int status = bzip2.step(&s);
  (void)bzip2.end(&s);
  *n = (size_t)(s.next_out - at);
  *in = span_from(*in, (size_t)(s.next_in - in->p));
  return status == BZIP2_STREAM_END;
}

/* Streams in a row are one. */
static size_t prefix(bool (*one)(struct span *in, uint8_t *at, size_t room, size_t *n), struct span stream,
                     uint8_t *at, size_t room) {
  size_t done = 0, n = 0;
  while (stream.n && done < room && one(&stream, at + done, room - done, &n)) {
    done += n;
    n = 0;
  }
  return done + n;
}

static size_t lzma_prefix(struct span stream, uint8_t *at, size_t room) {
  struct lzma_stream s = {.next_in = stream.p, .avail_in = stream.n, .next_out = at, .avail_out = room};
  if (lzma.begin(&s, DICTIONARY_MAX, LZMA_CONCATENATED) != CODEC_OK) return 0;
  while (s.avail_out && lzma.step(&s, 0) == CODEC_OK) continue; /* without progress it is an error */
  lzma.end(&s);
  return room - s.avail_out;
}
// NOLINTEND(readability-non-const-parameter)

size_t broken_prefix(struct span stream, uint8_t *at, size_t room) {
  if (is_lzma(stream)) return have_lzma ? lzma_prefix(stream, at, room) : 0;
  if (is_bzip2(stream)) return have_bzip2 ? prefix(bzip2_one, stream, at, room) : 0;
  bool zlib_reads = is_gzip(stream) || span_starts(stream, SPAN("x"));
  return zlib_reads && have_zlib ? prefix(zlib_one, stream, at, room) : 0;
}
