/* A run: the inputs become jobs, a few at a time, each in processes of its own; reports come in the order of
 * the inputs. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "api/emit.h"
#include "api/run_events.h"
#include "rules/families.h"

enum { WINDOW = 64 }; /* jobs in flight or waiting for their turn */

struct pool {
  struct run *run;
  struct report *report;
  VEC(struct listed) inputs;
  struct job *jobs[WINDOW]; /* ring: input i is jobs[i % WINDOW] */
  uint32_t started, emitted, running, parallel;
  uint64_t bytes; /* of what is emitted */
  struct tally tally;
};

static bool list_input(struct pool *p, struct span path, bool found, int fd) {
  struct listed *slot = vec_push(&p->run->arena, &p->inputs, UINT32_MAX);
  if (slot) *slot = (struct listed){path, found, fd};
  return slot != NULL;
}

static bool is_directory(const char *path) {
  struct stat st;
  return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool list_inputs(struct pool *p, const struct input_list *inputs) {
  for (size_t i = 0; i < inputs->n; i++) {
    struct path_list below = {0};
    struct span path = span_str(inputs->paths[i]);
    int fd = inputs->fds ? inputs->fds[i] : -1;
    bool walked = fd < 0 && is_directory(inputs->paths[i]) && input_walk(&below, &p->run->arena, path);
    if (!walked && !list_input(p, path, false, fd))
      return false; /* what can't be walked is told by opening it */
    for (uint32_t k = 0; k < below.paths.n; k++)
      if (!list_input(p, below.paths.p[k], true, -1)) return false;
  }
  return true;
}

static void emit_ready(struct pool *p) {
  while (p->emitted < p->started && p->jobs[p->emitted % WINDOW]->state == JOB_DONE) {
    struct job *job = p->jobs[p->emitted++ % WINDOW];
    if (!job->skipped) {
      if (!job_save_outputs(job)) p->tally.output_failed = true;
      if (p->run->options->progress) progress_clear(p->run->options->progress);
      for (const struct job *j = job; j; j = job_following(j)) job_emit(j, p->report);
    }
    p->bytes += job->in.bytes.n;
    tally_add(&p->tally, job);
    job_free(job);
    free(job);
  }
}

static bool start_next(struct pool *p) {
  struct job *job = calloc(1, sizeof *job);
  if (!job) return false;
  const struct listed *input = &p->inputs.p[p->started];
  p->jobs[p->started++ % WINDOW] = job;
  job_start(job, p->run, input);
  if (job->state != JOB_DONE) p->running++;
  return true;
}

/* Waits for one worker and takes its job a step further. */
static void step(struct pool *p) {
  struct worker *workers[WINDOW];
  struct job *jobs[WINDOW];
  size_t n = 0;
  for (uint32_t i = p->emitted; i < p->started; i++) {
    struct job *job = p->jobs[i % WINDOW];
    if (job->state == JOB_DONE) continue;
    jobs[n] = job;
    workers[n++] = job_worker(job);
  }
  if (n == 0) return;
  struct job *job = jobs[workers_wait(workers, n)];
  job_advance(job);
  if (job->state == JOB_DONE) p->running--;
}

static void show_progress(const struct pool *p) {
  struct progress *progress = p->run->options->progress;
  if (progress) progress_show(progress, p->emitted, p->inputs.n, p->bytes, p->inputs.p[p->emitted].path);
}

static bool run_pool(struct pool *p) {
  while (p->emitted < p->inputs.n) {
    while (p->started < p->inputs.n && p->running < p->parallel && p->started - p->emitted < WINDOW)
      if (!start_next(p)) return false;
    show_progress(p);
    step(p);
    emit_ready(p);
  }
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
  if (!path || input_open(in, span_str(path), false, &run->options->limits, &why, &err)) return NULL;
  return complaint(run, "%.256s: %s", path, why);
}

/* A text that can only be a path: anything else may be the name of a family or of a published model. */
static bool is_path(struct span text) {
  return text.p[0] == '.' || text.p[0] == '/' || span_ends(text, SPAN(".json"));
}

static const char *open_arch(struct run *run) {
  const char *why, *arch = run->options->arch;
  int err;
  if (!arch) return NULL;
  struct span text = span_str(arch); /* not empty: the options see to that */
  if (input_open(&run->arch, text, false, &run->options->limits, &why, &err)) return NULL;
  if (is_path(text)) return complaint(run, "%.256s: %s", arch, why);
  run->arch_name = text;
  return NULL;
}

static bool add_family(struct run *run, struct text_file *row, struct span path, const char **why) {
  int err;
  struct input *in = &run->family_files[run->num_family_files];
  if (!input_open(in, path, true, &run->options->limits, why, &err)) return false;
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
    if (span_ends(path, SPAN(".json")) && !add_family(run, &list[run->num_family_files], path, &why))
      return complaint(run, "%.*s: %s", (int)min_size(path.n, 256), (const char *)path.p, why);
  }
  for (uint32_t i = 0; i < n; i++)
    list[run->num_family_files + i] = (struct text_file){
        span_str(family_texts[i].name), span_of((const uint8_t *)family_texts[i].text, family_texts[i].n)};
  run->families = (struct families){list, run->num_family_files + n};
  return NULL;
}

static const char *allow_names(struct run *run) {
  const struct run_options *o = run->options;
  for (size_t i = 0; i < o->allow.n; i++) {
    struct span name = o->allow.list[i].value;
    const char *why = globals_allow(&run->globals, &run->arena, name);
    if (why) return complaint(run, "--allow: %.*s %s", (int)min_size(name.n, 256), (const char *)name.p, why);
  }
  return NULL;
}

static const char *unknown_torch(struct run *run) {
  char newest[TORCH_VERSION_ROOM];
  return complaint(run, "--torch-version: no list of %.64s is known here; 1.13 to %s are",
                   run->options->torch, torch_version_text(torch_newest(), newest));
}

static const char *prepare(struct run *run) {
  const struct run_options *o = run->options;
  arena_init(&run->arena, (size_t)64 << 20);
  run->torch = o->torch ? torch_version_of(span_str(o->torch)) : torch_newest();
  if ((o->verb == VERB_CHECK || o->verb == VERB_FORWARD) && !o->arch && !o->config)
    return "an architecture is needed: --arch FILE, --arch NAME, or --config FILE with a model_type";
  const char *why = open_arch(run);
  if (!why) why = list_families(run);
  if (!why) why = open_side(run, &run->config, o->config);
  if (!why) why = allow_names(run);
  if (!why && !run->torch) why = unknown_torch(run);
  if (getrandom(run->hash_seed, sizeof run->hash_seed, 0) != (ssize_t)sizeof run->hash_seed)
    why = "no random numbers from the kernel";
  return why;
}

static int finish(struct pool *p, int exit_code, const char *error) {
  emit_summary(p->report, &p->tally, exit_code, error);
  input_close(&p->run->arch);
  input_close(&p->run->config);
  for (uint32_t i = 0; i < p->run->num_family_files; i++) input_close(&p->run->family_files[i]);
  arena_free(&p->run->arena);
  return exit_code;
}

int run_inputs(const struct run_options *options, const struct input_list *inputs, struct sandbox *sandbox,
               struct report *report) {
  enum { EXIT_NOTHING = 3, EXIT_USAGE = 4, EXIT_SANDBOX = 5, EXIT_BUG = 70 };
  struct run run = {.options = options, .sandbox = sandbox, .arch = {.fd = -1}, .config = {.fd = -1}};
  struct pool pool = {.run = &run,
                      .report = report,
                      .parallel = options->jobs ? options->jobs : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)};
  const char *why = prepare(&run);
  emit_run(report, &run);
  if (why) return finish(&pool, EXIT_USAGE, why);
  if (sandbox_level(sandbox) < options->sandbox)
    return finish(&pool, EXIT_SANDBOX,
                  "the sandbox can't be put on here: ckptlint doctor shows what is missing");
  if (!list_inputs(&pool, inputs)) return finish(&pool, EXIT_BUG, "out of memory");
  if (!run_pool(&pool)) return finish(&pool, EXIT_BUG, "out of memory");
  if (pool.tally.inputs == 0) return finish(&pool, EXIT_NOTHING, "no input is a checkpoint");
  return finish(&pool, tally_exit(&pool.tally, options->fail_on), NULL);
}
