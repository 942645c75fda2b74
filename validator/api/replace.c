#include "api/replace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A link's target is replaced, not the link. */
static bool resolve(struct replacing *r, struct span path, bool *regular) {
  struct stat st;
  char *given = memchr(path.p, 0, path.n) ? NULL : strndup((const char *)path.p, path.n);
  if (!given) return false;
  *regular = stat(given, &st) != 0 || S_ISREG(st.st_mode);
  r->path = *regular ? realpath(given, NULL) : NULL;
  if (r->path)
    free(given);
  else
    r->path = given;
  return true;
}

/* A new file beside the one that is meant; -1: there can be none. */
static int open_beside(struct replacing *r) {
  if (asprintf(&r->beside, "%s.XXXXXX", r->path) < 0) r->beside = NULL;
  int fd = r->beside ? mkostemp(r->beside, O_CLOEXEC) : -1;
  mode_t mask = umask(0);
  umask(mask);
  if (fd < 0 || fchmod(fd, 0666 & ~mask) == 0) return fd;
  close(fd);
  (void)unlink(r->beside);
  return -1;
}

static void forget(struct replacing *r) {
  free(r->path);
  free(r->beside);
  *r = (struct replacing){.out = {.fd = -1, .failed = true}};
}

bool replace_begin(struct replacing *r, struct span path) {
  bool regular;
  *r = (struct replacing){.out = {.fd = -1, .failed = true}};
  if (path.n == 0 || !resolve(r, path, &regular)) return false;
  int fd = regular ? open_beside(r) : open(r->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0)
    r->out = out_to_fd(fd);
  else
    forget(r);
  return fd >= 0;
}

bool replace_end(struct replacing *r, bool keep) {
  int fd = r->out.fd;
  bool whole = out_flush(&r->out);
  out_free(&r->out);
  if (fd >= 0 && r->beside && keep) whole = whole && fsync(fd) == 0;
  if (fd >= 0) whole = close(fd) == 0 && whole;
  bool replaces = r->beside && whole && keep;
  if (replaces) whole = rename(r->beside, r->path) == 0;
  if (r->beside && !(replaces && whole)) (void)unlink(r->beside);
  forget(r);
  return whole;
}
