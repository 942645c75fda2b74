/* The stream of torch before 1.6, with its storage blocks: what is believed lies in the file, one behind the
 * other, and a storage has the bytes that its count calls for. */
#include "fuzz/scanned.h"

static bool is_legacy(enum container_kind kind) { return kind == CONTAINER_TORCH_LEGACY; }

/* Members are the pickles and the blocks, in the order in which they stand. */
static void check_members(const struct container *c) {
  uint64_t end = 0;
  for (uint32_t i = 0; i < c->num_members; i++) {
    const struct member *m = &c->members[i];
    FUZZ_CHECK(m->data_at >= end && m->data_at <= c->file.n && m->csize <= c->file.n - m->data_at);
    FUZZ_CHECK(m->size == m->csize && m->method == METHOD_STORED);
    end = m->data_at + m->csize;
  }
}

static void check_blocks(const struct scanned *s) {
  for (uint32_t i = 0; i < s->scan.checkpoint.storages.n; i++) {
    const struct storage_fact *f = &s->scan.checkpoint.storages.p[i];
    FUZZ_CHECK(f->member <= s->scan.container.num_members);
    if (f->member == 0) continue;
    const struct member *m = &s->scan.container.members[f->member - 1];
    FUZZ_CHECK(f->at <= m->size && f->bytes <= m->size - f->at);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  static struct scanned first, second; /* more than a frame should hold */
  scan_bytes(&first, &in);
  if (is_legacy(first.scan.container.kind)) {
    check_members(&first.scan.container);
    check_blocks(&first);
    FUZZ_CHECK(first.scan.container.usable || first.scan.obs.n || first.scan.obs.lost);
    scan_bytes(&second, &in);
    fuzz_same(&first.scan.obs, &second.scan.obs);
    scan_free(&second);
  }
  scan_free(&first);
  fuzz_close(&in);
  return 0;
}
