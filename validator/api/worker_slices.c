/* The slices of a distributed checkpoint. Each is a file of its own, as torch.save writes it, and there may
 * be a hundred thousand: one worker scans them all, and keeps of each what the plan over them needs. */
#include "api/scan.h"
#include "api/worker_folder.h"
#include "model/plan_merge.h"

/* The plan of a slice, moved out of the region that the next one needs: about the one mapping, its members
 * called SLICE!MEMBER. NULL: memory is spent. */
static const struct plan *keep_plan(struct arena *a, const struct scan *s, const struct dcp_slice *slice,
                                    uint64_t base) {
  struct plan from, *kept = arena_new(a, struct plan);
  plan_peek(&from, &s->plan);
  size_t texts = s->plan.cap - s->plan.high;
  size_t size = s->plan.low + 2 * texts + from.num_members * (slice->name.n + 1); /* 2: members' new names */
  uint64_t *region = arena_array(a, size / sizeof(uint64_t) + 1, uint64_t);
  const struct merge_part part = {.file = slice->name, .plan = &from, .base = base};
  struct plan_writer w;
  if (!kept || !region) return NULL;
  plan_begin(&w, region, size);
  if (!plan_merge(&w, a, &part, 1)) return NULL;
  plan_end(&w, true);
  plan_peek(kept, &w);
  return kept;
}

static void clear_region(const struct plan_writer *w) {
  memset(w->base, 0, w->low);
  memset(w->base + w->high, 0, w->cap - w->high);
}

/* An observation outlives the slice's arena. */
static void pass_on(struct folder *f, struct slice_names *names, const struct scan *s,
                    const struct dcp_slice *slice, struct observation o) {
  struct span member = scan_member_name(s, o.member), *name = NULL, subject = o.subject, detail = o.detail;
  if (!will_list(f->obs, o.kind)) {
    observe(f->obs, o);
    return;
  }
  name = vec_push(f->arena, &names->list, UINT32_MAX);
  if (!name || !arena_copy(f->arena, subject, &o.subject) || !arena_copy(f->arena, detail, &o.detail)) {
    f->obs->lost = true;
    return;
  }
  *name = slice->name;
  if (member.n)
    *name = arena_printf(f->arena, "%.*s!%.*s", (int)slice->name.n, (const char *)slice->name.p,
                         (int)min_size(member.n, OBS_TEXT_MAX), (const char *)member.p);
  o.member = f->num_files + names->list.n;
  observe(f->obs, o);
}

static void pass_on_all(struct folder *f, struct slice_names *names, const struct scan *s,
                        const struct dcp_slice *slice) {
  uint32_t unlisted[OBS_COUNT];
  memcpy(unlisted, s->obs.seen, sizeof unlisted);
  for (uint32_t i = 0; i < s->obs.n; i++) {
    pass_on(f, names, s, slice, s->obs.list[i]);
    unlisted[s->obs.list[i].kind]--;
  }
  for (uint32_t kind = 0; kind < OBS_COUNT; kind++) f->obs->seen[kind] += unlisted[kind];
  f->obs->lost = f->obs->lost || s->obs.lost;
}

static struct span bytes_at(const struct folder_job *job, const struct folder *f, uint32_t file, uint64_t at,
                            uint64_t n) {
  return span_of(job->bytes.p + f->files[file].base + at, (size_t)n);
}

static void scan_slice(struct folder_job *job, struct dcp *d, struct slice_names *names,
                       struct dcp_slice *slice) {
  struct folder *f = d->f;
  struct scan s;
  uint64_t base = f->files[slice->file].base + slice->at;
  job->slice.file = bytes_at(job, f, slice->file, slice->at, slice->n);
  scan_read(&s, &job->slice);
  pass_on_all(f, names, &s, slice);
  const struct plan_header *h = (const struct plan_header *)(const void *)s.plan.base;
  if (h->complete && h->table[PLAN_values].n) {
    slice->plan = keep_plan(f->arena, &s, slice, base);
    if (!slice->plan) f->obs->lost = true;
  }
  clear_region(&s.plan);
  arena_free(&s.arena);
}

void slices_scan(struct folder_job *job, struct dcp *d, struct slice_names *names) {
  for (uint32_t i = 0; i < d->slices.n; i++) scan_slice(job, d, names, &d->slices.p[i]);
}

/* What is no slice is not read; what a loader would call of it, if it reads there, is named. */
static void scan_gap(struct folder_job *job, struct dcp *d, struct slice_names *names,
                     const struct dcp_gap *gap) {
  struct folder *f = d->f;
  const struct dcp_slice nobody = {.name = f->files[gap->file].name};
  struct scan s;
  job->slice.file = bytes_at(job, f, gap->file, gap->at, gap->n);
  job->slice.beginning = true;
  scan_read(&s, &job->slice);
  job->slice.beginning = false;
  for (uint32_t i = 0; i < s.obs.n; i++) {
    s.obs.list[i].at += gap->at;
    if (s.obs.list[i].kind != OBS_NESTED_BEGINNING) pass_on(f, names, &s, &nobody, s.obs.list[i]);
  }
  clear_region(&s.plan);
  arena_free(&s.arena);
}

void gaps_scan(struct folder_job *job, struct dcp *d, struct slice_names *names) {
  for (uint32_t i = 0; i < d->gaps.n; i++) scan_gap(job, d, names, &d->gaps.p[i]);
}
