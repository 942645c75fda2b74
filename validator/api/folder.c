/* A folder of weights on its way: its files are jobs of their own, several at a time; then one more worker
 * sees all their plans, and the folder goes on as one checkpoint: its bytes are the files' mappings, one
 * behind the other, and its plan is about those. The folder's verdict is the worst of theirs and its own. */
#include <sys/mman.h>
#include <unistd.h>

#include "api/job.h"
#include "base/memory.h"

enum { MIB = 1 << 20 };

bool folder_start(struct job *job, const struct listed *input) {
  struct folder_run *f = &job->folder;
  bool metadata = false, chunks = false;
  job->nested.jobs = memory_calloc(input->num_files, sizeof(struct job *));
  *f = (struct folder_run){.paths = input->files, .n = input->num_files, .root_n = input->root_n};
  f->files = memory_calloc(input->num_files, sizeof *f->files);
  for (uint32_t i = 0; i < f->n; i++) {
    struct span name = folder_file_name(f->paths[i]);
    metadata = metadata || dcp_is_metadata(name);
    chunks = chunks || dcp_is_data(name);
  }
  f->distributed = metadata && chunks;
  job->in = (struct input){.path = input->path, .found = true, .fd = -1, .slice = true};
  job->opened = true;
  job->state = JOB_FILES;
  return job->nested.jobs && f->files;
}

bool folder_has_next(const struct job *job) {
  return job->state == JOB_FILES && job->nested.n < job->folder.n;
}

static void start_file(struct job *file, const struct job *job, struct span path) {
  const struct listed listed = {.path = path, .root_n = job->folder.root_n, .fd = -1};
  file->held = job->folder.distributed && dcp_is_data(folder_file_name(path));
  if (!file->held) {
    job_start(file, job->run, &listed);
  } else if (job_open(file, job->run, &listed)) {
    file->held = true; /* job_open begins with a clean job */
    file->state = JOB_DONE;
  }
}

bool folder_start_next(struct job *job) {
  struct job *file = memory_calloc(1, sizeof *file);
  if (!file) return false;
  uint32_t i = job->nested.n;
  start_file(file, job, job->folder.paths[i]);
  file->outer = job;
  file->place = i;
  file->depth = 1;
  job->nested.jobs[job->nested.n++] = file;
  if (file->state == JOB_DONE) folder_file_done(job);
  return true;
}

struct job *folder_next_running(const struct job *job, uint32_t *from) {
  for (; *from < job->nested.n; ++*from)
    if (job->nested.jobs[*from]->state != JOB_DONE) return job->nested.jobs[(*from)++];
  return NULL;
}

/* ---- the one mapping ---- */

static bool is_part(const struct job *file) {
  return ((file->have_plan && !file->skipped) || file->held) && file->in.bytes.n > 0;
}

static uint64_t pages(const struct job *file, uint64_t page) {
  return (file->in.bytes.n + page - 1) / page * page; /* limits.input_bytes is far from 2^64 */
}

/* Moves the files' mappings into one run of addresses; nothing is read or copied. */
static bool join_mappings(struct job *job) {
  uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), total = 0, at = 0;
  for (uint32_t i = 0; i < job->nested.n; i++)
    if (is_part(job->nested.jobs[i]) && !try_add(total, pages(job->nested.jobs[i], page), &total))
      return false;
  job->in.bytes = span_of("", 0);
  if (total == 0) return true;
  uint8_t *base = mmap(NULL, (size_t)total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return false;
  for (uint32_t i = 0; i < job->nested.n; i++) {
    struct job *file = job->nested.jobs[i];
    if (!is_part(file)) continue;
    if (!input_move(&file->in, base + at)) {
      munmap(base + at, (size_t)(total - at));
      return false;
    }
    job->folder.files[i].base = at;
    at += pages(file, page);
  }
  job->in.bytes = span_of(base, (size_t)total);
  return true;
}

/* ---- its own worker ---- */

static uint64_t arena_bytes(const struct job *job) {
  enum { A_KEY = 256, A_FILE = 1024, A_METADATA = 512 };
  const struct limits *max = &job->run->options->limits;
  uint64_t bytes = max->arena_base;
  for (uint32_t i = 0; i < job->nested.n; i++) {
    const struct job *file = job->nested.jobs[i];
    struct span name = job->folder.files[i].name;
    struct index_name index;
    bytes += A_FILE + (file->have_plan ? (uint64_t)file->plan.num_entries * A_KEY : 0);
    if (index_name_read(name, &index)) bytes += 4 * min_u64(file->in.bytes.n, max->json_bytes);
    if (dcp_is_metadata(name) && file->have_plan) bytes += (uint64_t)file->plan.num_values * A_METADATA;
  }
  return min_u64(bytes, max_u64(max->arena_max, max->arena_base));
}

static void fill_files(struct job *job) {
  for (uint32_t i = 0; i < job->nested.n; i++) {
    const struct job *file = job->nested.jobs[i];
    struct folder_file *f = &job->folder.files[i];
    f->name = folder_file_name(file->in.path);
    f->bytes = file->in.bytes;
    f->plan = file->have_plan && !file->skipped ? &file->plan : NULL;
    job->folder.bytes += file->in.bytes.n;
    if (span_is(f->name, "config.json")) job->beside = (struct text_file){file->in.path, file->in.bytes};
  }
}

static void no_memory(struct job *job, uint64_t bytes) {
  job_observe(job, &(struct observation){.kind = OBS_LIMIT_MEMORY, .got = bytes});
  job_end(job);
}

static void start_worker(struct job *job) {
  const struct limits *max = &job->run->options->limits;
  struct folder_job *f = &job->folder.job;
  job->plan_bytes = (size_t)max_u64(max->plan_bytes, PLAN_MIN_BYTES);
  job->plan_region = region_map(job->plan_bytes);
  *f = (struct folder_job){.options = job->run->options,
                           .files = job->folder.files,
                           .num_files = job->nested.n,
                           .bytes = job->in.bytes,
                           .plan = job->plan_region,
                           .plan_bytes = job->plan_bytes,
                           .arena_bytes = arena_bytes(job),
                           .hash_seed = {job->run->hash_seed[0], job->run->hash_seed[1]}};
  if (job->folder.distributed) {
    f->slice = job_scan_task(job);
    f->slice.plan = job->folder.scratch = region_map(job->plan_bytes);
  }
  if (!job->plan_region || (job->folder.distributed && !job->folder.scratch)) {
    no_memory(job, job->plan_bytes);
    return;
  }
  job->limits = job_limits(job, f->arena_bytes + f->slice.arena_bytes + max->json_bytes * 8);
  job_launch(job, JOB_FOLDER,
             &(struct worker_task){
                 .prepare = folder_stage_prepare,
                 .run = folder_stage_run,
                 .ctx = f,
                 .writes = {{job->plan_region, job->plan_bytes}, {job->folder.scratch, job->plan_bytes}}});
}

/* ---- all files are done ---- */

static void count_files(struct job *job) {
  for (uint32_t i = 0; i < job->nested.n; i++) {
    const struct job *file = job->nested.jobs[i];
    if (file->skipped) job->nested.passed_over++;
    if (file->skipped) continue;
    job->nested.judged++;
    if (file->verdict > job->verdict) job->verdict = file->verdict;
    job->complete = job->complete && file->complete;
  }
}

void folder_file_done(struct job *job) {
  struct folder_run *f = &job->folder;
  while (f->first < job->nested.n && job->nested.jobs[f->first]->state == JOB_DONE) f->first++;
  if (++f->done < f->n) return;
  count_files(job);
  if (!join_mappings(job)) {
    no_memory(job, f->bytes);
    return;
  }
  fill_files(job);
  start_worker(job);
}

/* The files that are parts of the folder's plan, which lists their tensors: members are called FILE!MEMBER.
 */
static void mark_merged(struct job *job) {
  const struct plan *p = &job->plan;
  uint32_t file = 0;
  for (uint32_t i = 0; i < p->num_members && file < job->nested.n; i++) {
    struct span member = plan_span(p, p->members[i].name);
    while (file < job->nested.n) {
      struct span name = job->folder.files[file].name;
      if (span_starts(member, name) && member.n > name.n && member.p[name.n] == '!') break;
      file++;
    }
    if (file < job->nested.n) job->nested.jobs[file]->merged = true;
  }
}

void folder_take(struct job *job) {
  if (job->have_plan) mark_merged(job);
  job->skipped = job->nested.judged == 0 && job->findings.n == 0;
}
