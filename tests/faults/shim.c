/* Preloaded into ckptlint: a call of the broker fails, is short, or is slow; or something happens to a file
 * at the n-th moment of the broker. From the environment, before the broker wipes it:
 *   FAULT=CALL=WHAT   each CALL does WHAT: an errno by name, or a number: at most so many bytes. It is
 *                     read, stdin (read of 0), write, stdout (write to 1), open, fstat, mmap (of a file),
 *                     share (mmap of memory for a worker too), fork, poll, pipe
 *   FAULT_AT=N        only the N-th of them
 *   FAULT=clock=N     each look at the wall clock answers N seconds more, and then less, than the one
 *                     before
 *   FAULT_MOMENT=N    before the N-th call of any of them: FAULT_FILE is treated as FAULT_DO says
 *                     (cut, byte, grow, remove, replace); "c" goes to FAULT_NOTE then, "f" when the
 *                     broker looks at its identity after it, and did before. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char call[32];
static long at, moment, size;
static int error, note = -1, changed, looked;
static ino_t inode;
static const char *file, *what;
static pid_t broker;
static long calls, moments;

static const struct {
  const char *name;
  int number;
} errors[] = {{"EIO", EIO},       {"EINTR", EINTR},   {"EMFILE", EMFILE},
              {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN}, {"ENODEV", ENODEV},
              {"EACCES", EACCES}, {"ENOSPC", ENOSPC}, {"ESTALE", ESTALE}};

__attribute__((constructor)) static void begin(void) {
  const char *fault = getenv("FAULT"), *text;
  broker = getpid();
  if (fault && strchr(fault, '=') && strcspn(fault, "=") < sizeof call) {
    memcpy(call, fault, strcspn(fault, "="));
    fault = strchr(fault, '=') + 1;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
      if (strcmp(fault, errors[i].name) == 0) error = errors[i].number;
    size = strtol(fault, NULL, 10);
  }
  if ((text = getenv("FAULT_AT"))) at = strtol(text, NULL, 10);
  if ((text = getenv("FAULT_MOMENT"))) moment = strtol(text, NULL, 10);
  struct stat st;
  if ((text = getenv("FAULT_FILE"))) file = strdup(text);
  if (file && syscall(SYS_stat, file, &st) == 0) inode = st.st_ino;
  if ((text = getenv("FAULT_DO"))) what = strdup(text);
  if ((text = getenv("FAULT_NOTE")))
    note = (int)syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_APPEND | O_CLOEXEC);
}

static void put(const char *text) {
  long ignored = note < 0 ? 0 : syscall(SYS_write, note, text, 1);
  (void)ignored;
}

/* The kernel changes a file's times at ticks only: a change within the tick of the last look would not show.
 */
static void change(void) {
  struct timespec tick = {0, 12000000};
  int fd = -1;
  syscall(SYS_nanosleep, &tick, NULL);
  if (strcmp(what, "remove") == 0)
    syscall(SYS_unlink, file);
  else if (strcmp(what, "replace") == 0)
    syscall(SYS_rename, strcat(strcpy(malloc(strlen(file) + 5), file), ".new"), file);
  else if (strcmp(what, "cut") == 0)
    syscall(SYS_truncate, file, 1000L);
  else
    fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY);
  if (fd >= 0) syscall(SYS_pwrite64, fd, "x", 1L, strcmp(what, "grow") == 0 ? 1000000L : 500000L);
  if (fd >= 0) syscall(SYS_close, fd);
  changed = 1;
  put("c");
}

/* Before a call of the broker: does it fail? */
static int meets(const char *name) {
  if (getpid() != broker) return 0;
  if (moment && ++moments == moment) change();
  if (strcmp(name, call) != 0 || (at && ++calls != at)) return 0;
  errno = error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void *p, size_t n) {
  if (meets(fd == 0 ? "stdin" : "read")) {
    if (error) return -1;
    if (n > (size_t)size) n = (size_t)size;
  }
  return syscall(SYS_read, fd, p, n);
}
ssize_t write(int fd, const void *p, size_t n) {
  if (meets(fd == 1 ? "stdout" : "write")) {
    if (error) return -1;
    if (n > (size_t)size) n = (size_t)size;
  }
  return syscall(SYS_write, fd, p, n);
}
int open(const char *path, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
  va_end(ap);
  return meets("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags) { return open(path, flags); }
int fstat(int fd, struct stat *out) {
  if (meets("fstat")) return -1;
  int answer = (int)syscall(SYS_fstat, fd, out);
  if (answer == 0 && file && out->st_ino == inode && changed && looked) put("f");
  if (answer == 0 && file && out->st_ino == inode && !changed) looked = 1;
  return answer;
}
void *mmap(void *p, size_t n, int prot, int flags, int fd, off_t offset) {
  int shared = fd < 0 && (flags & MAP_SHARED) && strcmp(call, "share") == 0; /* no moment: files don't mind */
  if ((fd >= 0 && meets("mmap")) || (shared && meets("share"))) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, p, n, prot, flags, fd, offset);
}
pid_t fork(void) { return meets("fork") ? -1 : REAL(fork)(); }
int pipe2(int ends[2], int flags) { return meets("pipe") ? -1 : (int)syscall(SYS_pipe2, ends, flags); }
int poll(struct pollfd *fds, nfds_t n, int timeout) {
  return meets("poll") ? -1 : (int)syscall(SYS_poll, fds, n, timeout);
}

/* The wall clock; no other may jump. */
static void jump(struct timespec *t) {
  if (strcmp(call, "clock") == 0) t->tv_sec += ++calls % 2 ? size : -size;
}
int clock_gettime(clockid_t clock, struct timespec *t) {
  int answer = (int)syscall(SYS_clock_gettime, clock, t);
  if (clock == CLOCK_REALTIME) jump(t);
  return answer;
}
time_t time(time_t *out) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (out) *out = t.tv_sec;
  return t.tv_sec;
}
