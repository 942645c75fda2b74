/* The plan as the broker reads it: a worker that was taken over may write anything. The input is a
 * checkpoint, then patches of its plan (12 bytes each: place, value), then how many. What plan_open lets
 * through, every reader can walk. */
#include "fuzz/scanned.h"
#include "model/plan_bytes.h"

enum { PATCH_BYTES = 12 };

static uint64_t number_at(const uint8_t *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = n; i > 0; i--) v = v << 8 | p[i - 1];
  return v;
}

/* Places count from both ends of what is used, so that tables and texts are hit. */
static void patch(uint8_t *region, size_t size, const uint8_t *p) {
  uint32_t at = (uint32_t)number_at(p, 3), width = p[3] & 7;
  uint64_t value = number_at(p + 4, 8);
  size_t place = p[3] & 0x80 ? size - 1 - at % size : at % size;
  for (size_t i = 0; i <= width && i < size - place; i++)
    region[place + i] = (uint8_t)(value >> (8 * i) & 0xff);
}

static uint8_t touched;
static void touch(const struct plan *p, struct plan_text t) {
  struct span s = plan_span(p, t);
  for (size_t i = 0; i < s.n; i++) touched ^= s.p[i];
}

static void walk_values(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_values; i++) {
    const struct plan_value *v = &p->values[i];
    touch(p, v->key);
    touch(p, v->text);
    touch(p, v->cls);
    FUZZ_CHECK(plan_resolve(p, i) < p->num_values && v->end <= p->num_values);
    uint32_t child = i < 64 ? plan_child(p, i, plan_span(p, v->key)) : UINT32_MAX;
    FUZZ_CHECK(child == UINT32_MAX || child < p->num_values);
  }
}

static void walk_tensors(const struct plan *p, struct span file, struct arena *a, struct observations *o) {
  struct plan_bytes storages;
  if (!plan_bytes_open(&storages, p, file, a, o)) return;
  for (uint32_t i = 0; i < p->num_tensors; i++) {
    const struct plan_tensor *t = &p->tensors[i];
    struct span bytes;
    touch(p, t->key);
    touch(p, t->state_key);
    for (uint32_t k = 0; k < 2 * t->ndim; k++) touched ^= (uint8_t)p->dims[t->first_dim + k];
    if (t->storage == PLAN_NO_STORAGE || !plan_bytes_read(&storages, t->storage, &bytes)) continue;
    for (size_t k = 0; k < bytes.n && k < 4096; k++) touched ^= bytes.p[k];
    if (bytes.n) touched ^= bytes.p[bytes.n - 1];
  }
}

static void walk_rest(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_members; i++) touch(p, p->members[i].name);
  for (uint32_t i = 0; i < p->num_globals; i++) touch(p, p->globals[i].name);
  for (uint32_t i = 0; i < p->num_storages; i++) touch(p, p->storages[i].key);
  for (uint32_t i = 0; i < p->num_insns; i++) touch(p, p->insns[i].text);
  for (uint32_t i = 0; i < p->num_lines; i++) {
    touch(p, p->lines[i].code);
    touch(p, p->lines[i].comment);
  }
  for (uint32_t i = 0; i < p->num_dicts; i++) {
    const struct plan_dict *d = &p->dicts[i];
    touch(p, d->path);
    uint32_t at = plan_find(p, plan_span(p, d->path));
    for (uint32_t k = 0; k < d->num_entries; k++) touch(p, p->entries[d->first_entry + k].name);
    FUZZ_CHECK(at == UINT32_MAX || at < p->num_values);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  size_t patches = min_size(in.knobs >> 3, in.bytes.n / PATCH_BYTES);
  in.limits.plan_bytes = 1 << 16;
  struct fuzz_input file = in;
  file.bytes.n -= patches * PATCH_BYTES;
  struct scanned s;
  struct plan plan;
  const char *why;
  struct observations obs;
  scan_bytes(&s, &file);
  for (size_t i = 0; i < patches; i++)
    patch(s.region, in.limits.plan_bytes, file.bytes.p + file.bytes.n + i * PATCH_BYTES);
  observations_init(&obs, &s.scan.arena, 4);
  bool opened = plan_open(&plan, s.region, in.limits.plan_bytes, file.bytes.n, &why);
  FUZZ_CHECK(opened || patches > 0);
  if (opened) {
    walk_values(&plan);
    walk_tensors(&plan, file.bytes, &s.scan.arena, &obs);
    walk_rest(&plan);
  }
  scan_free(&s);
  fuzz_close(&in);
  return 0;
}
