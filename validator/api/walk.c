/* Directories: the regular files below one, and the names beside a path that is not there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "api/input.h"
#include "base/near.h"
#include "model/folder.h"

enum { WALK_DEPTH = 64, NEAR_NAMES = 3 };

struct level {
  DIR *dir;
  size_t path_n; /* of its own path in the buffer */
};

static int by_bytes(const void *a, const void *b) {
  return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* Opens the directory whose path is the first n bytes of `path`; symbolic links below the first are not
 * followed. */
static bool push_level(struct level *stack, uint32_t *depth, char *path, size_t n) {
  path[n] = 0;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (*depth ? O_NOFOLLOW : 0));
  DIR *d = fd < 0 ? NULL : fdopendir(fd);
  if (!d && fd >= 0) close(fd);
  if (d) stack[(*depth)++] = (struct level){d, n};
  return d != NULL;
}

static bool is_directory(DIR *d, const struct dirent *e, bool *regular) {
  struct stat st;
  *regular = e->d_type == DT_REG;
  if (e->d_type != DT_UNKNOWN) return e->d_type == DT_DIR;
  if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  *regular = S_ISREG(st.st_mode);
  return S_ISDIR(st.st_mode);
}

static bool keep(struct path_list *out, struct arena *a, const char *path, size_t n) {
  struct span *slot = vec_push(a, &out->paths, UINT32_MAX);
  return slot && arena_copy(a, span_of(path, n), slot);
}

bool input_walk(struct path_list *out, struct arena *a, struct span directory) {
  struct level stack[WALK_DEPTH];
  char path[PATH_MAX];
  uint32_t depth = 0;
  size_t n = directory.n;
  if (n + 2 >= sizeof path) return false;
  memcpy(path, directory.p, n);
  while (n > 1 && path[n - 1] == '/') n--;
  if (!push_level(stack, &depth, path, n)) return false;
  bool ok = true;
  while (depth) {
    struct level *top = &stack[depth - 1];
    errno = 0;
    const struct dirent *e = readdir(top->dir);
    if (!e) {
      ok = ok && errno == 0;
      closedir(stack[--depth].dir);
      continue;
    }
    size_t name_n = strlen(e->d_name), base = top->path_n;
    bool dots = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0, regular;
    if (dots) continue;
    if (base + 1 + name_n >= sizeof path) {
      ok = false;
      break;
    }
    path[base] = '/';
    memcpy(path + base + 1, e->d_name, name_n);
    bool folder = is_directory(top->dir, e, &regular);
    bool entered = folder && depth < WALK_DEPTH && push_level(stack, &depth, path, base + 1 + name_n);
    if (!entered && (folder || regular) && !keep(out, a, path, base + 1 + name_n)) {
      ok = false;
      break;
    }
  }
  while (depth) closedir(stack[--depth].dir);
  if (out->paths.n) qsort(out->paths.p, out->paths.n, sizeof *out->paths.p, by_bytes);
  return ok;
}

struct span input_near_names(struct arena *a, struct span path) {
  char folder[PATH_MAX] = ".";
  struct span base = folder_file_name(path), out = SPAN("");
  size_t slash = path.n - base.n;
  if (slash >= sizeof folder) return SPAN("");
  if (slash) memcpy(folder, path.p, slash);
  if (slash) folder[slash] = 0;
  DIR *d = opendir(folder);
  uint32_t found = 0;
  for (const struct dirent *e; d && found < NEAR_NAMES && (e = readdir(d));) {
    struct span name = span_str(e->d_name);
    bool near = name_distance(base, name) <= 1 + base.n / 6 || (base.n > 3 && span_starts(name, base));
    if (!near || name.p[0] == '.' || span_eq(name, base)) continue; /* itself: a link that leads nowhere */
    out = out.n ? arena_printf(a, "%.*s, %s", (int)out.n, (const char *)out.p, e->d_name)
                : arena_printf(a, "%s", e->d_name);
    found++;
  }
  if (d) closedir(d);
  return out;
}
