/* What is found and what is expected, in words. */
#include "arch/match_parts.h"

struct span sizes_text(struct arena *a, const uint64_t *sizes, uint32_t ndim) {
  char text[160] = "[";
  size_t n = 1;
  for (uint32_t i = 0; i < ndim && n < sizeof text - 32; i++) {
    int more = snprintf(text + n, sizeof text - n, i ? ", %llu" : "%llu", (unsigned long long)sizes[i]);
    n += more > 0 ? (size_t)more : 0;
  }
  return arena_printf(a, n < sizeof text - 32 ? "%.*s]" : "%.*s, …]", (int)n, text);
}

/* "float32 [64, 3, 7, 7]" */
static struct span tensor_text(struct arena *a, const struct plan *p, const struct plan_tensor *t) {
  struct span sizes = sizes_text(a, p->dims + t->first_dim, t->ndim);
  return arena_printf(a, "%s %.*s", dtype_name((enum dtype)t->dtype), (int)sizes.n, (const char *)sizes.p);
}

const struct plan_tensor *match_found(const struct matcher *m, const struct problem *p) {
  if (p->entry == UINT32_MAX) return NULL;
  uint32_t tensor = m->plan->entries[p->entry].tensor;
  if (tensor == UINT32_MAX && p->expected != UINT32_MAX)
    tensor = m->out->tensor[p->expected]; /* of a tuple */
  return tensor == UINT32_MAX ? NULL : &m->plan->tensors[tensor];
}

static struct span expected_text(struct arena *a, const struct expected *e) {
  struct span want = sizes_text(a, e->slot->sizes, e->slot->ndim), type = module_class(e->module);
  return arena_printf(a, "%.*s (%.*s)", (int)want.n, (const char *)want.p, (int)min_size(type.n, 60),
                      (const char *)type.p);
}

/* What a person would see at once: the right numbers in the wrong place. */
static const char *remark(const struct matcher *m, const struct plan_tensor *t, const struct slot *want) {
  static const uint64_t units[] = {128, 64, 8};
  const uint64_t *found = m->plan->dims + t->first_dim;
  if (t->ndim != want->ndim || t->ndim == 0)
    return t->numel == want->numel ? "; as many elements, in another shape" : "";
  bool same_rest = t->ndim == 1 || memcmp(found + 1, want->sizes + 1, (t->ndim - 1U) * sizeof *found) == 0;
  if (t->ndim == 2 && found[0] == want->sizes[1] && found[1] == want->sizes[0]) return "; it is transposed";
  for (size_t i = 0; same_rest && i < ARRAY_LEN(units); i++) {
    uint64_t high = max_u64(found[0], want->sizes[0]), low = min_u64(found[0], want->sizes[0]);
    if (low < 1000 || high % units[i] || high - low >= units[i]) continue;
    return high == found[0] ? "; its rows look padded to a round number, as vocabularies are"
                            : "; the rows expected look padded to a round number, as vocabularies are";
  }
  return t->numel == want->numel ? "; as many elements, in another shape" : "";
}

static struct span dtype_text(struct arena *a, const struct problem *p, const struct expected *e,
                              enum dtype found) {
  if (p->kind == OBS_MATCH_WIDE_DTYPE)
    return arena_printf(a, "%s, where float32, float16 or bfloat16 is usual", dtype_name(found));
  if (e->slot->rule == SLOT_FLOAT)
    return arena_printf(a, "%s, the architecture expects a floating dtype", dtype_name(found));
  return arena_printf(a, "%s, the architecture expects %s", dtype_name(found), dtype_name(e->slot->dtype));
}

static struct span other_text(const struct slot *slot) {
  if (slot->holds == HOLDS_PLAIN) return SPAN("a tensor, where the architecture expects a plain value");
  return slot->packs_bias ? SPAN("no tuple of a weight and its bias") : SPAN("no tuple of a weight and None");
}

static struct span packed_text(struct matcher *m, const struct plan_tensor *t, const struct expected *e) {
  struct span found = tensor_text(m->arena, m->plan, t), want = expected_text(m->arena, e);
  return arena_printf(m->arena, "packed into %.*s, which does not hold its %.*s", (int)found.n,
                      (const char *)found.p, (int)want.n, (const char *)want.p);
}

struct span match_problem_text(struct matcher *m, const struct problem *p) {
  struct arena *a = m->arena;
  const struct plan_tensor *t = match_found(m, p);
  const struct expected *e = p->expected == UINT32_MAX ? NULL : &m->model->expected[p->expected];
  if (e && p->kind == OBS_MATCH_OTHER_VALUE) return other_text(e->slot);
  if (!e || !t) {
    if (e && p->kind == OBS_MATCH_MISSING) return expected_text(a, e);
    return t ? tensor_text(a, m->plan, t) : SPAN("no tensor");
  }
  if (p->kind == OBS_MATCH_ADAPTER_SHAPE || p->kind == OBS_MATCH_ADAPTER_HALF) return expected_text(a, e);
  if (p->kind == OBS_MATCH_PACKED) return packed_text(m, t, e);
  if (p->kind != OBS_MATCH_SHAPE && p->kind != OBS_MATCH_SCALAR)
    return dtype_text(a, p, e, (enum dtype)t->dtype);
  struct span found = sizes_text(a, m->plan->dims + t->first_dim, t->ndim), want = expected_text(a, e);
  return arena_printf(a, "%.*s, the architecture expects %.*s%s", (int)found.n, (const char *)found.p,
                      (int)want.n, (const char *)want.p, remark(m, t, e->slot));
}
