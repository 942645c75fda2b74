/* adapter_config.json, NUL, the factors of an adapter (planned.h): a file that names no base model says why,
 * no more factors or targets are told than there are, and two comparisons see the same. */
#include "fuzz/planned.h"

#include "arch/adapter_config.h"
#include "base/json.h"

struct compared {
  struct arena arena;
  struct observations obs;
};

static void open_one(struct compared *c, const struct fuzz_input *in) {
  arena_init(&c->arena, in->arena_bytes);
  observations_init(&c->obs, &c->arena, (uint32_t)in->limits.report_findings);
  json_budget(in->arena_bytes);
}

static void compare(struct compared *c, const struct fuzz_input *in, struct text_file file,
                    const struct plan *plan) {
  open_one(c, in);
  adapter_compare(file, plan, &c->arena, &in->limits, &c->obs);
}

/* A name stands in the text, escaped or not; so do targets, with a comma between. */
static void check_counts(const struct observations *o, const struct planned *p, struct span text) {
  for (uint32_t i = 0; i < o->n; i++) {
    const struct observation *x = &o->list[i];
    if (x->kind == OBS_ADAPTER_RANK || x->kind == OBS_ADAPTER_STRAY) FUZZ_CHECK(x->got > 0 && x->got <= p->n);
    if (x->kind == OBS_ADAPTER_UNUSED) FUZZ_CHECK(x->got > 0 && x->got <= text.n);
  }
}

static void check_base(const struct fuzz_input *in, struct text_file file) {
  struct compared c;
  struct span base = SPAN("");
  open_one(&c, in);
  bool named = adapter_base(&base, file, &c.arena, &in->limits, &c.obs);
  FUZZ_CHECK(named == (base.n > 0) && named == (c.obs.n == 0 && !c.obs.lost));
  arena_free(&c.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned;
  struct fuzz_input in = fuzz_open(data, size);
  struct compared first, second;
  const uint8_t *end = in.bytes.n ? memchr(in.bytes.p, 0, in.bytes.n) : NULL;
  size_t n = end ? (size_t)(end - in.bytes.p) : in.bytes.n;
  struct text_file file = {SPAN("adapter_config.json"), span_first(in.bytes, n)};
  planned.n = 0;
  planned_read(&planned, span_from(in.bytes, n + 1));
  planned_finish(&planned);
  compare(&first, &in, file, &planned.plan);
  compare(&second, &in, file, &planned.plan);
  fuzz_same(&first.obs, &second.obs);
  check_counts(&first.obs, &planned, file.text);
  check_base(&in, file);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
  return 0;
}
