#include "api/worker_record.h"

#include "model/digest.h"
#include "tensor/sha256.h"

static const struct forward_file *goldens_file(const struct model_job *job) {
  const struct name_values *expects = &job->options->expects;
  for (size_t i = 0; i < expects->n; i++)
    for (size_t k = 0; k < job->num_files; k++)
      if (span_eq(job->files[k].name, expects->list[i].value) && goldens_like(job->files[k].bytes))
        return &job->files[k];
  return NULL;
}

void record_prepare(const struct model_job *job) {
  if (job->options->recording || goldens_file(job))
    (void)!sha256_load(); /* without it the digests are not known */
}

bool record_goldens(const struct model_job *job, const struct arch *arch, struct goldens *out,
                    struct arena *a, struct observations *o) {
  const struct run_options *options = job->options;
  const struct forward_file *file = goldens_file(job);
  *out = (struct goldens){.tool = SPAN("")};
  if (!file) return true;
  if (options->inputs.n || options->expects.n > 1)
    return refuse(o, (struct observation){
                         .kind = OBS_FWD_EXPECT_UNKNOWN,
                         .subject = file->name,
                         .detail = SPAN("goldens have inputs and outputs of their own: they go with no other "
                                        "--expect and no --input")});
  return goldens_parse(out, arch, (struct text_file){file->name, file->bytes}, a, &options->limits, o);
}

/* "layer1.weight float32 [20, 10]\n" and the digest of its numbers, for every key that the model expects and
 * in its order: the same for the same weights in any container, under any wrapper or prefix. */
static void add_key(struct sha256_run *sha, struct arena *a, const struct plan *p, struct span key,
                    uint32_t tensor, const struct digest *digest) {
  const struct plan_tensor *t = &p->tensors[tensor];
  sha256_add(sha, key);
  sha256_add(sha, arena_printf(a, " %s [", dtype_name((enum dtype)t->dtype)));
  for (uint32_t i = 0; i < t->ndim; i++)
    sha256_add(sha, arena_printf(a, "%s%llu", i ? ", " : "", (unsigned long long)p->dims[t->first_dim + i]));
  sha256_add(sha, SPAN("]\n"));
  sha256_add(sha, span_of(digest->sha256, sizeof digest->sha256));
}

static bool weights_digest(const struct model *model, const struct match *match, const struct plan *plan,
                           const struct digests *digests, struct arena *a, uint8_t out[32]) {
  struct sha256_run sha;
  bool known = true;
  if (!sha256_begin(&sha)) return false;
  for (uint32_t i = 0; i < model->num_expected; i++) {
    uint32_t tensor = match->tensor[i];
    if (tensor == MATCH_NO_TENSOR) continue;
    known = known && digests->tensor[tensor].known;
    add_key(&sha, a, plan, model->expected[i].key, tensor, &digests->tensor[tensor]);
  }
  return sha256_end(&sha, out) && known;
}

static uint32_t same(struct span recorded, const uint8_t digest[32]) {
  char hex[SHA256_HEX + 1];
  return span_is(recorded, sha256_hex(digest, hex)) ? SAME_YES : SAME_NO;
}

bool record_digests(const struct model_job *job, const struct model *model, const struct match *match,
                    const struct goldens *goldens, struct result_writer *out, struct arena *a,
                    struct observations *o) {
  struct result *r = result_of(out);
  const struct plan *p = job->plan;
  if (!job->options->recording && !goldens->tool.n) return true;
  r->recorded_by = result_put(out, goldens->tool);
  const size_t bytes = sizeof(struct digests) + p->num_tensors * sizeof(struct digest);
  void *region = arena_alloc(a, 1, bytes, sizeof(uint64_t));
  if (!region || !digest_run(p, job->file, &job->options->limits, region, bytes, a, o)) return false;
  r->digested = sha256(model->arch->file.text, r->arch_sha256) &&
                weights_digest(model, match, p, region, a, r->weights_sha256);
  if (!r->digested || !goldens->tool.n) return true;
  r->same_arch = same(goldens->arch_sha256, r->arch_sha256);
  r->same_weights = same(goldens->weights_sha256, r->weights_sha256);
  return true;
}
