#include "api/series.h"

#include "model/folder.h"

struct epoch {
  struct span path;
  uint64_t number, sum;
};

/* ---- which epoch ---- */

static bool is_letter(uint8_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

static bool word_at(struct span s, size_t at, const char *word) {
  size_t n = strlen(word);
  for (size_t i = 0; i < n; i++)
    if (at + i >= s.n || (s.p[at + i] | 0x20) != (uint8_t)word[i]) return false;
  return true;
}

/* "epoch_3.pt", "model-epoch=03-loss=0.1.ckpt", "Ep3.pth": the number behind the word. */
static bool epoch_of_name(struct span path, uint64_t *out) {
  struct span name = folder_file_name(path);
  for (size_t at = 0; at < name.n; at++) {
    size_t n = word_at(name, at, "epoch") ? 5 : word_at(name, at, "ep") ? 2 : 0, i = at + n, digits = 0;
    if (n == 0 || (at > 0 && is_letter(name.p[at - 1]))) continue;
    if (i < name.n && memchr("_-=. ", name.p[i], 5)) i++;
    for (*out = 0; i < name.n && name.p[i] >= '0' && name.p[i] <= '9' && digits < 9; i++, digits++)
      *out = *out * 10 + (uint64_t)(name.p[i] - '0');
    if (digits) return true;
  }
  return false;
}

static bool epoch_of_field(const struct plan *p, uint64_t *out) {
  uint32_t row = p->num_values ? plan_child(p, 0, SPAN("epoch")) : UINT32_MAX;
  if (row == UINT32_MAX) return false;
  const struct plan_value *v = &p->values[plan_resolve(p, row)];
  if (v->kind != PLAN_VAL_INT || v->number < 0) return false;
  *out = (uint64_t)v->number;
  return true;
}

/* ---- which weights ---- */

static void sum_real(struct siphash *h, double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  siphash_u64(h, bits);
}

/* A sum over the figures of the state dict's tensors; false where some have none. */
static bool sum_weights(const struct run *run, const struct plan *p, uint64_t *out) {
  struct siphash h;
  if (p->num_dicts == 0 || p->num_stats == 0) return false;
  const struct plan_dict *d = &p->dicts[0];
  siphash_init(&h, run->hash_seed);
  for (uint32_t i = d->first_entry; i < d->first_entry + d->num_entries; i++) {
    const struct plan_entry *e = &p->entries[i];
    if (e->tensor == UINT32_MAX) continue;
    const struct plan_stats *s = &p->stats[e->tensor];
    if (!s->done) return false;
    struct span name = plan_span(p, e->name);
    siphash_u64(&h, name.n);
    siphash_bytes(&h, name);
    siphash_u64(&h, s->count);
    siphash_u64(&h, s->zero_count);
    sum_real(&h, s->min);
    sum_real(&h, s->max);
    sum_real(&h, s->mean);
  }
  *out = siphash_end(&h);
  return d->num_entries > 0;
}

static void look_back(const struct series *s, struct job *job, const struct epoch *now) {
  for (uint32_t i = 0; (i = hash_find(&s->by_sum, (uint32_t)now->sum, i)) != 0;) {
    const struct epoch *before = &s->rows.p[i - 1];
    if (before->sum != now->sum || before->number == now->number) continue;
    job_observe(
        job,
        &(struct observation){
            .kind = OBS_EPOCH_WEIGHTS, .subject = before->path, .got = now->number, .want = before->number});
    return;
  }
}

void series_take(struct series *s, struct arena *a, struct job *job) {
  uint64_t name = 0, field = 0;
  if (!job->have_plan) return;
  const bool named = epoch_of_name(job->in.path, &name), told = epoch_of_field(&job->plan, &field);
  /* Some count from 0 and name from 1, or save at the beginning of the next: one apart is no contradiction.
   */
  if (named && told && name + 1 != field && field + 1 != name && name != field)
    job_observe(job, &(struct observation){.kind = OBS_EPOCH_NAME, .got = name, .want = field});
  struct epoch now = {.path = job->in.path, .number = told ? field : name};
  if ((!named && !told) || !sum_weights(job->run, &job->plan, &now.sum)) return;
  look_back(s, job, &now);
  struct epoch *slot = vec_push(a, &s->rows, UINT32_MAX);
  if (slot && arena_copy(a, now.path, &now.path) && hash_add(a, &s->by_sum, (uint32_t)now.sum, UINT32_MAX))
    *slot = now;
  else
    s->lost = true;
}
