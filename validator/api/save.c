/* --save-output y=OUT.npy: the numbers of an output, from the checked result region, as a .npy file. */
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

struct span job_saved_output(const struct job *job, struct span output) {
  const struct name_values *v = &job->run->options->outputs;
  for (size_t i = 0; job->result && i < v->n; i++) {
    const struct result_output *o = find_output(job->result, v->list[i].name);
    if (o && span_eq(result_span(job->result, o->name), output)) return v->list[i].value;
  }
  return SPAN("");
}

const char *result_descr(const struct result_array *a) {
  return a->type == FT_F32 ? "<f4" : a->type == FT_I64 ? "<i8" : "|b1";
}

static bool save_output(const struct job *job, const struct result_output *o, struct span path) {
  uint8_t header[NPY_HEADER_SIZE];
  struct replacing file;
  struct span data = result_data(job->result, &o->array);
  size_t n = npy_header(header, result_descr(&o->array), o->array.size, o->array.ndim);
  if (n == 0 || (data.n == 0 && o->array.numel != 0) || !replace_begin(&file, path)) return false;
  out_span(&file.out, span_of(header, n));
  out_span(&file.out, data);
  return replace_end(&file, true);
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
