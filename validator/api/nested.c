/* Archives on their way: an unpack worker hands out what is inside, and every file that it hands out takes
 * the way of a file of its own, one after the other. The archive's verdict is the worst of theirs and its
 * own. */
#include <errno.h>

#include "api/job.h"
#include "base/memory.h"
#include "rules/judge.h"

enum { MIB = 1 << 20, CODEC_BYTES = 320 * MIB /* windows of xz, 7z and zstd */ };

struct job *job_input(struct job *job) {
  while (job->outer && !job->outer->folder.n) job = job->outer;
  return job;
}

static uint32_t levels(const struct run_options *o) {
  return o->nested ? o->nested : (uint32_t)o->limits.nested_payloads;
}

bool nested_wanted(struct job *job) {
  const struct run_options *o = job->run->options;
  if (!job->have_plan || job->skipped) return false;
  enum container_kind kind = (enum container_kind)job->plan.header->kind;
  enum unpacking how = container_unpacking(kind);
  if (how == UNPACK_NEVER || (how == UNPACK_ASKED && !o->nested)) return false;
  if (job->depth < levels(o)) return true;
  if (how == UNPACK_ASKED && container_kind_read(kind)) return false; /* what its loader reads was judged */
  job_observe(job, &(struct observation){.kind = OBS_LIMIT_NESTED_DEPTH, .want = levels(o)});
  return false;
}

void nested_start(struct job *job) {
  const struct limits *max = &job->run->options->limits;
  struct job *input = job_input(job);
  struct unpack_job *u = &job->nested.unpack;
  *u = (struct unpack_job){.max = max,
                           .file = job->in.bytes,
                           .kind = (enum container_kind)job->plan.header->kind,
                           .plan = &job->plan,
                           .asked = job->run->options->nested > 0,
                           .region_bytes = (size_t)input->budget.bytes + INNER_SLACK,
                           .bytes = input->budget.bytes,
                           .files = input->budget.files};
  u->region = job->nested.region = region_map(u->region_bytes);
  if (!u->region) {
    job_observe(job, &(struct observation){.kind = OBS_LIMIT_MEMORY, .got = u->region_bytes});
    job_end(job);
    return;
  }
  job->limits = job_limits(job, max->arena_base + max->json_bytes * 8 + CODEC_BYTES);
  if (!input->budget.end_ms) input->budget.end_ms = job_now_ms() + job->limits.wall_ms * PATIENCE;
  job_launch(job, JOB_UNPACKING,
             &(struct worker_task){.prepare = unpack_stage_prepare,
                                   .run = unpack_stage_run,
                                   .ctx = u,
                                   .writes = {{u->region, u->region_bytes}}});
}

/* What the dead worker handed out is read-only from here on: it is a file to the workers that follow. */
static bool open_table(struct job *job) {
  struct nested *n = &job->nested;
  if (inner_open(&n->table, n->region, n->unpack.region_bytes, job->in.bytes.n) &&
      n->table.header->num_files <= n->unpack.files && region_freeze(n->region, n->unpack.region_bytes))
    return true;
  job_observe(job, &(struct observation){.kind = OBS_WORKER_PROTOCOL});
  return false;
}

static void charge(struct job *job) {
  struct nested_budget *b = &job_input(job)->budget;
  const struct inner *t = &job->nested.table;
  uint64_t files = t->header->num_files + min_u64(t->header->bystanders, b->files);
  for (uint64_t i = 0; i < t->header->num_files; i++)
    if (!(t->last - i)->in_outer) b->bytes -= min_u64(b->bytes, (t->last - i)->n);
  b->files -= min_u64(b->files, files);
}

void nested_take(struct job *job) {
  struct nested *n = &job->nested;
  if (!job_take_report(job) || !open_table(job)) {
    job_end(job);
    return;
  }
  charge(job);
  n->whole = n->table.header->complete;
  n->passed_over = n->table.header->bystanders;
  n->jobs = memory_calloc((size_t)n->table.header->num_files + 1, sizeof(struct job *));
  if (n->jobs)
    job->state = JOB_INSIDE;
  else
    job_end(job);
}

/* "outer!inner": shown, never opened. */
static struct span path_inside(struct job *inside, struct span outer, struct span name) {
  uint8_t *path = arena_array(&inside->arena, outer.n + 1 + name.n, uint8_t);
  if (!path) return SPAN("!");
  memcpy(path, outer.p, outer.n);
  path[outer.n] = '!';
  if (name.n) memcpy(path + outer.n + 1, name.p, name.n);
  return span_of(path, outer.n + 1 + name.n);
}

static struct job *start_inside(struct job *job, uint64_t row) {
  struct nested *n = &job->nested;
  struct job *inside = memory_calloc(1, sizeof *inside);
  if (!inside) return NULL;
  *inside = (struct job){.run = job->run,
                         .outer = job,
                         .depth = job->depth + 1,
                         .place = n->n,
                         .verdict = VERDICT_CLEAN,
                         .complete = true,
                         .opened = true,
                         .beginning = (n->table.last - row)->cut == 1,
                         .started_ms = job_now_ms()};
  arena_init(&inside->arena, (size_t)8 * MIB);
  inside->in = (struct input){.path = path_inside(inside, job->in.path, inner_name(&n->table, row)),
                              .found = true,
                              .fd = -1,
                              .slice = true,
                              .bytes = inner_bytes(&n->table, row, job->in.bytes)};
  n->jobs[n->n++] = inside;
  job_scan(inside);
  return inside;
}

/* Counts the job inside that is done; one that is no checkpoint is forgotten. */
static void take_inside(struct job *job) {
  struct nested *n = &job->nested;
  if (n->n == n->judged) return;
  struct job *last = n->jobs[n->n - 1];
  if (!last->skipped) {
    n->judged++;
    return;
  }
  n->n--;
  n->passed_over++;
  job_free(last);
  free(last);
}

/* Once everything inside was judged, "not looked inside" is no longer true of the archive. */
static void settle(struct job *job) {
  struct nested *n = &job->nested;
  for (uint32_t i = 0; n->whole && i < job->findings.n; i++) {
    if (job->findings.p[i].reason != OBS_KIND_ARCHIVE) continue;
    const struct observation o = {.kind = n->judged ? OBS_NESTED_UNPACKED : OBS_NESTED_NOTHING,
                                  .subject = job->findings.p[i].subject,
                                  .got = n->judged,
                                  .want = n->passed_over};
    job_replace(job, i, &o);
  }
  for (uint32_t i = 0; i < n->n; i++) {
    if (n->jobs[i]->verdict > job->verdict) job->verdict = n->jobs[i]->verdict;
    job->complete = job->complete && n->jobs[i]->complete;
  }
}

static void finish(struct job *job) {
  struct nested *n = &job->nested;
  if (!input_unchanged(&job->in)) job_observe(job, &(struct observation){.kind = OBS_INPUT_CHANGED});
  settle(job);
  for (uint32_t i = 0; i < n->n; i++)
    n->jobs[i]->in.bytes.p = NULL; /* only their length is shown from here on */
  region_unmap(n->region, n->unpack.region_bytes);
  n->region = NULL;
  job_end(job);
}

/* What one worker may take, the files inside may take together: the unpacking has set the limits of `job`. */
static bool time_is_over(struct job *job) {
  const struct nested_budget *b = &job_input(job)->budget;
  return b->cpu_ms / 1000 >= job->limits.cpu_seconds || job_now_ms() >= b->end_ms;
}

struct job *nested_next(struct job *job) {
  struct nested *n = &job->nested;
  take_inside(job);
  if (n->next < n->table.header->num_files && time_is_over(job)) {
    job_observe(job, &(struct observation){
                         .kind = OBS_LIMIT_NESTED_TIME, .got = n->judged, .want = job->limits.cpu_seconds});
    n->whole = false;
    n->next = n->table.header->num_files;
  } else if (n->next < n->table.header->num_files) {
    struct job *inside = start_inside(job, n->next++);
    if (inside) return inside;
    job_observe(job, &(struct observation){.kind = OBS_LIMIT_MEMORY});
    n->whole = false;
  }
  if (n->next >= n->table.header->num_files) finish(job);
  return NULL;
}
