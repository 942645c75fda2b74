/* Archives and streams that libarchive reads, from memory: no file is opened, no program started, and only
 * the formats and filters that are named here take part. */
#include <locale.h>
#include <sys/stat.h>
#include <time.h>

#include "base/library.h"
#include "container/unpack.h"
#include "container/zip.h"

/* The part of libarchive 3 that is used, declared here so that the build needs no headers of it. */
struct library {
  void *(*new)(void);
  int (*free)(void *archive);
  int (*tar)(void *archive);
  int (*cpio)(void *archive);
  int (*sevenzip)(void *archive);
  int (*raw)(void *archive);
  int (*gzip)(void *archive);
  int (*bzip2)(void *archive);
  int (*xz)(void *archive);
  int (*lzma)(void *archive);
  int (*lz4)(void *archive);
  int (*zstd)(void *archive);
  int (*open)(void *archive, const void *bytes, size_t n);
  int (*next)(void *archive, void **entry);
  ssize_t (*read)(void *archive, void *out, size_t n);
  int (*format)(void *archive);
  const char *(*error)(void *archive);
  const char *(*name)(void *entry);
  mode_t (*type)(void *entry);
  const char *(*hardlink)(void *entry);
  const char *(*symlink)(void *entry);
  int (*encrypted)(void *entry);
};
enum { FUNCTIONS = sizeof(struct library) / sizeof(void *) };
static const char *const names[FUNCTIONS] = {"archive_read_new",
                                             "archive_read_free",
                                             "archive_read_support_format_tar",
                                             "archive_read_support_format_cpio",
                                             "archive_read_support_format_7zip",
                                             "archive_read_support_format_raw",
                                             "archive_read_support_filter_gzip",
                                             "archive_read_support_filter_bzip2",
                                             "archive_read_support_filter_xz",
                                             "archive_read_support_filter_lzma",
                                             "archive_read_support_filter_lz4",
                                             "archive_read_support_filter_zstd",
                                             "archive_read_open_memory",
                                             "archive_read_next_header",
                                             "archive_read_data",
                                             "archive_format",
                                             "archive_error_string",
                                             "archive_entry_pathname",
                                             "archive_entry_filetype",
                                             "archive_entry_hardlink",
                                             "archive_entry_symlink",
                                             "archive_entry_is_data_encrypted"};
enum { LA_END = 1, LA_OK = 0, LA_WARN = -20, LA_FORMAT_BASE = 0xff0000, LA_RAW = 0x90000 }; /* archive.h */

/* A loaded library is a fact of the process: set once before the seal, read only afterwards. */
static struct library library;
static bool loaded;

/* Names are converted to the locale's characters: with C.UTF-8 libarchive does it by itself, with any other
 * it would open tables under the seal; and a time zone of its own keeps it from /etc/localtime. */
static bool settle_process(void) {
  bool ready =
      setenv("TZ", "UTC0", 1) == 0 && setlocale(LC_CTYPE, "C.UTF-8"); /* NOLINT(concurrency-mt-unsafe) */
  tzset();
  return ready;
}

bool foreign_load(void) {
  if (loaded) return true;
  return loaded = library_load("libarchive.so.13", names, FUNCTIONS, &library) && settle_process();
}

/* Anything but OK means that libarchive lacks the codec and would start a program for it. */
static bool set_up(const struct unpack *u, void *a, bool stream) {
  const struct library *l = &library;
  if (u->kind == CONTAINER_TAR) return l->tar(a) == LA_OK;
  if (u->kind == CONTAINER_CPIO) return l->cpio(a) == LA_OK;
  if (u->kind == CONTAINER_SEVENZIP) return l->sevenzip(a) == LA_OK;
  int (*const filters[])(void *) = {l->gzip, l->bzip2, l->xz, l->lzma, l->lz4, l->zstd};
  for (size_t i = 0; i < ARRAY_LEN(filters); i++)
    if (filters[i](a) != LA_OK) return false;
  return l->raw(a) == LA_OK && (stream || (l->tar(a) == LA_OK && l->cpio(a) == LA_OK));
}

static bool give_up(struct unpack *u, void *a, struct span name) {
  const char *why = library.error(a);
  struct span text = arena_printf(u->arena, "%s%s%c", name.n ? ": " : "", why ? why : "damaged", 0);
  return unpack_broken(u, name, text.n ? (const char *)text.p : "");
}

static bool is_stream(void *a) { return (library.format(a) & LA_FORMAT_BASE) == LA_RAW; }

/* True: it is a regular file, or a folder, which *skip tells. */
static bool check_type(struct unpack *u, void *entry, struct span name, bool *skip) {
  mode_t type = library.type(entry);
  const char *target = library.hardlink(entry);
  if (!target) target = library.symlink(entry);
  *skip = type == S_IFDIR;
  if (target) {
    struct span to;
    bool kept = arena_copy(u->arena, span_str(target), &to);
    enum obs_kind kind = names_lead_out(span_str(target)) ? OBS_NESTED_LINK_OUT : OBS_NESTED_LINK;
    return refuse(u->obs,
                  (struct observation){.kind = kind, .subject = name, .detail = kept ? to : SPAN("")});
  }
  if (type != S_IFREG && type != S_IFDIR && type != 0)
    return refuse(u->obs, (struct observation){.kind = OBS_NESTED_SPECIAL, .subject = name});
  return true;
}

/* What a stream begins with tells whether a loader would go on: joblib unpickles it. */
static bool is_wanted(const struct unpack *u, void *a, struct span head) {
  return u->asked || (is_stream(a) && container_sniff(head) == CONTAINER_PICKLE);
}

/* A loader unpickles what comes before the break, of which the codec may have more to tell; an archiver
 * leaves the beginning of a file. False, as nothing more can be read. */
static bool break_off(struct unpack *u, void *a, struct span name, size_t n) {
  (void)!give_up(u, a, name);
  if (n == 0 || (is_stream(a) && breaks_by_codec(u->file))) return false;
  if (!is_stream(a)) return unpack_beginning(u, name, n);
  (void)!unpack_hand_out(u, name, n);
  return false;
}

/* False: nothing more can be read. */
static bool read_entry(struct unpack *u, void *a, struct span name) {
  enum { HEAD = 65536 };
  size_t room, n = 0;
  uint8_t *at = unpack_room(u, &room);
  if (room == 0) return unpack_full(u, name);
  for (;;) {
    ssize_t got = library.read(a, at + n, min_size(n ? room - n : HEAD, room - n));
    if (got < 0) return break_off(u, a, name, n);
    if (got == 0) break;
    bool first = n == 0;
    n += (size_t)got;
    if (first && !is_wanted(u, a, span_of(at, n))) return false;
    if (n == room) return unpack_full(u, name) || unpack_beginning(u, name, n);
  }
  return unpack_hand_out(u, name, n);
}

static bool take_entry(struct unpack *u, void *a, void *entry, bool *whole) {
  const char *text = library.name(entry);
  struct span name = is_stream(a) ? SPAN("data") : SPAN("");
  bool skip;
  if (!name.n && !arena_copy(u->arena, span_first(span_str(text), INNER_NAME_MAX), &name))
    return unpack_broken(u, SPAN(""), "out of memory");
  names_check(u->obs, name, 0);
  bool plain = check_type(u, entry, name, &skip);
  if (plain && !skip && library.encrypted(entry))
    plain = refuse(u->obs, (struct observation){.kind = OBS_NESTED_ENCRYPTED, .subject = name});
  if (!plain) *whole = false;
  if (plain && !skip) return read_entry(u, a, name);
  if (u->out.files_left == 0) return unpack_full(u, name);
  if (!plain) inner_count(&u->out);
  return true;
}

static bool take_entries(struct unpack *u, void *a, bool *empty) {
  bool whole = true;
  for (*empty = true;; *empty = false) {
    void *entry = NULL;
    int status = library.next(a, &entry);
    if (status == LA_END) return whole;
    if (status < LA_WARN) return give_up(u, a, SPAN(""));
    if (!take_entry(u, a, entry, &whole)) return false;
  }
}

/* stream: what a compressed stream holds is no archive. empty: nothing was found inside. */
static bool read_archive(struct unpack *u, bool stream, bool *empty) {
  void *a = library.new();
  *empty = false;
  if (!a) return unpack_broken(u, SPAN(""), "out of memory");
  bool ready = set_up(u, a, stream) && library.open(a, u->file.p, u->file.n) >= LA_WARN;
  bool whole = ready ? take_entries(u, a, empty) : give_up(u, a, SPAN(""));
  library.free(a);
  return whole;
}

bool foreign_unpack(struct unpack *u) {
  bool empty;
  if (!loaded) return refuse(u->obs, (struct observation){.kind = OBS_NESTED_LIBRARY});
  bool whole = read_archive(u, false, &empty);
  /* Zeros end a tar file: any number of them, with anything behind, is an empty one to libarchive. */
  if (whole && empty && u->kind == CONTAINER_COMPRESSED) whole = read_archive(u, true, &empty);
  return whole;
}
