/* Views of one storage that overlap. Tied weights are the same view and no finding. */
#include "rules/facts.h"
#include "tensor/overlap.h"

struct reporting {
  const struct plan *p;
  struct observations *o;
};

static void report(void *ctx, const struct overlap *what) {
  static const enum obs_kind kinds[] = {[OVERLAP_SELF] = OBS_VIEW_SHARES_ITSELF,
                                        [OVERLAP_OTHER] = OBS_VIEW_SHARES,
                                        [OVERLAP_UNKNOWN] = OBS_VIEW_NOT_COMPARED};
  const struct reporting *r = ctx;
  const struct plan_tensor *t = &r->p->tensors[what->who], *other = &r->p->tensors[what->other];
  observe(r->o, (struct observation){.kind = kinds[what->answer],
                                     .subject = plan_span(r->p, t->key),
                                     .detail = plan_span(r->p, other->key),
                                     .got = what->views});
}

/* Those of sub-byte dtypes have no bytes of their own, nor have the blocks of quantised formats; an empty
 * tensor has none at all. A name of a tensor that another row stands for is no view more. */
static bool is_view(const struct plan *p, uint32_t i) {
  const struct plan_tensor *t = &p->tensors[i];
  uint64_t size = dtype_size((enum dtype)t->dtype);
  bool numbers = t->storage && !(t->flags & (PLAN_META | PLAN_UNPROVED | PLAN_SPARSE)) && t->numel;
  return numbers && t->tied == i && dtype_packing((enum dtype)t->dtype) == 1 && (size & (size - 1)) == 0 &&
         p->storages[t->storage - 1].member;
}

/* In each member: most have one tensor, which is looked at only if its strides are its own. */
static uint32_t *count_views(const struct facts *f) {
  const struct plan *p = f->plan;
  uint32_t *views = arena_array(f->checkpoint->arena, (size_t)p->num_members + 1, uint32_t);
  for (uint32_t i = 0; views && i < p->num_tensors; i++)
    if (is_view(p, i)) views[p->storages[p->tensors[i].storage - 1].member]++;
  return views;
}

static bool add_view(struct overlaps *all, const struct plan *p, uint32_t i) {
  const struct plan_tensor *t = &p->tensors[i];
  const struct plan_storage *s = &p->storages[t->storage - 1];
  const uint64_t *size = p->dims + t->first_dim;
  uint32_t unit = (uint32_t)dtype_size((enum dtype)t->dtype);
  return overlaps_add(
      all, &(struct overlap_view){.group = s->member,
                                  .first = s->at + t->offset * unit, /* proved: inside the member */
                                  .unit = unit,
                                  .ndim = t->ndim,
                                  .size = size,
                                  .stride = size + t->ndim,
                                  .who = i});
}

void check_overlaps(const struct facts *f, struct observations *o) {
  struct reporting r = {f->plan, o};
  struct overlaps all;
  const uint32_t *views = f->plan ? count_views(f) : NULL;
  if (!views) return;
  overlaps_init(&all, f->checkpoint->arena);
  for (uint32_t i = 0; i < f->plan->num_tensors; i++) {
    const struct plan_tensor *t = &f->plan->tensors[i];
    if (!is_view(f->plan, i)) continue;
    bool alone = views[f->plan->storages[t->storage - 1].member] == 1;
    if (alone && t->flags & PLAN_CONTIGUOUS) continue;
    if (!add_view(&all, f->plan, i)) return;
  }
  overlaps_find(&all, report, &r);
}
