#include "api/record.h"

#include "api/emit.h"
#include "api/version.h"
#include "base/npy.h"
#include "report/escape.h"
#include "report/json_write.h"

enum { NAME_CAP = 512, PATH_CAP = 4096 };

/* ---- can it be recorded? ---- */

static const char *look_at_array(const struct job *job, const struct result_array *a, uint64_t *bytes) {
  struct span data = result_data(job->result, a);
  if (a->numel && !data.n) return "the numbers did not fit the report's memory (--max-plan)";
  *bytes += data.n + NPY_HEADER_SIZE; /* all of it is in one region: no overflow */
  return NULL;
}

/* In a goldens file the inputs, outputs and dimensions of a test are members of one object. */
static const char *look_at_name(const struct job *job, const struct result_test *t, struct span name) {
  uint32_t same = 0;
  for (uint32_t i = 0; i < t->num_inputs; i++)
    same += span_eq(result_span(job->result, job->result->inputs[t->first_input + i].name), name);
  for (uint32_t i = 0; i < t->num_outputs; i++)
    same += span_eq(result_span(job->result, job->result->outputs[t->first_output + i].name), name);
  for (uint32_t i = 0; i < t->num_symbols; i++)
    same += span_eq(result_span(job->result, job->result->symbols[t->first_symbol + i].name), name);
  return same == 1 && escape_is_exact(name, NAME_CAP)
             ? NULL
             : "two of the inputs and outputs have one name: declare outputs in the architecture file";
}

static const char *look_at_test(const struct job *job, const struct result_test *t, uint64_t *bytes) {
  const struct result *r = job->result;
  const char *why = NULL;
  if (t->status != RESULT_COMPUTED) return "a forward pass did not run: see the findings";
  for (uint32_t i = 0; !why && i < t->num_outputs; i++) {
    const struct result_output *o = &r->outputs[t->first_output + i];
    if (o->figures.nonfinite) return "an output holds NaN or infinity, with which nothing can be compared";
    why = look_at_name(job, t, result_span(r, o->name));
    if (!why) why = look_at_array(job, &o->array, bytes);
  }
  for (uint32_t i = 0; !why && i < t->num_inputs; i++) {
    const struct result_input *in = &r->inputs[t->first_input + i];
    why = look_at_name(job, t, result_span(r, in->name));
    if (!why && !in->generated) why = look_at_array(job, &in->array, bytes);
  }
  return why;
}

static const char *look_at_job(const struct job *job) {
  const struct result *r = job->result;
  uint64_t bytes = 0;
  bool good = job->complete && (job->verdict == VERDICT_CLEAN || job->verdict == VERDICT_FINDINGS);
  const char *why =
      !good ? "only a model that is safe, complete and passes its own tests is recorded: see the findings"
      : !r || !r->num_tests ? "there was no forward pass: see the findings"
      : !r->digested ? "the digests need libcrypto (Debian: libssl3) and tensors with bytes of their own"
                     : NULL;
  for (uint32_t i = 0; !why && i < r->num_tests; i++) why = look_at_test(job, &r->tests[i], &bytes);
  if (!why && bytes > job->run->options->limits.json_bytes / 2)
    why = "inputs and outputs are too large for a goldens file: compare .npy files (--save-output, --expect)";
  return why;
}

/* ---- the file ---- */

static void write_name(struct out *o, struct span name) {
  escape_json(o, name);
  out_str(o, ": ");
}

/* The bytes of a .npy file, in base64; its header leaves a rest that the first byte of the data completes. */
static void write_npy(struct out *o, const struct result *r, const struct result_array *a) {
  uint8_t head[NPY_HEADER_SIZE + 1];
  struct span data = result_data(r, a);
  size_t n = npy_header(head, result_descr(a), a->size, a->ndim);
  _Static_assert(sizeof head % 3 == 0, "no padding in the middle");
  if (n == 0) o->failed = true;
  if (data.n) head[n++] = data.p[0];
  out_str(o, "{\"npy\": \"");
  escape_base64(o, span_of(head, n));
  escape_base64(o, span_from(data, 1));
  out_str(o, "\"}");
}

static void write_input(struct out *o, const struct result *r, const struct result_input *in) {
  const char *generator = generator_name((enum generator_kind)in->generator);
  bool seeded = in->generator == GEN_RAND || in->generator == GEN_RANDINT;
  write_name(o, result_span(r, in->name));
  if (!in->generated || !generator)
    write_npy(o, r, &in->array);
  else if (seeded)
    out_format(o, "\"%s(%llu)\"", generator, (unsigned long long)in->seed);
  else
    out_format(o, "\"%s\"", generator);
}

static void write_test(struct out *o, const struct result *r, const struct result_test *t) {
  const char *before = "";
  out_str(o, "    {");
  for (uint32_t i = 0; i < t->num_symbols; i++, before = ", ") {
    const struct result_symbol *s = &r->symbols[t->first_symbol + i];
    out_str(o, before);
    write_name(o, result_span(r, s->name));
    out_format(o, "%llu", (unsigned long long)s->value);
  }
  for (uint32_t i = 0; i < t->num_inputs; i++, before = ", ") {
    out_str(o, before);
    write_input(o, r, &r->inputs[t->first_input + i]);
  }
  for (uint32_t i = 0; i < t->num_outputs; i++, before = ", ") {
    const struct result_output *y = &r->outputs[t->first_output + i];
    out_str(o, before);
    write_name(o, result_span(r, y->name));
    write_npy(o, r, &y->array);
  }
  out_str(o, "}");
}

static void write_object(struct out *o, const char *key, cJSON *object) {
  cJSON_DeleteItemFromObjectCaseSensitive(object, "type"); /* of an event */
  out_format(o, "  \"%s\": ", key);
  json_write(o, object);
  out_str(o, ",\n");
  cJSON_Delete(object);
}

/* False: the checkpoint could not be digested. */
static bool write_head(struct out *o, const struct job *job) {
  const struct result *r = job->result;
  const struct model_summary *s = job_summary(job);
  char sha256[SHA256_HEX + 1];
  cJSON *arch = event_new("arch"), *checkpoint = event_new("checkpoint");
  event_text(arch, "name", s ? span_of(s->name, s->name_n) : SPAN("model"), NAME_CAP);
  event_str(arch, "sha256", sha256_hex(r->arch_sha256, sha256));
  event_text(checkpoint, "path", job->in.path, PATH_CAP);
  event_u64(checkpoint, "size", job->folder.n ? job->folder.bytes : job->in.bytes.n);
  bool digested = job->folder.n || job_digest(job, sha256);
  if (!job->folder.n) event_str(checkpoint, "sha256", sha256);
  event_str(checkpoint, "weights_sha256", sha256_hex(r->weights_sha256, sha256));
  out_str(o, "{\n  \"goldens\": 1,\n  \"tool\": \"ckptlint " CKPTLINT_VERSION "\",\n");
  if (r->core.n) {
    out_str(o, "  \"blas\": ");
    escape_json(o, span_first(result_span(r, r->core), NAME_CAP));
    out_str(o, ",\n");
  }
  write_object(o, "arch", arch);
  write_object(o, "checkpoint", checkpoint);
  return digested;
}

void record_write(struct recording *r, const struct job *job) {
  if (job->outer) return;
  if (++r->inputs > 1) r->complaint = "record takes one checkpoint, a file or a folder of weights";
  if (!r->complaint) r->complaint = look_at_job(job);
  if (r->complaint) return;
  if (!write_head(r->out, job)) r->complaint = "the file could not be read again for its digest";
  out_str(r->out, "  \"tests\": [");
  for (uint32_t i = 0; i < job->result->num_tests; i++) {
    out_str(r->out, i ? ",\n" : "\n");
    write_test(r->out, job->result, &job->result->tests[i]);
  }
  out_str(r->out, "\n  ]\n}\n");
}
