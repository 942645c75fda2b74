/* A finished job as events (emit.c, emit_value.c, emit_diff.c), its short answers (says.c) and its saved
 * outputs (save.c). */
#ifndef CKPTLINT_API_EMIT_H
#define CKPTLINT_API_EMIT_H

#include <math.h>

#include "api/job.h"
#include "api/needs.h"

/* Does --key of inspect name some tensor? True where it was not given. */
bool job_key_matches(const struct job *job);
void job_says(const struct job *job, enum weights_only how, cJSON *file);
/* Writes the outputs that --save-output asks for; false when one could not be written (exit 74), which
 * job_saved_output tells. A name that no output has is a finding. */
NODISCARD bool job_save_outputs(struct job *job);
/* The dtype of its numbers, in NumPy's words. */
const char *result_descr(const struct result_array *a);
/* The file that an output was to be saved to, empty if none; `lost`: why it is not there, NULL: it is. */
struct saved_output {
  struct span path;
  const char *lost;
};
struct saved_output job_saved_output(const struct job *job, struct span output);

/* A tensor as "float32 [64, 3, 7, 7]", a plain value as itself; nothing of one that has no text. */
void event_tensor(cJSON *e, const char *field, const struct plan *p, uint32_t i);
void event_value(cJSON *e, const char *field, const struct plan *p, const struct plan_value *v);
void emit_value(const struct plan *p, uint32_t i, struct report *report);

/* `inspect --fields`: an object of the values, null where there is none. */
void add_fields(const struct job *job, cJSON *file);

/* emit_forward.c, into the file's event. */
void add_check(const struct job *job, const struct model_summary *s, cJSON *file);
void add_torch_lines(const struct job *job, cJSON *file);
void add_forward(const struct job *job, cJSON *file);

/* modes.c: of a whole-module save, which modules are in training mode. */
void add_modes(const struct job *job, cJSON *file);

/* The rows of `describe`. */
void emit_modules(const struct job *job, struct report *report);

/* Of a job that compares two: what the comparison says, and a row for each difference. */
void add_diff(const struct job *job, cJSON *file);
void emit_differences(const struct job *job, struct report *report);

#endif
