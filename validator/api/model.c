/* The model stage of a job: which architecture it is compared with, the files that its tests need, its worker
 * and what that one says. */
#include "api/job.h"
#include "container/container.h"

enum { BLAS_BYTES = 192 << 20 };

static struct span folder_of(struct span path) {
  size_t n = path.n - folder_file_name(path).n;
  return n ? span_first(path, n) : SPAN("./");
}

static struct text_file open_name(const struct job *job, struct input *in, struct span name) {
  const char *why;
  int err;
  struct text_file none = {0};
  if (!input_open_beneath(in, folder_of(job->in.path), name, &job->run->options->limits, &why, &err))
    return none;
  return (struct text_file){name, in->bytes};
}

/* A config.json beside a file that a person named, if it has a name under which transformers and diffusers
 * look for all weights of a folder; an adapter's config, wherever the adapter was found. Which model it is, a
 * sealed worker reads. */
void model_open_beside(struct job *job, const struct listed *input) {
  uint32_t rank, family;
  const struct run *run = job->run;
  struct span name = folder_file_name(job->in.path);
  bool wanted = run->arch.fd < 0 && !run->arch_name.n && run->config.fd < 0,
       adapter = adapter_name_read(name);
  if (input->fd >= 0) return;
  if (adapter) job->adapter = open_name(job, &job->adapter_in, SPAN("adapter_config.json"));
  if (wanted && !input->root_n && (adapter || weights_name_read(name, &rank, &family)))
    job->beside = open_name(job, &job->beside_in, SPAN("config.json"));
}

static bool model_named(const struct job *job) {
  const struct run *run = job->run;
  return run->arch.fd >= 0 || run->arch_name.n || run->config.fd >= 0 || job->beside.text.n ||
         job->adapter.text.n;
}

/* What stands in a folder of weights is compared as a part of the whole; a policy is about names alone. */
bool model_wanted(const struct job *job) {
  if (job->run->options->proposal || (job->outer && job->outer->folder.n)) return false;
  return job->have_plan && job->plan.header->complete && model_named(job) && job->verdict != VERDICT_UNSAFE;
}

void model_start(struct job *job, bool files_ready) {
  const struct run_options *o = job->run->options;
  if (!job->model_region) {
    job->model_bytes = (size_t)max_u64(o->limits.plan_bytes, PLAN_MIN_BYTES);
    job->model_region = region_map(job->model_bytes);
  }
  if (!job->model_region) {
    job_failed(job, "no memory for the report on the model");
    job_end(job);
    return;
  }
  bool run_config = job->run->config.fd >= 0;
  const struct text_file named = {job->run->config.path, job->run->config.bytes};
  job->model = (struct model_job){.options = o,
                                  .file = job->in.bytes,
                                  .plan = &job->plan,
                                  .arch = {job->run->arch.path, job->run->arch.bytes},
                                  .arch_name = job->run->arch_name,
                                  .families = job->run->families,
                                  .config = run_config ? named : job->beside,
                                  .adapter = job->adapter,
                                  .config_is_beside = !run_config,
                                  .files = job->files,
                                  .num_files = job->num_files,
                                  .files_ready = files_ready,
                                  .region = job->model_region,
                                  .region_bytes = job->model_bytes,
                                  .arena_bytes = o->limits.arena_base + o->limits.forward_bytes};
  job->limits = job_limits(job, job->model.arena_bytes + BLAS_BYTES + o->limits.json_bytes);
  job_launch(job, files_ready ? JOB_MODEL : JOB_NEEDS,
             &(struct worker_task){.prepare = model_prepare,
                                   .run = model_run,
                                   .ctx = &job->model,
                                   .writes = {{job->model_region, job->model_bytes}}});
}

/* Where the files lie that the architecture file names. A built-in family names none. */
static struct span side_folder(const struct run *run) {
  return run->arch.fd >= 0 ? folder_of(run->arch.path) : span_str(run->options->families);
}

static void add_file(struct job *job, struct span name, bool beneath) {
  const char *why;
  int err;
  const struct limits *max = &job->run->options->limits;
  if (job->num_files == SIDE_FILES) return;
  struct input *in = &job->side[job->num_files];
  bool ok = beneath ? input_open_beneath(in, side_folder(job->run), name, max, &why, &err)
                    : input_open(in, name, 0, max, &why, &err);
  if (!ok) {
    job_observe(job, &(struct observation){.kind = OBS_SIDE_FILE, .subject = name, .detail = span_str(why)});
    return;
  }
  job->files[job->num_files++] = (struct forward_file){.name = name, .bytes = in->bytes};
}

/* Files of the options, wherever a person says; files that the architecture file names, only beneath its
 * folder and only if its tests are run: a person's files take their place. */
void model_open_files(struct job *job) {
  const struct run_options *o = job->run->options;
  for (size_t i = 0; i < o->inputs.n; i++) add_file(job, o->inputs.list[i].value, false);
  for (size_t i = 0; i < o->expects.n; i++) add_file(job, o->expects.list[i].value, false);
  bool own = o->inputs.n + o->expects.n > 0 || (job->run->arch.fd < 0 && !o->families);
  for (uint32_t i = 0; !own && i < job->needs.n; i++) add_file(job, job->needs.p[i], true);
}

void model_take(struct job *job) {
  const char *why;
  if (!job_take_report(job)) return;
  const struct model_summary *s = job_summary(job);
  if (!s || !s->ran_forward) return;
  job->result = result_open((uint8_t *)job->model_region + MODEL_SUMMARY_BYTES,
                            job->model_bytes - MODEL_SUMMARY_BYTES, &why);
  if (!job->result)
    job_observe(job, &(struct observation){
                         .kind = OBS_WORKER_PROTOCOL, .subject = SPAN("forward"), .detail = span_str(why)});
}

const struct model_summary *job_summary(const struct job *job) {
  const struct model_summary *s = job->model_region;
  bool fine = s && s->magic == MODEL_SUMMARY && s->dict < max_u64(job->plan.num_dicts, 1) &&
              s->name_n <= MODEL_TEXT && s->prefix_removed_n <= MODEL_TEXT && s->prefix_added_n <= MODEL_TEXT;
  return fine ? s : NULL;
}

/* A check that was asked for and has nothing to compare with. */
void model_note_none(struct job *job) {
  bool part = job->outer && job->outer->folder.n;
  if (asks_check(job->run->options) && !part && !job->skipped && !model_named(job) && job->run->lock.fd < 0)
    job_observe(job, &(struct observation){.kind = OBS_ARCH_NONE});
}

void model_drop(struct job *job) {
  if (job->model_region) region_unmap(job->model_region, job->model_bytes);
  job->model_region = NULL;
}
