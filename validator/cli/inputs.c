#include "cli/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { READ_AT_ONCE = 64 * 1024 };
#define LIST_BYTES (UINT64_C(256) << 20) /* of one list: millions of paths */

struct paths {
  VEC(const char *) list;
};
struct bytes {
  VEC(uint8_t) list;
};

static bool add_path(struct arena *a, struct paths *paths, const char *path) {
  const char **slot = vec_push(a, &paths->list, UINT32_MAX);
  if (slot) *slot = path;
  return slot != NULL;
}

/* All of a descriptor; 0, or an errno. */
static int read_all(struct arena *a, int fd, struct bytes *out) {
  for (;;) {
    if (!vec_reserve(a, &out->list, READ_AT_ONCE, LIST_BYTES)) return a->exhausted ? ENOMEM : EFBIG;
    ssize_t n = read(fd, out->list.p + out->list.n, READ_AT_ONCE);
    if (n == 0) return 0;
    if (n > 0)
      out->list.n += (uint32_t)n;
    else if (errno != EINTR)
      return errno;
  }
}

static int read_list(struct arena *a, const char *path, struct bytes *out) {
  bool standard_input = strcmp(path, "-") == 0;
  int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int err = read_all(a, fd, out);
  if (!standard_input) close(fd);
  return err;
}

/* Cuts the list into paths in place. Empty lines are nothing. */
static const char *split(struct arena *a, struct bytes *text, bool by_nul, struct paths *paths) {
  char end = by_nul ? '\0' : '\n';
  uint8_t *last = vec_push(a, &text->list, UINT32_MAX); /* a list may lack its last newline */
  if (!last) return "out of memory";
  *last = (uint8_t)end;
  char *p = (char *)text->list.p, *stop = p + text->list.n;
  while (p < stop) {
    char *line_end = memchr(p, end, (size_t)(stop - p));
    if (!by_nul && memchr(p, '\0', (size_t)(line_end - p)))
      return "a path of --files-from holds a NUL byte: is -0 missing?";
    *line_end = '\0';
    if (line_end > p && !add_path(a, paths, p)) return "out of memory";
    p = line_end + 1;
  }
  return NULL;
}

static const char *cant_read(struct arena *a, const char *path, int err) {
  struct span text = arena_printf(a, "--files-from: can't read %s: %s%c", path,
                                  err == EFBIG ? "over 256 MiB" : strerrordesc_np(err), 0);
  return text.n ? (const char *)text.p : "out of memory";
}

static uint32_t times_stdin(const struct paths *paths) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < paths->list.n; i++) n += strcmp(paths->list.p[i], "-") == 0;
  return n;
}

const char *inputs_collect(const struct options *o, struct arena *a, struct input_list *out) {
  struct paths paths = {0};
  struct bytes text = {0};
  for (uint32_t i = 0; i < o->operands.list.n; i++)
    if (!add_path(a, &paths, o->operands.list.p[i])) return "out of memory";
  bool list_is_stdin = o->files_from && strcmp(o->files_from, "-") == 0;
  if (o->null && !o->files_from) return "-0 is about --files-from, which is not given";
  if (o->files_from) {
    if (list_is_stdin && times_stdin(&paths))
      return "standard input can't be both a checkpoint and the list of paths";
    int err = read_list(a, o->files_from, &text);
    if (err) return cant_read(a, o->files_from, err);
    const char *wrong = split(a, &text, o->null, &paths);
    if (wrong) return wrong;
  }
  if (!o->files_from && paths.list.n == 0) return "no path is given: see ckptlint help";
  if (times_stdin(&paths) > (list_is_stdin ? 0u : 1u))
    return "standard input can be read once, and - stands for it again";
  *out = (struct input_list){.paths = paths.list.p, .n = paths.list.n};
  return NULL;
}
