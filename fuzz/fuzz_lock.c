/* A lock file against a checkpoint of three tensors: nothing is compared without a word, every difference
 * names its tensor, and two comparisons see the same. */
#include "fuzz/planned.h"

#include "base/json.h"
#include "model/lock.h"

struct compared {
  struct arena arena;
  struct observations obs;
  bool fine;
};

static void compare(struct compared *c, const struct fuzz_input *in, const struct plan *plan,
                    const struct digests *digests) {
  arena_init(&c->arena, in->arena_bytes);
  observations_init(&c->obs, &c->arena, (uint32_t)in->limits.report_findings);
  json_budget(in->arena_bytes);
  const struct lock_request request = {.name = SPAN("a.lock"),
                                       .text = in->bytes,
                                       .plan = plan,
                                       .digests = digests,
                                       .key = in->knobs & KNOB_OTHER ? SPAN("model") : SPAN(""),
                                       .max = &in->limits,
                                       .hash_seed = {1, 2}};
  c->fine = lock_compare(&request, &c->arena, &c->obs);
}

/* Each tensor of the plan is in exactly one of the counts. */
static void check_counts(const struct compared *c, const struct planned *p) {
  const struct observations *o = &c->obs;
  uint64_t said = 0, counted = 0;
  for (uint32_t kind = 0; kind < OBS_COUNT; kind++) said += o->seen[kind];
  FUZZ_CHECK(said > 0 || o->lost);
  for (uint32_t i = 0; i < o->n; i++)
    if (o->list[i].kind == OBS_LOCK_EQUAL || o->list[i].kind == OBS_LOCK_UNREAD) counted += o->list[i].got;
  counted += o->seen[OBS_LOCK_UNEXPECTED] + o->seen[OBS_LOCK_BYTES] + o->seen[OBS_LOCK_SHAPE];
  bool read = !o->seen[OBS_LOCK_JSON] && !o->seen[OBS_LOCK_FORM] && !o->lost && c->fine;
  if (read) FUZZ_CHECK(counted == p->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned;
  static union {
    struct digests head;
    uint8_t bytes[sizeof(struct digests) + 3 * sizeof(struct digest)];
  } digests;
  struct fuzz_input in = fuzz_open(data, size);
  struct compared first, second;
  planned.n = 0;
  planned_read(&planned, SPAN("a.weight float32 2 3\na.bias float32 2\nsteps int64"));
  planned_finish(&planned);
  digests.head = (struct digests){.complete = 1, .n = planned.n};
  for (uint32_t i = 0; i < planned.n; i++) digests.head.tensor[i] = (struct digest){.known = i < 2};
  compare(&first, &in, &planned.plan, &digests.head);
  compare(&second, &in, &planned.plan, &digests.head);
  FUZZ_CHECK(first.fine == second.fine && (first.fine || first.arena.exhausted));
  fuzz_same(&first.obs, &second.obs);
  check_counts(&first, &planned);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
  return 0;
}
