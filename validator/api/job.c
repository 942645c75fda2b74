#include "api/job.h"

#include <errno.h>
#include <time.h>

#include "api/reference.h"
#include "container/container.h"

enum { MIB = 1 << 20, WORKER_SLACK = 48 * MIB };

uint64_t job_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- limits ---- */

static uint64_t arena_bytes(const struct limits *max, uint64_t input) {
  uint64_t wanted;
  if (!try_mul(input, max->arena_factor, &wanted) || !try_add(wanted, max->arena_base, &wanted))
    wanted = max->arena_max;
  return min_u64(wanted, max_u64(max->arena_max, max->arena_base));
}

struct worker_limits job_limits(const struct job *job, uint64_t memory) {
  const struct limits *max = &job->run->options->limits;
  uint64_t seconds = max->seconds + job->in.bytes.n / 100000000;
  return (struct worker_limits){.memory_bytes = memory + WORKER_SLACK,
                                .cpu_seconds = seconds,
                                .wall_ms = seconds * 1000 + 500,
                                .report_bytes = max->report_bytes,
                                .at_least = job->run->options->sandbox};
}

/* ---- ends ---- */

void job_end(struct job *job) {
  job->state = JOB_DONE;
  job->took_ms = job_now_ms() - job->started_ms;
}

/* A file that a person did not name and that is no checkpoint by its bytes: READMEs and the like. */
static bool is_bystander(const struct job *job) {
  return job->in.found && job->have_plan &&
         container_is_bystander((enum container_kind)job->plan.header->kind, job->in.path);
}

static void no_input(struct job *job, const char *why, int err) {
  struct span near = err == ENOENT ? input_near_names(&job->arena, job->in.path) : SPAN("");
  job_observe(job, &(struct observation){
                       .kind = OBS_INPUT_UNREADABLE,
                       .subject = job->in.path,
                       .detail = arena_printf(&job->arena, "%s%s%.*s%s", input_why(&job->arena, why, err),
                                              near.n ? "; did you mean " : "", (int)near.n,
                                              (const char *)near.p, near.n ? "?" : "")});
  job->verdict = VERDICT_ERROR;
  job->complete = false;
  job_end(job);
}

/* ---- workers ---- */

void job_launch(struct job *job, enum job_state state, const struct worker_task *task) {
  if (!worker_start(&job->worker, job->run->sandbox, &job->limits, task)) {
    job_observe(job, &(struct observation){.kind = OBS_WORKER_SETUP,
                                           .subject = SPAN("starting its process"),
                                           .detail = span_str(strerrordesc_np(errno)),
                                           .got = (uint64_t)errno});
    job_end(job);
    return;
  }
  job->state = state;
}

const struct global_row *job_global(const struct job *job, struct span module, struct span name) {
  const struct global_row *row = globals_lookup(job->names, module, name);
  for (uint32_t i = 0; !row && i < job->folder.n && i < job->nested.n; i++)
    row = globals_lookup(job->nested.jobs[i]->names, module, name);
  return row;
}

struct scan_job job_scan_task(const struct job *job) {
  return (struct scan_job){
      .options = job->run->options,
      .file = job->in.bytes,
      .beginning = job->beginning,
      .plan = job->plan_region,
      .plan_bytes = job->plan_bytes,
      .policy = {.lookup = globals_lookup, .ctx = job->names, .torch = job->run->policy.torch},
      .arena_bytes = arena_bytes(&job->run->options->limits, job->in.bytes.n),
      .hash_seed = {job->run->hash_seed[0], job->run->hash_seed[1]}};
}

bool job_digest(const struct job *job, char hex[SHA256_HEX + 1]) {
  return digest_bytes(job->in.bytes, job->run->sandbox, &job->run->options->limits, hex);
}

void job_scan(struct job *job) {
  job->names = policy_names(&job->run->policy, job->in.bytes, job->run->sandbox, &job->run->options->limits);
  if (job->run->options->proposal) (void)!job_digest(job, job->sha256);
  job->plan_bytes = (size_t)max_u64(job->run->options->limits.plan_bytes, PLAN_MIN_BYTES);
  job->plan_region = region_map(job->plan_bytes);
  if (!job->plan_region) {
    no_input(job, "no memory for its report", errno);
    return;
  }
  job->scan = job_scan_task(job);
  job->limits = job_limits(job, job->scan.arena_bytes);
  job_launch(job, JOB_SCANNING,
             &(struct worker_task){.prepare = scan_prepare,
                                   .run = scan_run,
                                   .ctx = &job->scan,
                                   .writes = {{job->plan_region, job->plan_bytes}}});
}

static bool open_input(struct input *in, const struct listed *l, const struct limits *max, const char **why,
                       int *err) {
  if (l->fd >= 0) return input_adopt(in, l->path, l->fd, max, why, err);
  if (!l->root_n && span_is(l->path, "-")) return input_stdin(in, max, why, err);
  return input_open(in, l->path, l->root_n, max, why, err);
}

/* A verdict reached with a layer of the sandbox missing says which, and so does one with a loader's guests.
 */
static void note_sandbox(struct job *job) {
  struct span preloads[PRELOADS_MAX];
  size_t num_preloads = sandbox_preloads(preloads);
  for (size_t i = 0; i < num_preloads; i++)
    job_observe(job, &(struct observation){.kind = OBS_SANDBOX_PRELOADED, .subject = preloads[i]});

  const struct sandbox_layer *layers;
  size_t n = sandbox_layers(job->run->sandbox, &layers);
  for (size_t i = 0; i < n; i++)
    if (!layers[i].on)
      job_observe(job, &(struct observation){
                           .kind = OBS_SANDBOX_DEGRADED,
                           .subject = span_str(layers[i].name),
                           .detail = span_str(layers[i].stops),
                           .got = (uint64_t)(layers[i].error < 0 ? -layers[i].error : layers[i].error)});
}

void job_init(struct job *job, const struct run *run) {
  *job = (struct job){
      .run = run,
      .running = job,
      .names = &run->policy.globals,
      .verdict = VERDICT_CLEAN,
      .complete = true,
      .started_ms = job_now_ms(),
      .budget = {.bytes = run->options->limits.nested_bytes, .files = run->options->limits.nested_files}};
  arena_init(&job->arena, (size_t)8 * MIB);
}

bool job_open(struct job *job, const struct run *run, const struct listed *input) {
  const char *why;
  int err;
  job_init(job, run);
  if (input->num_files) {
    if (!folder_start(job, input)) no_input(job, "no memory for its files", ENOMEM);
    return job->state != JOB_DONE;
  }
  job->opened = open_input(&job->in, input, &run->options->limits, &why, &err);
  if (!job->opened) {
    no_input(job, why, err);
    return false;
  }
  note_sandbox(job);
  model_open_beside(job, input);
  return true;
}

void job_start(struct job *job, const struct run *run, const struct listed *input) {
  if (job_open(job, run, input) && !job->folder.n) job_scan(job);
}

static bool unchanged(const struct job *job) {
  bool same = input_unchanged(&job->in);
  for (uint32_t i = 0; i < job->folder.n && same; i++) {
    const struct job *file = job->nested.jobs[i];
    same = !file->opened || file->skipped || input_unchanged(&file->in);
  }
  return same;
}

static bool inputs_unchanged(const struct job *job) {
  const struct job *const *side = job->pair.side;
  return side[0] ? unchanged(side[0]) && unchanged(side[1]) : unchanged(job);
}

static void take_text(struct job *job, enum text_key key, struct span text) {
  struct span *slot = NULL;
  if (key == TEXT_NEED_FILE) slot = vec_push(&job->arena, &job->needs, SIDE_FILES);
  if (key == TEXT_TORCH_LINE) slot = vec_push(&job->arena, &job->torch_lines, UINT32_MAX);
  if (slot) *slot = text;
  if (key == TEXT_NO_MODEL && !asks_check(job->run->options)) job->no_model = true;
  describe_take(job, key, text);
}

/* The dead worker's report: findings are believed to be the worker's claims, its end is the kernel's word. */
bool job_take_report(struct job *job) {
  struct worker_result r;
  worker_finish(&job->worker, &job->arena, job->in.bytes.n, &r);
  job_input(job)->budget.cpu_ms += r.cpu_ms;
  for (uint32_t i = 0; i < r.in.findings.n; i++) job_add_finding(job, &r.in.findings.p[i]);
  for (uint32_t i = 0; i < r.in.texts.n; i++) take_text(job, r.in.texts.p[i].key, r.in.texts.p[i].text);
  if (!inputs_unchanged(job)) job_observe(job, &(struct observation){.kind = OBS_INPUT_CHANGED});
  if (r.end == WORKER_OK) return true;
  struct observation o = worker_observation(&r, &job->limits);
  job_observe(job, &o);
  job->complete = false;
  return false;
}

static void open_plan(struct job *job) {
  const char *why;
  job->have_plan = plan_open(&job->plan, job->plan_region, job->plan_bytes, job->in.bytes.n, &why);
  if (!job->have_plan)
    job_observe(job, &(struct observation){
                         .kind = OBS_WORKER_PROTOCOL, .subject = SPAN("plan"), .detail = span_str(why)});
  if (job->have_plan && !region_freeze(job->plan_region, job->plan_bytes)) {
    job->have_plan = false;
    job_failed(job, "the scan's tables can't be made read-only");
  }
  /* A worker that read all says so in its plan. One that does not, and has no word about why, is not
   * believed. */
  if (job->have_plan && !job->plan.header->complete && job->verdict <= VERDICT_FINDINGS)
    job_observe(job, &(struct observation){.kind = OBS_WORKER_INCOMPLETE});
}

/* The name decides nothing but this: people and tools choose what loads a file by it. */
static void look_at_name(struct job *job) {
  if (!job->have_plan) return;
  enum container_kind kind = (enum container_kind)job->plan.header->kind;
  struct span ending = container_false_ending(kind, job->in.path);
  if (ending.n)
    job_observe(job,
                &(struct observation){
                    .kind = OBS_KIND_NAME, .subject = span_str(container_kind_name(kind)), .detail = ending});
}

static void look_inside(struct job *job) {
  if (nested_wanted(job))
    nested_start(job);
  else
    job_end(job);
}

void job_after_lock(struct job *job) {
  if (describe_wanted(job))
    describe_start(job);
  else if (model_wanted(job))
    model_start(job, false);
  else
    look_inside(job);
}

static bool is_reference(const struct job *job) {
  return job->run->options->reference && !job->run->reference;
}

static void after_plan(struct job *job) {
  if (is_reference(job)) {
    job_end(job);
    return;
  }
  model_note_none(job);
  reference_compare(job);
  if (lock_wanted(job))
    lock_start(job);
  else
    job_after_lock(job);
}

static void advance(struct job *job) {
  uint32_t before;
  switch (job->state) {
  case JOB_SCANNING:
    if (job_take_report(job)) open_plan(job);
    look_at_name(job);
    job->skipped = is_bystander(job);
    after_plan(job);
    return;
  case JOB_FOLDER:
    if (job_take_report(job)) open_plan(job);
    folder_take(job);
    after_plan(job);
    return;
  case JOB_NEEDS:
    before = job->findings.n;
    if (!job_take_report(job) || job->findings.n > before || job->no_model) {
      look_inside(job); /* the architecture file can't be used, or there is none */
      return;
    }
    model_open_files(job);
    model_start(job, true);
    return;
  case JOB_MODEL:
    model_take(job);
    look_inside(job);
    return;
  case JOB_UNPACKING: nested_take(job); return;
  case JOB_DIFF: pair_take(job); return;
  case JOB_DIGEST:
    if (!lock_digested(job)) job_after_lock(job);
    return;
  case JOB_DESCRIBE:
    (void)!job_take_report(job); /* a bad end is a finding now */
    job_end(job);
    return;
  case JOB_LOCK:
    (void)!job_take_report(job); /* a bad end is a finding now */
    job_after_lock(job);
    return;
  case JOB_NEW:
  case JOB_FILES:
  case JOB_INSIDE:
  case JOB_DONE: return;
  }
}

/* Takes the job that ran a step further; one that has files inside goes on with them, one that is done hands
 * over to the one around it. */
void job_advance(struct job *input) {
  struct job *job = input->running, *next = job;
  advance(job);
  while (next && (next->state == JOB_INSIDE || next->state == JOB_DONE)) {
    if (next->state == JOB_DONE && next == input) break;
    if (next->state == JOB_DONE) next = next->outer;
    struct job *inside = nested_next(next);
    if (inside) next = inside;
  }
  input->running = next;
  if (input->state == JOB_DONE && input->outer) folder_file_done(input->outer);
}

const struct job *job_following(const struct job *job) {
  if (job->nested.n) return job->nested.jobs[0];
  for (; job->outer; job = job->outer)
    if (job->place + 1 < job->outer->nested.n) return job->outer->nested.jobs[job->place + 1];
  return NULL;
}

void job_interrupt(struct job *job) {
  if (job->state == JOB_DONE) return;
  for (const struct job *j = job_following(job); j; j = job_following(j))
    if (j->state == JOB_DONE && !j->skipped && j->verdict > job->verdict) job->verdict = j->verdict;
  if (job->state == JOB_NEEDS || job->state == JOB_MODEL) model_drop(job); /* half written */
  job_observe(job, &(struct observation){.kind = OBS_INTERRUPTED});
  job_end(job);
}

static void free_one(struct job *job) {
  for (size_t i = 0; i < job->num_files; i++) input_close(&job->side[i]);
  if (job->opened) input_close(&job->in);
  if (job->beside_in.bytes.n) input_close(&job->beside_in);
  if (job->adapter_in.bytes.n) input_close(&job->adapter_in);
  if (job->plan_region) region_unmap(job->plan_region, job->plan_bytes);
  model_drop(job);
  if (job->lock.region) region_unmap(job->lock.region, job->lock.bytes);
  if (job->pair.region) region_unmap(job->pair.region, job->pair.bytes);
  arena_free(&job->arena);
  if (job->nested.region) region_unmap(job->nested.region, job->nested.unpack.region_bytes);
  free(job->nested.jobs);
  free(job->folder.files);
  if (job->folder.scratch) region_unmap(job->folder.scratch, job->plan_bytes);
}

/* From the innermost outwards. */
void job_free(struct job *input) {
  for (struct job *job = input;;) {
    while (job->nested.n) job = job->nested.jobs[job->nested.n - 1];
    struct job *outer = job->outer;
    free_one(job);
    if (job == input) return;
    free(job);
    outer->nested.n--;
    job = outer;
  }
}
