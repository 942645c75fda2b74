#include "api/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/link.h"
#include "sandbox/spawn.h"

static bool give_up(struct input *in, const char **why, const char *what, int *err, int number) {
  *why = what;
  *err = number;
  input_close(in);
  return false;
}

static const char *kind_word(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO, not a regular file";
  if (S_ISSOCK(mode)) return "a socket, not a regular file";
  return "a device, not a regular file";
}

const char *input_why(struct arena *a, const char *why, int err) {
  if (!err || err == ENOENT) return why; /* it is said */
  struct span text = arena_printf(a, "%s: %s", why, strerrordesc_np(err));
  return text.n ? (const char *)text.p : why;
}

/* Maps what in->fd is. PROT_READ and MAP_PRIVATE: nobody can write through it; that bytes may still change
 * under us is why metadata is copied before it is parsed. */
static bool map_input(struct input *in, uint64_t max, const char **why, int *err) {
  if (fstat(in->fd, &in->identity) != 0) return give_up(in, why, "can't be examined", err, errno);
  if (in->found && S_ISDIR(in->identity.st_mode))
    return give_up(in, why, "a directory that is not walked: too deep below the given one, or behind a link",
                   err, 0);
  if (!S_ISREG(in->identity.st_mode)) return give_up(in, why, kind_word(in->identity.st_mode), err, 0);
  if (in->identity.st_size < 0 || (uint64_t)in->identity.st_size > max)
    return give_up(in, why, "larger than the limit", err, 0);
  size_t size = (size_t)in->identity.st_size;
  in->bytes = (struct span){(const uint8_t *)"", 0};
  if (size == 0) return true;
  void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, in->fd, 0);
  if (p == MAP_FAILED) return give_up(in, why, "can't be mapped", err, errno);
  in->bytes = span_of(p, size);
  return true;
}

/* A path as a C string on the caller's stack; false when it does not fit or has a NUL. */
static bool c_path(struct span path, char out[PATH_MAX]) {
  if (path.n >= PATH_MAX || memchr(path.p, 0, path.n)) return false;
  memcpy(out, path.p, path.n);
  out[path.n] = 0;
  return true;
}

static const char *link_why(int err) {
  if (err == EXDEV) return "a symbolic link that leads out of the directory that was given";
  if (err == ENOENT) return "a symbolic link that leads nowhere";
  if (err == ELOOP) return "a symbolic link that leads to itself";
  return "a symbolic link that can't be followed";
}

bool input_open(struct input *in, struct span path, size_t root_n, const struct limits *max, const char **why,
                int *err) {
  char name[PATH_MAX];
  *in = (struct input){.path = path, .found = root_n > 0, .fd = -1};
  if (!c_path(path, name)) return give_up(in, why, "not a usable path", err, ENAMETOOLONG);
  /* O_NONBLOCK: a FIFO without a writer must not hang us; O_NOCTTY: nor may a terminal become ours. */
  int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  in->fd = open(name, flags | (root_n ? O_NOFOLLOW : 0));
  if (in->fd < 0 && root_n && errno == ELOOP) {
    in->fd = link_open(path, root_n, flags);
    if (in->fd < 0) return give_up(in, why, link_why(errno), err, 0);
  }
  if (in->fd < 0)
    return give_up(in, why, errno == ENOENT ? "there is no such file" : "can't be opened", err, errno);
  return map_input(in, max->input_bytes, why, err);
}

bool input_adopt(struct input *in, struct span name, int fd, const struct limits *max, const char **why,
                 int *err) {
  *in = (struct input){.path = name, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (in->fd < 0) return give_up(in, why, "not a usable descriptor", err, errno);
  return map_input(in, max->input_bytes, why, err);
}

static bool copy_stdin(int to, uint64_t max, const char **why) {
  uint8_t buffer[4096];
  uint64_t total = 0;
  for (;;) {
    ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n == 0) return true;
    if (n < 0 && errno == EINTR && !workers_signal()) continue;
    *why = "can't be read";
    if (n < 0) return false;
    *why = "more than --max-stdin";
    if ((total += (uint64_t)n) > max) return false;
    *why = "can't be copied";
    for (ssize_t done = 0, w; done < n; done += w)
      if ((w = write(to, buffer + done, (size_t)(n - done))) <= 0) return false;
  }
}

bool input_stdin(struct input *in, const struct limits *max, const char **why, int *err) {
  *in = (struct input){.path = SPAN("-"), .fd = memfd_create("checkpoint", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (in->fd < 0) return give_up(in, why, "no memory file", err, errno);
  if (!copy_stdin(in->fd, max->stdin_bytes, why)) return give_up(in, why, *why, err, errno);
  if (fcntl(in->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return give_up(in, why, "can't be sealed", err, errno);
  return map_input(in, max->stdin_bytes, why, err);
}

static int open_folder(struct span folder) {
  char dir[PATH_MAX];
  if (c_path(folder, dir)) return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  errno = ENAMETOOLONG;
  return -1;
}

static int open_beneath(int folder, struct span name) {
  char file[PATH_MAX];
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  if (c_path(name, file)) return (int)syscall(SYS_openat2, folder, file, &how, sizeof how);
  errno = ENAMETOOLONG;
  return -1;
}

bool input_open_beneath(struct input *in, struct span folder, struct span name, const struct limits *max,
                        const char **why, int *err) {
  *in = (struct input){.path = name, .fd = -1};
  int at = open_folder(folder);
  if (at < 0) return give_up(in, why, "its folder can't be opened", err, errno);
  in->fd = open_beneath(at, name);
  int number = errno;
  close(at);
  if (in->fd < 0)
    return give_up(in, why,
                   number == EXDEV   ? "leads out of its folder"
                   : number == ELOOP ? "a symbolic link"
                                     : "can't be opened",
                   err, number);
  return map_input(in, max->side_file_bytes, why, err);
}

bool input_unchanged(const struct input *in) {
  struct stat now;
  if (in->slice) return true; /* whoever mapped it asks */
  const struct stat *was = &in->identity;
  return fstat(in->fd, &now) == 0 && now.st_dev == was->st_dev && now.st_ino == was->st_ino &&
         now.st_size == was->st_size && now.st_mtim.tv_sec == was->st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == was->st_mtim.tv_nsec && now.st_ctim.tv_sec == was->st_ctim.tv_sec &&
         now.st_ctim.tv_nsec == was->st_ctim.tv_nsec;
}

static void *mapping(const struct input *in) {
  union {
    const uint8_t *in;
    void *out;
  } p = {.in = in->bytes.p};
  return p.out;
}

bool input_move(struct input *in, uint8_t *place) {
  void *p = mremap(mapping(in), in->bytes.n, in->bytes.n, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  if (p != MAP_FAILED) in->bytes.p = p;
  return p != MAP_FAILED;
}

void input_close(struct input *in) {
  if (in->bytes.n && !in->slice) munmap(mapping(in), in->bytes.n);
  if (in->fd >= 0) close(in->fd);
  in->bytes = (struct span){NULL, 0};
  in->fd = -1;
}
