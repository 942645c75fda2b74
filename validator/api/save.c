/* --save-output y=OUT.npy: the numbers of an output, from the checked result region, as a .npy file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/emit.h"
#include "base/npy.h"

/* The first test that computed it; an empty name stands for the first output. */
static const struct result_output *find_output(const struct result *r, struct span name) {
  for (uint32_t i = 0; i < r->num_tests; i++) {
    const struct result_test *t = &r->tests[i];
    for (uint32_t k = 0; t->status == RESULT_COMPUTED && k < t->num_outputs; k++) {
      const struct result_output *o = &r->outputs[t->first_output + k];
      if (name.n == 0 || span_eq(result_span(r, o->name), name)) return o;
    }
  }
  return NULL;
}

struct span job_saved_output(const struct job *job, struct span output) {
  const struct name_values *v = &job->run->options->outputs;
  for (size_t i = 0; job->result && i < v->n; i++) {
    const struct result_output *o = find_output(job->result, v->list[i].name);
    if (o && span_eq(result_span(job->result, o->name), output)) return v->list[i].value;
  }
  return SPAN("");
}

static bool write_all(int fd, struct span s) {
  while (s.n) {
    ssize_t n = write(fd, s.p, s.n);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    s = span_from(s, (size_t)n);
  }
  return true;
}

/* A new file beside the one that is meant, to be renamed to it when it is whole; -1: there can be none. */
static int create_beside(char *made) {
  int fd = mkostemp(made, O_CLOEXEC);
  mode_t mask = umask(0);
  umask(mask);
  if (fd < 0 || fchmod(fd, 0666 & ~mask) == 0) return fd;
  close(fd);
  unlink(made);
  return -1;
}

/* Nobody finds half of it under its name, whatever happens. */
static bool write_beside(const char *name, struct span header, struct span data) {
  char *made = NULL;
  int fd = asprintf(&made, "%s.XXXXXX", name) < 0 ? -1 : create_beside(made);
  bool ok = fd >= 0 && write_all(fd, header) && write_all(fd, data) && fsync(fd) == 0;
  if (fd >= 0) {
    ok = close(fd) == 0 && ok && rename(made, name) == 0;
    if (!ok) unlink(made);
  }
  free(made);
  return ok;
}

/* A device or a pipe keeps its place. */
static bool write_through(const char *name, struct span header, struct span data) {
  int fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return false;
  bool ok = write_all(fd, header) && write_all(fd, data);
  return close(fd) == 0 && ok;
}

static bool write_file(const char *name, struct span header, struct span data) {
  struct stat st;
  if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) return write_through(name, header, data);
  char *real = realpath(name, NULL); /* a link stays a link; NULL: it is not there yet */
  bool ok = write_beside(real ? real : name, header, data);
  free(real);
  return ok;
}

static bool save_output(const struct job *job, const struct result_output *o, struct span path) {
  char name[PATH_MAX] = "";
  uint8_t header[NPY_HEADER_SIZE];
  struct span data = result_data(job->result, o);
  if (path.n == 0 || path.n >= sizeof name) return false;
  memcpy(name, path.p, path.n);
  const char *descr = o->type == FT_F32 ? "<f4" : o->type == FT_I64 ? "<i8" : "|b1";
  size_t n = npy_header(header, descr, o->size, o->ndim);
  if (n == 0 || (data.n == 0 && o->numel != 0)) return false;
  return write_file(name, span_of(header, n), data);
}

bool job_save_outputs(const struct job *job) {
  const struct name_values *v = &job->run->options->outputs;
  bool ok = true;
  for (size_t i = 0; job->result && i < v->n; i++) {
    const struct result_output *o = find_output(job->result, v->list[i].name);
    ok = ok && o && save_output(job, o, v->list[i].value);
  }
  return ok;
}
