#include "api/lock.h"

#include "api/job.h"
#include "api/version.h"
#include "report/escape.h"
#include "report/json_write.h"
#include "report/report.h"

enum { PATH_CAP = 4096 };

bool lock_wanted(const struct job *job) {
  const struct run *run = job->run;
  bool part = job->outer && job->outer->folder.n;
  return (run->lock.fd >= 0 || run->options->locking) && !part && job->have_plan &&
         job->plan.header->complete && job->plan.num_tensors && job->verdict != VERDICT_UNSAFE;
}

void lock_start(struct job *job) {
  const struct run_options *o = job->run->options;
  struct lock_run *l = &job->lock;
  l->bytes = sizeof(struct digests) + job->plan.num_tensors * sizeof(struct digest);
  l->region = region_map(l->bytes);
  if (!l->region) {
    job_observe(job, &(struct observation){.kind = OBS_LIMIT_MEMORY, .got = l->bytes});
    job_after_lock(job);
    return;
  }
  l->digest = (struct digest_job){.options = o,
                                  .plan = &job->plan,
                                  .file = job->in.bytes,
                                  .region = l->region,
                                  .region_bytes = l->bytes,
                                  .arena_bytes = o->limits.arena_base + o->limits.inflate_bytes};
  job->limits = job_limits(job, l->digest.arena_bytes);
  job_launch(job, JOB_DIGEST,
             &(struct worker_task){.prepare = digest_prepare,
                                   .run = digest_stage_run,
                                   .ctx = &l->digest,
                                   .writes = {{l->region, l->bytes}}});
}

bool lock_digested(struct job *job) {
  const struct run *run = job->run;
  struct lock_run *l = &job->lock;
  if (!job_take_report(job)) return false;
  l->digests = digest_open(l->region, l->bytes, &job->plan);
  if (!l->digests || !region_freeze(l->region, l->bytes)) {
    job_observe(job, &(struct observation){.kind = OBS_WORKER_PROTOCOL, .subject = SPAN("digests")});
    l->digests = NULL;
    return false;
  }
  if (run->lock.fd < 0) return false;
  l->compare = (struct lock_job){.options = run->options,
                                 .request = {.name = run->lock.path,
                                             .text = run->lock.bytes,
                                             .plan = &job->plan,
                                             .digests = l->digests,
                                             .key = run->options->key,
                                             .max = &run->options->limits,
                                             .hash_seed = {run->hash_seed[0], run->hash_seed[1]}},
                                 .arena_bytes = run->options->limits.arena_max};
  job->limits = job_limits(job, l->compare.arena_bytes + run->options->limits.json_bytes * 8);
  job_launch(job, JOB_LOCK, &(struct worker_task){.run = lock_stage_run, .ctx = &l->compare});
  return true;
}

/* ---- the lock file ---- */

static void member(struct out *o, const char *key, const cJSON *value) {
  escape_json(o, span_str(key));
  out_str(o, ": ");
  json_write(o, value);
}

static void write_head(struct locking *l, const struct job *job, struct span dict) {
  char sha256[SHA256_HEX + 1];
  const cJSON *item;
  cJSON *head = event_new("lock");
  cJSON_DeleteItemFromObjectCaseSensitive(head, "type");
  event_u64(head, "lock", 1);
  event_str(head, "tool", "ckptlint " CKPTLINT_VERSION);
  event_text(head, "path", job->in.path, PATH_CAP);
  event_u64(head, "size", job->folder.n ? job->folder.bytes : job->in.bytes.n);
  if (!job->folder.n && !job_digest(job, sha256))
    l->complaint = "the file could not be read again for its digest";
  if (!job->folder.n) event_str(head, "sha256", sha256);
  event_text(head, "state_dict", dict, PATH_CAP);
  out_str(&l->out, "{\n");
  cJSON_ArrayForEach(item, head) {
    out_str(&l->out, "  ");
    member(&l->out, item->string, item);
    out_str(&l->out, ",\n");
  }
  cJSON_Delete(head);
}

static void write_tensor(struct locking *l, const struct job *job, struct span name, uint32_t tensor) {
  const struct plan *p = &job->plan;
  const struct plan_tensor *t = &p->tensors[tensor];
  const struct digest *d = &job->lock.digests->tensor[tensor];
  char hex[SHA256_HEX + 1];
  if (!escape_is_exact(name, PATH_CAP)) l->complaint = "a tensor has a name that JSON can't hold";
  cJSON *row = event_new("tensor"), *names = event_new("names");
  cJSON_DeleteItemFromObjectCaseSensitive(row, "type");
  event_text(names, "name", name, PATH_CAP);
  event_str(row, "dtype", dtype_name((enum dtype)t->dtype));
  cJSON *shape = event_array(row, "shape");
  for (uint32_t i = 0; i < t->ndim; i++) event_push_u64(shape, p->dims[t->first_dim + i]);
  if (d->known)
    event_str(row, "sha256", sha256_hex(d->sha256, hex));
  else
    event_null(row, "sha256");
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(names, "name"));
  out_str(&l->out, "    ");
  if (text) member(&l->out, text, row);
  cJSON_Delete(row);
  cJSON_Delete(names);
}

static const struct plan_dict *locked_dict(const struct job *job, const char **complaint) {
  const struct plan *p = &job->plan;
  struct span key = job->run->options->key;
  const struct plan_dict *dict = key.n ? plan_dict_at(p, key) : NULL;
  if (key.n && !dict) *complaint = "there is no state dict at --key";
  return dict || p->num_dicts == 0 ? dict : &p->dicts[0];
}

void lock_write(struct locking *l, const struct job *job) {
  const struct plan *p = &job->plan;
  if (job->outer) return;
  bool good = job->complete && (job->verdict == VERDICT_CLEAN || job->verdict == VERDICT_FINDINGS);
  if (++l->inputs > 1)
    l->complaint = "lock takes one checkpoint, a file or a folder of weights";
  else if (!good || !job->lock.digests)
    l->complaint = "only a checkpoint that is safe and was read whole is locked: see the findings";
  if (l->complaint) return;
  const struct plan_dict *dict = locked_dict(job, &l->complaint);
  write_head(l, job, dict ? plan_span(p, dict->path) : SPAN(""));
  out_str(&l->out, "  \"tensors\": {");
  const char *before = "\n";
  for (uint32_t i = 0; i < (dict ? dict->num_entries : p->num_tensors); i++) {
    const struct plan_entry *entry = dict ? &p->entries[dict->first_entry + i] : NULL;
    uint32_t tensor = entry ? entry->tensor : i;
    if (tensor == UINT32_MAX) continue;
    out_str(&l->out, before);
    write_tensor(l, job, plan_span(p, entry ? entry->name : p->tensors[i].key), tensor);
    before = ",\n";
  }
  out_str(&l->out, "\n  }\n}\n");
  if (l->out.failed) l->complaint = "out of memory";
}
