/* Two checkpoints side by side: the broker takes what the worker finds, the counts are those of the tensors,
 * and a checkpoint does not differ from itself. The input is the tensors of both (planned.h), a NUL between.
 */
#include "model/diff.h"

#include "fuzz/planned.h"

enum { REGION = 1 << 16 };

/* As the keys of a dict do. Of others the counts say nothing. */
static bool names_differ(const struct planned *p) {
  for (uint32_t i = 0; i < p->n; i++)
    for (uint32_t k = 0; k < i; k++)
      if (span_eq(p->tensors[i].name, p->tensors[k].name)) return false;
  return true;
}

static void check(const struct diff_report *r, const struct planned *a, const struct planned *b) {
  FUZZ_CHECK(r->equal + r->within <= a->n && r->equal + r->within <= b->n);
  FUZZ_CHECK(r->count[DIFF_REMOVED] <= a->n && r->count[DIFF_ADDED] <= b->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned side[2];
  static uint8_t other[PLANNED_FILE];
  static uint64_t region[REGION / sizeof(uint64_t)];
  struct fuzz_input in = fuzz_open(data, size);
  const uint8_t *end = in.bytes.n ? memchr(in.bytes.p, 0, in.bytes.n) : NULL;
  size_t n = end ? (size_t)(end - in.bytes.p) : in.bytes.n;
  struct span texts[2] = {span_first(in.bytes, n), end ? span_from(in.bytes, n + 1) : in.bytes};
  struct arena arena;
  struct observations obs;
  const char *why;
  for (size_t i = 0; i < 2; i++) {
    side[i].n = 0;
    planned_read(&side[i], texts[i]);
    planned_finish(&side[i]);
  }
  for (size_t i = 0; i < sizeof other; i += 8) other[i] = (uint8_t)(i & 0x3f); /* some bits of some numbers */
  bool same = span_eq(texts[0], texts[1]) && !(in.knobs & KNOB_OTHER);
  arena_init(&arena, in.arena_bytes);
  observations_init(&obs, &arena, (uint32_t)in.limits.report_findings);
  const struct diff_request request = {
      .side = {{.plan = &side[0].plan, .file = side[0].file},
               {.plan = &side[1].plan, .file = same ? side[0].file : span_of(other, sizeof other)}},
      .rtol = in.knobs & KNOB_SHRUNK ? 0.1 : 0,
      .max = &in.limits,
      .hash_seed = {1, 2}};
  memset(region, 0, sizeof region);
  bool fine = diff_run(&request, region, sizeof region, &arena, &obs);
  FUZZ_CHECK(fine || arena.exhausted || obs.n);
  const struct diff_report *r = diff_open(region, sizeof region, &side[0].plan, &side[1].plan, &why);
  FUZZ_CHECK(!fine || r);
  bool distinct = names_differ(&side[0]) && names_differ(&side[1]);
  if (fine && distinct) check(r, &side[0], &side[1]);
  if (fine && distinct && same) FUZZ_CHECK(!diff_differs(r));
  arena_free(&arena);
  fuzz_close(&in);
  return 0;
}
