/* Directories: the files below one, and the names beside a path that is not there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "api/input.h"
#include "api/link.h"
#include "base/near.h"
#include "model/folder.h"
#include "sandbox/spawn.h"

enum { WALK_DEPTH = 64, NEAR_NAMES = 3 };

struct file_id {
  dev_t device;
  ino_t inode;
};
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

/* A walk on its way. */
struct walk {
  struct path_list *out;
  struct arena *arena;
  struct level stack[WALK_DEPTH];
  uint32_t depth;
  char path[PATH_MAX];
  VEC(struct file_id) linked; /* files that links refer to */
};

static mode_t kind_of(DIR *d, const struct dirent *e) {
  struct stat st;
  if (e->d_type != DT_UNKNOWN) return (mode_t)DTTOIF(e->d_type);
  return fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mode & S_IFMT : 0;
}

static bool keep(struct walk *w, size_t n) {
  struct span *slot = vec_push(w->arena, &w->out->paths, UINT32_MAX);
  return slot && arena_copy(w->arena, span_of(w->path, n), slot);
}

static bool keep_link(struct walk *w, size_t n) {
  struct span path = span_of(w->path, n);
  struct stat st;
  int fd = link_open_inside(path, w->out->root_n, O_PATH);
  if (fd < 0) return keep(w, n);
  bool known = fstat(fd, &st) == 0;
  close(fd);
  if (known && S_ISDIR(st.st_mode)) return true; /* it is walked where it stands */
  struct file_id *slot = known ? vec_push(w->arena, &w->linked, UINT32_MAX) : NULL;
  if (slot) *slot = (struct file_id){st.st_dev, st.st_ino};
  return keep(w, n) && (slot || !known);
}

static bool take_entry(struct walk *w, const struct dirent *e) {
  struct level *top = &w->stack[w->depth - 1];
  size_t name_n = strlen(e->d_name), base = top->path_n, n = base + 1 + name_n;
  if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) return true;
  if (n >= sizeof w->path) return false;
  w->path[base] = '/';
  memcpy(w->path + base + 1, e->d_name, name_n);
  mode_t kind = kind_of(top->dir, e);
  if (S_ISLNK(kind)) return keep_link(w, n);
  if (S_ISDIR(kind) && w->depth < WALK_DEPTH && push_level(w->stack, &w->depth, w->path, n)) return true;
  return (!S_ISDIR(kind) && !S_ISREG(kind)) || keep(w, n);
}

static int by_id(const void *a, const void *b) {
  const struct file_id *x = a, *y = b;
  if (x->device != y->device) return x->device < y->device ? -1 : 1;
  return (x->inode > y->inode) - (x->inode < y->inode);
}

static bool has_a_name(const struct walk *w, struct span path) {
  char name[PATH_MAX];
  struct stat st;
  struct span folder = span_first(path, path.n - folder_file_name(path).n);
  if (!span_ends(folder, SPAN("/blobs/"))) return false;
  (void)snprintf(name, sizeof name, "%.*s", (int)path.n, (const char *)path.p);
  if (lstat(name, &st) != 0) return false;
  const struct file_id id = {st.st_dev, st.st_ino};
  return bsearch(&id, w->linked.p, w->linked.n, sizeof id, by_id) != NULL;
}

/* Of a cache, its blobs are judged under the names that snapshots have for them. */
static void leave_blobs(struct walk *w) {
  uint32_t n = 0;
  if (w->linked.n == 0) return;
  qsort(w->linked.p, w->linked.n, sizeof *w->linked.p, by_id);
  for (uint32_t i = 0; i < w->out->paths.n; i++)
    if (!has_a_name(w, w->out->paths.p[i])) w->out->paths.p[n++] = w->out->paths.p[i];
  w->out->paths.n = n;
}

bool input_walk(struct path_list *out, struct arena *a, struct span directory) {
  struct walk *w = arena_new(a, struct walk);
  size_t n = directory.n;
  if (!w || n + 2 >= sizeof w->path) return false;
  w->out = out;
  w->arena = a;
  memcpy(w->path, directory.p, n);
  while (n > 1 && w->path[n - 1] == '/') n--;
  out->root_n = n;
  if (!push_level(w->stack, &w->depth, w->path, n)) return false;
  bool ok = true, room = true;
  while (w->depth && room && !workers_signal()) {
    errno = 0;
    const struct dirent *e =
        readdir(w->stack[w->depth - 1].dir);  // NOLINT(concurrency-mt-unsafe): its own stream
    if (e) {
      room = take_entry(w, e);
      continue;
    }
    ok = ok && errno == 0;
    closedir(w->stack[--w->depth].dir);
  }
  while (w->depth) closedir(w->stack[--w->depth].dir);
  leave_blobs(w);
  if (out->paths.n) qsort(out->paths.p, out->paths.n, sizeof *out->paths.p, by_bytes);
  return ok && room;
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
  // NOLINTNEXTLINE(concurrency-mt-unsafe): its own stream
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
