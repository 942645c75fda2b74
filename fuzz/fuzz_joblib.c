/* Pickles with arrays in their stream, as joblib writes them: the runs of bytes lie in the program, apart
 * from each other, and each array is one of them. */
#include "fuzz/scanned.h"

static void check_runs(const struct machine *m, struct span program) {
  uint64_t end = 0;
  for (uint32_t i = 0; i < m->raw.n; i++) {
    const struct raw_run *run = &m->raw.p[i];
    FUZZ_CHECK(run->at >= end && run->at <= program.n && run->n <= program.n - run->at);
    end = run->at + run->n;
  }
}

static bool is_run(const struct checkpoint *cp, const struct storage_fact *s) {
  for (uint32_t i = 0; i < cp->programs.n; i++) {
    const struct machine *m = &cp->programs.p[i]->machine;
    for (uint32_t k = 0; m->member == s->member && k < m->raw.n; k++) {
      const struct raw_run *run = &m->raw.p[k];
      if (s->at >= run->at && s->at - run->at <= run->n && s->bytes <= run->n - (s->at - run->at))
        return true;
    }
  }
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct scanned s;
  scan_bytes(&s, &in);
  const struct checkpoint *cp = &s.scan.checkpoint;
  for (uint32_t i = 0; i < cp->programs.n; i++)
    check_runs(&cp->programs.p[i]->machine, cp->programs.p[i]->bytes);
  for (uint32_t i = 0; i < cp->storages.n; i++) {
    const struct storage_fact *fact = &cp->storages.p[i];
    bool joblib = s.scan.container.kind == CONTAINER_PICKLE && span_starts(fact->key, SPAN("array+"));
    if (joblib && fact->bytes) FUZZ_CHECK(is_run(cp, fact));
  }
  scan_free(&s);
  fuzz_close(&in);
  return 0;
}
