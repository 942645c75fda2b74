/* --save-output y=OUT.npy: the numbers of an output, from the checked result region, as a .npy file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static bool save_output(const struct job *job, const struct result_output *o, struct span path) {
  char name[PATH_MAX];
  uint8_t header[NPY_HEADER_SIZE];
  struct span data = result_data(job->result, o);
  if (path.n == 0 || path.n >= sizeof name) return false;
  memcpy(name, path.p, path.n);
  name[path.n] = 0;
  const char *descr = o->type == FT_F32 ? "<f4" : o->type == FT_I64 ? "<i8" : "|b1";
  size_t n = npy_header(header, descr, o->size, o->ndim);
  if (n == 0 || (data.n == 0 && o->numel != 0)) return false;
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return false;
  bool ok = write_all(fd, span_of(header, n)) && write_all(fd, data);
  return close(fd) == 0 && ok;
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
