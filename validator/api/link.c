#include "api/link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Is it the folder of a repository in the cache of huggingface_hub? Snapshots there are links to blobs/. */
static bool is_repository(const char *path, size_t n) {
  char *blobs;
  struct stat st;
  if (asprintf(&blobs, "%.*s/blobs", (int)n, path) < 0) return false;
  bool yes = stat(blobs, &st) == 0 && S_ISDIR(st.st_mode);
  free(blobs);
  return yes;
}

/* How many bytes of a real path are the folder of a repository in whose snapshots/ it lies; 0: in none. */
static size_t repository_of(const char *real) {
  struct span path = span_str(real), name = SPAN("/snapshots");
  for (size_t n = path.n; n > name.n; n--) {
    bool ends = (n == path.n || real[n] == '/') && span_ends(span_first(path, n), name);
    if (ends && is_repository(real, n - name.n)) return n - name.n;
  }
  return 0;
}

static int open_beneath(const char *dir, const char *name, int flags) {
  struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (at < 0) return -1;
  int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof how), err = errno;
  close(at);
  errno = err;
  return fd;
}

static int open_named(const char *root, const char *below, bool in_cache, int flags) {
  char *real = realpath(root, NULL), *name = NULL;
  size_t repository = real && in_cache ? repository_of(real) : 0;
  int fd = -1;
  if (repository && asprintf(&name, "%s/%s", real + repository + 1, below) > 0) {
    real[repository] = '\0';
    fd = open_beneath(real, name, flags);
  } else if (real) {
    fd = open_beneath(real, below, flags);
  }
  int err = errno;
  free(name);
  free(real);
  errno = err;
  return fd;
}

static int open_link(struct span path, size_t root_n, bool in_cache, int flags) {
  char *root = strndup((const char *)path.p, path.n);
  if (!root) return -1;
  size_t below = root_n + 1; /* behind the slash */
  root[root_n] = '\0';
  int fd = below < path.n ? open_named(root, (const char *)root + below, in_cache, flags) : -1, err = errno;
  free(root);
  errno = err;
  return fd;
}

int link_open(struct span path, size_t root_n, int flags) { return open_link(path, root_n, true, flags); }

int link_open_inside(struct span path, size_t root_n, int flags) {
  return open_link(path, root_n, false, flags);
}
