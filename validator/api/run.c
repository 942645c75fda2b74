/* A run: the inputs become jobs, a few at a time, each in processes of its own; reports come in the order of
 * the inputs. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/config.h"
#include "api/emit.h"
#include "api/propose.h"
#include "api/record.h"
#include "api/reference.h"
#include "api/run_events.h"
#include "api/second.h"
#include "api/series.h"
#include "api/sketch.h"
#include "base/memory.h"
#include "rules/texts.h"

enum { WINDOW = 64 }; /* jobs in flight or waiting for their turn */

struct pool {
  struct run *run;
  struct report *report;
  struct listing inputs;
  struct job *jobs[WINDOW]; /* ring: input i is jobs[i % WINDOW] */
  uint32_t started, emitted, parallel;
  uint64_t bytes; /* of what is emitted */
  struct tally tally;
  struct series series;
};

static bool shows_series(const struct run_options *o) { return o->verb == VERB_CHECK || o->fields.n; }

/* What was stopped before the second run came to it has no second opinion. */
static void ask_second(struct second *s, struct job *job) {
  bool agrees = !workers_signal() && second_agrees(s, job);
  enum obs_kind why = workers_signal() ? OBS_INTERRUPTED : OBS_SECOND_DIFFERS;
  if (!agrees) job_observe(job, &(struct observation){.kind = why});
}

static void emit_job(struct pool *p, struct job *job) {
  const struct run_options *o = p->run->options;
  if (shows_series(o)) series_take(&p->series, &p->run->arena, job);
  if (p->run->policy.ignored && p->tally.inputs == 0)
    job_observe(job, &(struct observation){.kind = OBS_CONFIG_IGNORED, .subject = SPAN(CONFIG_NAME)});
  if (!job_save_outputs(job)) p->tally.output_failed = true;
  if (o->progress) progress_clear(o->progress);
  if (o->second) ask_second(o->second, job);
  job_emit_whole(job, p->report);
  for (const struct job *j = job; j; j = job_following(j)) {
    if (!job_is_shown(j)) continue;
    if (o->proposal) propose(o->proposal, j);
    if (o->locking) lock_write(o->locking, j);
    if (o->sketch) sketch_write(o->sketch, j);
    if (o->recording) record_write(o->recording, j);
  }
}

static void emit(struct pool *p, struct job *job) {
  if (!job->skipped) emit_job(p, job);
  p->bytes += job->in.bytes.n;
  tally_add(&p->tally, job);
}

static void drop(struct pool *p, uint32_t place) {
  job_free(p->jobs[place]);
  free(p->jobs[place]);
  p->jobs[place] = NULL;
}

static bool is_diff(const struct pool *p) { return p->run->options->verb == VERB_DIFF; }

static void emit_ready(struct pool *p) {
  while (!is_diff(p) && p->emitted < p->started && p->jobs[p->emitted % WINDOW]->state == JOB_DONE) {
    uint32_t place = p->emitted++ % WINDOW;
    emit(p, p->jobs[place]);
    drop(p, place);
  }
}

/* ---- diff: two inputs, and the pair that they are ---- */

enum { SIDES = 2, PAIR = SIDES };

static bool sides_done(const struct pool *p) {
  // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the sides go with the pair, which nothing follows
  return p->started >= SIDES && p->jobs[0]->state == JOB_DONE && p->jobs[1]->state == JOB_DONE;
}

/* The pair's events name tensors of its sides. */
static void emit_diff(struct pool *p) {
  if (!is_diff(p) || p->started <= PAIR || p->jobs[PAIR]->state != JOB_DONE) return;
  for (uint32_t i = 0; i <= PAIR; i++) emit(p, p->jobs[i]);
  for (uint32_t i = PAIR + 1; i > 0; i--) drop(p, i - 1);
  p->emitted = PAIR + 1;
}

static bool may_start(const struct pool *p) {
  return p->started < p->inputs.rows.n && p->started - p->emitted < WINDOW &&
         (!is_diff(p) || p->started < PAIR || sides_done(p));
}

static const char *add_pair(struct pool *p) {
  if (!is_diff(p)) return NULL;
  if (p->inputs.rows.n != SIDES) return "diff takes two checkpoints, files or folders of weights";
  struct listed *slot = vec_push(&p->run->arena, &p->inputs.rows, UINT32_MAX);
  if (slot) *slot = (struct listed){.path = p->inputs.rows.p[1].path, .fd = -1};
  return slot ? NULL : "out of memory";
}

/* The workers that run, and whose they are. */
struct running {
  struct worker *workers[WINDOW];
  struct job *jobs[WINDOW];
  uint32_t n;
};

static void add_running(struct running *r, struct job *job) {
  r->jobs[r->n] = job;
  r->workers[r->n++] = job_worker(job);
}

static struct running find_running(const struct pool *p) {
  struct running r = {.n = 0};
  for (uint32_t i = p->emitted; i < p->started; i++) {
    struct job *job = p->jobs[i % WINDOW], *file;
    uint32_t from = job->folder.first;
    if (job->state == JOB_FILES)
      while ((file = folder_next_running(job, &from))) add_running(&r, file);
    else if (job->state != JOB_DONE)
      add_running(&r, job);
  }
  return r;
}

static bool start_input(struct pool *p) {
  struct job *job = memory_calloc(1, sizeof *job);
  if (!job) return false;
  uint32_t i = p->started++;
  p->jobs[i % WINDOW] = job;
  if (is_diff(p) && i == PAIR)
    pair_start(job, p->run, p->jobs[0], p->jobs[1]);
  else
    job_start(job, p->run, &p->inputs.rows.p[i]);
  return true;
}

/* The newest input may be a folder with files that wait. */
static struct job *waiting_folder(const struct pool *p) {
  struct job *newest = p->started > p->emitted ? p->jobs[(p->started - 1) % WINDOW] : NULL;
  return newest && folder_has_next(newest) ? newest : NULL;
}

/* Keeps as many workers running as may run at a time. */
static bool start_more(struct pool *p) {
  while (find_running(p).n < p->parallel) {
    struct job *folder = waiting_folder(p);
    if (!folder && !may_start(p)) return true;
    if (folder ? !folder_start_next(folder) : !start_input(p)) return false;
  }
  return true;
}

/* Waits for one worker and takes its job a step further. */
static void step(struct pool *p) {
  struct running r = find_running(p);
  if (r.n == 0) return;
  size_t dead = workers_wait(r.workers, r.n);
  if (dead < r.n) job_advance(r.jobs[dead]);
}

static void show_progress(const struct pool *p) {
  struct progress *progress = p->run->options->progress;
  if (progress)
    progress_show(progress, p->emitted, p->inputs.rows.n, p->bytes, p->inputs.rows.p[p->emitted].path);
}

/* What runs is killed; what is done is emitted as ever, what is not as not checked. */
static void stop(struct pool *p) {
  struct running r = find_running(p);
  workers_kill(r.workers, r.n);
  for (uint32_t i = 0; i < r.n; i++) {
    struct worker_result ignored;
    worker_finish(r.workers[i], &r.jobs[i]->arena, 0, &ignored);
  }
  for (uint32_t i = p->emitted; i < p->started; i++) job_interrupt(p->jobs[i % WINDOW]);
  for (uint32_t i = p->emitted; i < p->started; i++) emit(p, p->jobs[i % WINDOW]);
  for (uint32_t i = p->started; i > p->emitted; i--) drop(p, (i - 1) % WINDOW); /* a pair before its sides */
  p->emitted = p->started;
}

static bool run_pool(struct pool *p) {
  while (p->emitted < p->inputs.rows.n && !workers_signal()) {
    if (memory_has_failed()) return false;
    if (!start_more(p)) return false;
    show_progress(p);
    step(p);
    emit_ready(p);
    emit_diff(p);
    if (p->series.lost) return false;
  }
  if (workers_signal()) stop(p);
  return true;
}

/* A sentence about one value of the options; it lives in the run's arena. */
static const char *PRINTF_LIKE(2, 3) complaint(struct run *run, const char *format, ...) {
  char text[512];
  va_list ap;
  va_start(ap, format);
  (void)vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  struct span kept = arena_printf(&run->arena, "%s", text); /* arena_printf ends its text with a NUL */
  return kept.n ? (const char *)kept.p : "out of memory";
}

/* Files of the options: opened once, parsed only by sealed workers. */
static const char *open_side(struct run *run, struct input *in, const char *path) {
  const char *why = NULL;
  int err;
  in->fd = -1;
  if (!path || input_open(in, span_str(path), 0, &run->options->limits, &why, &err)) return NULL;
  return complaint(run, "%.256s: %s", path, input_why(&run->arena, why, err));
}

/* Without the sandbox that was asked for nothing is parsed, and the run ends. */
static bool is_sealed(const struct run *run) { return sandbox_level(run->sandbox) >= run->options->sandbox; }

/* A text that can only be a path: anything else may be the name of a family or of a published model. */
static bool is_path(struct span text) {
  return text.p[0] == '.' || text.p[0] == '/' || span_ends(text, SPAN(".json"));
}

static const char *open_arch(struct run *run) {
  const char *why, *arch = run->options->arch;
  int err;
  if (!arch) return NULL;
  struct span text = span_str(arch); /* not empty: the options see to that */
  if (input_open(&run->arch, text, 0, &run->options->limits, &why, &err)) return NULL;
  if (is_path(text)) return complaint(run, "%.256s: %s", arch, input_why(&run->arena, why, err));
  run->arch_name = text;
  return NULL;
}

static bool add_family(struct run *run, struct text_file *row, struct span path, size_t root_n,
                       const char **why) {
  int err;
  struct input *in = &run->family_files[run->num_family_files];
  if (!input_open(in, path, root_n, &run->options->limits, why, &err)) {
    *why = input_why(&run->arena, *why, err);
    return false;
  }
  run->num_family_files++;
  *row = (struct text_file){path, in->bytes};
  return true;
}

/* The files of --families, then the built-in ones. */
static const char *list_families(struct run *run) {
  struct path_list found = {0};
  const char *dir = run->options->families, *why = NULL;
  uint32_t n = 0;
  if (dir && !input_walk(&found, &run->arena, span_str(dir)))
    return complaint(run, "--families %.256s: the directory can't be read", dir);
  while (family_texts[n].name) n++;
  struct text_file *list = arena_array(&run->arena, found.paths.n + n, struct text_file);
  run->family_files = arena_array(&run->arena, found.paths.n, struct input);
  if (!list || !run->family_files) return "out of memory";
  for (uint32_t i = 0; i < found.paths.n; i++) {
    struct span path = found.paths.p[i];
    if (span_ends(path, SPAN(".json")) &&
        !add_family(run, &list[run->num_family_files], path, found.root_n, &why))
      return complaint(run, "%.*s: %s", (int)min_size(path.n, 256), (const char *)path.p, why);
  }
  for (uint32_t i = 0; i < n; i++)
    list[run->num_family_files + i] =
        (struct text_file){span_str(family_texts[i].name), span_str(family_texts[i].text)};
  run->families = (struct families){list, run->num_family_files + n};
  return NULL;
}

static const char *allow_names(struct run *run) {
  const struct run_options *o = run->options;
  for (size_t i = 0; i < o->allow.n; i++) {
    struct span name = o->allow.list[i].value;
    const char *why = globals_allow(&run->policy.globals, &run->arena, name, false);
    if (why) return complaint(run, "--allow: %.*s %s", (int)min_size(name.n, 256), (const char *)name.p, why);
  }
  return NULL;
}

static const char *unknown_torch(struct run *run) {
  char newest[TORCH_VERSION_ROOM];
  return complaint(run, "--torch-version: no list of %.64s is known here; 1.13 to %s are",
                   run->options->torch, torch_version_text(torch_newest(), newest));
}

static const char *open_policy(struct run *run, const struct input_list *inputs) {
  const struct run_options *o = run->options;
  if (o->policy) return open_side(run, &run->policy.file, o->policy);
  enum config_found found = o->isolated ? CONFIG_NONE : config_find(inputs);
  run->policy.ignored = found == CONFIG_BESIDE;
  return found == CONFIG_USABLE ? open_side(run, &run->policy.file, CONFIG_NAME) : NULL;
}

/* In this order: a name that the file has reviewed stays reviewed when --allow names it too. */
static const char *prepare_policy(struct run *run, const struct input_list *inputs) {
  const struct run_options *o = run->options;
  struct policy *p = &run->policy;
  p->torch = o->torch ? torch_version_of(span_str(o->torch)) : torch_newest();
  p->weights_profile = o->profile == PROFILE_WEIGHTS;
  p->globals.propose = o->proposal != NULL;
  if (!p->torch) return unknown_torch(run);
  const char *why = open_policy(run, inputs);
  if (!why && p->file.fd >= 0) why = policy_read(p, &run->arena, run->sandbox, &o->limits);
  if (!why) why = allow_names(run);
  if (!why) policy_digest(p, &run->arena, run->sandbox, &o->limits);
  return why;
}

static const char *prepare(struct run *run, const struct input_list *inputs) {
  const struct run_options *o = run->options;
  arena_init(&run->arena, (size_t)64 << 20);
  const char *why = open_arch(run);
  if (!why) why = list_families(run);
  if (!why) why = open_side(run, &run->config, o->config);
  if (!why) why = open_side(run, &run->lock, o->lock);
  if (!why && is_sealed(run)) why = prepare_policy(run, inputs);
  if (getrandom(run->hash_seed, sizeof run->hash_seed, 0) != (ssize_t)sizeof run->hash_seed)
    why = "no random numbers from the kernel";
  return why;
}

static int finish(struct pool *p, int exit_code, const char *error) {
  emit_summary(p->report, p->run, &p->tally, exit_code, error);
  input_close(&p->run->arch);
  input_close(&p->run->config);
  input_close(&p->run->lock);
  input_close(&p->run->policy.file);
  for (uint32_t i = 0; i < p->run->num_family_files; i++) input_close(&p->run->family_files[i]);
  reference_close(p->run);
  arena_free(&p->run->arena);
  return exit_code;
}

int run_inputs(const struct run_options *options, const struct input_list *inputs, struct sandbox *sandbox,
               struct report *report) {
  /* cli/exit.def has them all; this floor can't see it */
  enum { EXIT_NOTHING = 3, EXIT_USAGE = 4, EXIT_SANDBOX = 5, EXIT_BUG = 70, EXIT_STOPPED = 130 };
  struct run run = {.options = options,
                    .sandbox = sandbox,
                    .arch = {.fd = -1},
                    .lock = {.fd = -1},
                    .config = {.fd = -1},
                    .policy = {.file = {.fd = -1}}};
  struct pool pool = {.run = &run,
                      .report = report,
                      .parallel = (uint32_t)min_u64(
                          options->jobs ? options->jobs : (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), WINDOW)};
  const char *why = prepare(&run, inputs);
  if (!why && is_sealed(&run)) why = reference_open(&run);
  emit_run(report, &run);
  if (workers_signal()) return finish(&pool, EXIT_STOPPED, "stopped by a signal");
  if (why) return finish(&pool, run.policy.unread ? EXIT_BUG : EXIT_USAGE, why);
  if (!is_sealed(&run))
    return finish(&pool, EXIT_SANDBOX,
                  "the sandbox can't be put on here: ckptlint doctor shows what is missing");
  if (!list_inputs(&pool.inputs, &run.arena, inputs)) return finish(&pool, EXIT_BUG, "out of memory");
  if (asks_check(options) && !options->arch && !options->config && !options->lock &&
      !listing_may_have_config(&pool.inputs))
    return finish(&pool, EXIT_USAGE,
                  "an architecture is needed: --arch FILE, --arch NAME, or --config FILE with a model_type "
                  "(for an adapter the base model's); "
                  "ckptlint describe FILE says what it looks like");
  if ((why = add_pair(&pool))) return finish(&pool, EXIT_USAGE, why);
  if (!run_pool(&pool)) return finish(&pool, EXIT_BUG, "out of memory");
  if (workers_signal())
    return finish(
        &pool, EXIT_STOPPED,
        complaint(&run, "stopped by a signal: %u of %u inputs were begun", pool.started, pool.inputs.rows.n));
  if (pool.tally.inputs == 0) return finish(&pool, EXIT_NOTHING, "no input is a checkpoint");
  return finish(&pool, tally_exit(&pool.tally, options->fail_on), NULL);
}
