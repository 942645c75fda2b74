/* The scan stage: container, pickle program, proofs, the pass over the bytes, rules; findings and the plan
 * come out. */
#include "api/scan.h"

#include "api/send.h"
#include "base/json.h"
#include "container/container.h"
#include "rules/facts.h"
#include "tensor/stats.h"

bool scan_prepare(void *ctx) {
  enum { SLICES = 32, LARGE_FILE = 8 << 20 };
  struct scan_job *job = ctx;
  if (job->file.n >= LARGE_FILE)
    (void)!slices_map(&job->slices, SLICES, (size_t)job->arena_bytes / (SLICES / 2));
  return !job->options->hash_sha256 || sha256_load();
}

static struct view view_of(const struct checkpoint *cp, const struct tensor_fact *t) {
  struct view v = {.dtype = (enum dtype)t->dtype,
                   .ndim = t->ndim,
                   .offset = t->offset,
                   .numel = t->numel,
                   .extent = t->extent,
                   .contiguous = (t->flags & PLAN_CONTIGUOUS) != 0,
                   .expanded = (t->flags & PLAN_EXPANDED) != 0};
  for (uint32_t i = 0; i < t->ndim; i++) {
    v.size[i] = cp->dims.p[t->first_dim + i];
    v.stride[i] = cp->dims.p[t->first_dim + t->ndim + i];
  }
  return v;
}

/* The real bytes of a storage: in the mapping, or inflated once and kept. */
static bool storage_bytes(struct scan *s, uint32_t number, struct span *cache, struct span *out) {
  const struct storage_fact *f = &s->checkpoint.storages.p[number - 1];
  if (f->member == 0) return false;
  const struct member *m = &s->container.members[f->member - 1];
  struct span *real = &cache[f->member];
  if (!real->p && m->method == METHOD_STORED && !m->spelling) *real = member_mapped(&s->container, m);
  if (!real->p &&
      !member_copy(&s->container, m, s->job->options->limits.inflate_bytes, &s->arena, &s->obs, real))
    return false;
  if (f->at > real->n || f->bytes > real->n - f->at) return false;
  *out = span_of(real->p + f->at, (size_t)f->bytes);
  return true;
}

enum { STATS_TIMES = 4 };

/* Views of the same bytes can add up to any number: not more is walked than a few times the file. */
static bool walk(struct scan *s, uint64_t numel, uint64_t *left) {
  if (numel <= *left) {
    *left -= numel;
    return true;
  }
  if (s->obs.seen[OBS_LIMIT_STATS] == 0) observe(&s->obs, (struct observation){.kind = OBS_LIMIT_STATS});
  return false;
}

static void all_stats(struct scan *s, struct span *cache, struct tensor_stats *stats) {
  struct checkpoint *cp = &s->checkpoint;
  uint64_t left = s->container.file.n * STATS_TIMES + s->job->options->limits.stats_shared;
  for (uint32_t i = 0; cache && i < cp->tensors.n; i++) {
    const struct tensor_fact *t = &cp->tensors.p[i];
    struct span bytes = SPAN("");
    if (t->base != i) {
      stats[i] = stats[t->base];
      continue;
    }
    if (t->storage == 0 || !storage_bytes(s, t->storage, cache, &bytes)) continue;
    struct view v = view_of(cp, t);
    if (!walk(s, v.numel, &left)) continue;
    tensor_stats(&stats[i], &v, bytes, cp->storages.p[t->storage - 1].big_endian,
                 (s->job->options->hash_sha256 ? STATS_HASH : 0U) |
                     (s->job->options->views & SHOW_STATS ? STATS_HISTOGRAM : 0U),
                 s->job->options->limits.stats_elements);
  }
}

/* For prove_contents. */
struct reading {
  struct scan *scan;
  struct span *cache; /* as storage_bytes has it; NULL: nothing is read */
};

static bool read_numbers(void *ctx, uint32_t tensor, struct numbers *out) {
  const struct reading *r = ctx;
  const struct checkpoint *cp = &r->scan->checkpoint;
  const struct tensor_fact *t = &cp->tensors.p[tensor];
  out->view = view_of(cp, t);
  if (!r->cache || t->storage == 0 || !storage_bytes(r->scan, t->storage, r->cache, &out->bytes))
    return false;
  const struct storage_fact *s = &cp->storages.p[t->storage - 1];
  out->big_endian = s->big_endian;
  out->member = s->member;
  out->at = s->at;
  return true;
}

/* One whose table of contents may be believed: nothing is inflated by sizes that a limit stopped at. */
static bool is_archive(const struct scan *s) {
  enum container_kind kind = s->container.kind;
  bool read = kind == CONTAINER_TORCH_ZIP || kind == CONTAINER_TORCHSCRIPT ||
              kind == CONTAINER_TORCH_PACKAGE || kind == CONTAINER_NPZ || kind == CONTAINER_PT2;
  return read && s->container.usable;
}

/* Full depth: every byte is read. */
static struct tensor_stats *read_all(struct scan *s) {
  struct reading r = {.scan = s};
  if (s->job->options->depth != DEPTH_FULL) {
    prove_contents(&s->checkpoint, read_numbers, &r, 0);
    return NULL;
  }
  for (uint32_t i = 0; is_archive(s) && i < s->container.num_members; i++) {
    const struct member *m = &s->container.members[i];
    bool copied = span_is(m->short_name, "data.pkl"); /* its checksum was compared then */
    if (!copied) (void)!member_verify(&s->container, m, &s->obs);
  }
  struct tensor_stats *stats = arena_array(&s->arena, s->checkpoint.tensors.n, struct tensor_stats);
  r.cache = arena_array(&s->arena, (size_t)s->container.num_members + 1, struct span);
  if (stats) all_stats(s, r.cache, stats);
  prove_contents(&s->checkpoint, read_numbers, &r, s->job->options->limits.stats_elements);
  return stats;
}

struct span scan_member_name(const struct scan *s, uint32_t number) {
  const struct container *c = &s->container;
  return number != MEMBER_FILE && number <= c->num_members ? c->members[number - 1].name : SPAN("");
}

static struct span name_of(const void *ctx, uint32_t number) { return scan_member_name(ctx, number); }

/* A stage that found the budget spent gave up; here it is said that one did, whichever it was. */
static void note_memory(struct scan *s) {
  if (s->arena.exhausted && s->obs.seen[OBS_LIMIT_MEMORY] == 0)
    observe(&s->obs,
            (struct observation){.kind = OBS_LIMIT_MEMORY, .got = s->arena.used, .want = s->arena.budget});
}

void scan_read(struct scan *s, struct scan_job *job) {
  const struct limits *max = &job->options->limits;
  *s = (struct scan){.job = job};
  arena_init(&s->arena, (size_t)job->arena_bytes);
  s->arena.slices = &job->slices;
  observations_init(&s->obs, &s->arena, (uint32_t)max->report_findings);
  json_budget((size_t)job->arena_bytes / 2);
  if (job->beginning)
    s->container = (struct container){.file = job->file, .kind = container_sniff(job->file)};
  else
    container_open(&s->container, &s->arena, &s->obs, max, job->file);
  checkpoint_init(&s->checkpoint, &s->arena, &s->obs, max, &s->container, &job->policy);
  memcpy(s->checkpoint.hash_seed, job->hash_seed, sizeof s->checkpoint.hash_seed);
  if (job->beginning)
    judge_beginning(&s->checkpoint);
  else
    checkpoint_load(&s->checkpoint);
  struct tensor_stats *stats = read_all(s);
  plan_begin(&s->plan, job->plan, job->plan_bytes);
  uint32_t views = job->options->views;
  bool whole = plan_emit(&s->checkpoint, &s->plan, stats,
                         (views & SHOW_PICKLE ? WITH_LINES : 0u) | (views & SHOW_OPCODES ? WITH_INSNS : 0u));
  struct plan plan;
  plan_peek(&plan, &s->plan);
  const struct facts facts = {.container = &s->container,
                              .checkpoint = &s->checkpoint,
                              .plan = &plan,
                              .target = job->options->target_dtype};
  run_checks(&facts, &s->obs);
  plan_end(&s->plan, checkpoint_is_read(&s->checkpoint) && whole);
  note_memory(s);
}

bool scan_run(void *ctx, struct wire_out *out) {
  struct scan scan;
  scan_read(&scan, ctx);
  const struct judged judged = {.obs = &scan.obs,
                                .report_bytes = scan.job->options->limits.report_bytes,
                                .member_name = name_of,
                                .ctx = &scan};
  return send_findings(&judged, out);
}
