/* --save-output y=OUT.npy: the numbers of an output, from the checked result region, as a .npy file. */
#include <errno.h>

#include "api/emit.h"
#include "api/replace.h"
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

struct saved_output job_saved_output(const struct job *job, struct span output) {
  const struct name_values *v = &job->run->options->outputs;
  for (size_t i = 0; job->result && job->unsaved && i < v->n; i++) {
    const struct result_output *o = find_output(job->result, v->list[i].name);
    if (o && span_eq(result_span(job->result, o->name), output))
      return (struct saved_output){v->list[i].value, job->unsaved[i]};
  }
  return (struct saved_output){SPAN(""), NULL};
}

const char *result_descr(const struct result_array *a) {
  return a->type == FT_F32 ? "<f4" : a->type == FT_I64 ? "<i8" : "|b1";
}

/* NULL, or why the file is not there. */
static const char *save_output(const struct job *job, const struct result_output *o, struct span path) {
  uint8_t header[NPY_HEADER_SIZE];
  struct replacing file;
  struct span data = result_data(job->result, &o->array);
  size_t n = npy_header(header, result_descr(&o->array), o->array.size, o->array.ndim);
  if (n == 0 || (data.n == 0 && o->array.numel != 0)) return "no .npy holds it";
  if (!replace_begin(&file, path)) return strerrordesc_np(errno);
  out_span(&file.out, span_of(header, n));
  out_span(&file.out, data);
  return replace_end(&file, true) ? NULL : "not all of it could be written";
}

static bool has_computed(const struct result *r) {
  for (uint32_t i = 0; i < r->num_tests; i++)
    if (r->tests[i].status == RESULT_COMPUTED) return true;
  return false;
}

bool job_save_outputs(struct job *job) {
  const struct name_values *v = &job->run->options->outputs;
  if (!job->result || v->n == 0) return true;
  job->unsaved = arena_array(&job->arena, v->n, const char *);
  bool ok = job->unsaved != NULL, computed = has_computed(job->result);
  for (size_t i = 0; ok && i < v->n; i++) {
    const struct result_output *o = find_output(job->result, v->list[i].name);
    if (o)
      job->unsaved[i] = save_output(job, o, v->list[i].value);
    else if (computed)
      job_observe(job, &(struct observation){.kind = OBS_FWD_EXPECT_UNKNOWN,
                                             .subject = v->list[i].name,
                                             .detail = SPAN("there is no output of this name")});
  }
  for (size_t i = 0; ok && i < v->n; i++) ok = computed && !job->unsaved[i];
  return ok;
}
