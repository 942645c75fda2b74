/* What is inside an archive: the broker takes the table that the unpack worker writes, nothing is larger than
 * the limits, and what could not be unpacked was said. The input is a file. */
#include "container/unpack.h"

#include "base/json.h"
#include "fuzz/fuzz.h"

enum { BYTES = 1 << 16, FILES = 20, REGION = INNER_SLACK + BYTES };

static void check_table(const struct unpack *u, const uint8_t *region, bool whole) {
  struct inner table;
  uint64_t sum = 0;
  FUZZ_CHECK(inner_open(&table, region, REGION, u->file.n));
  FUZZ_CHECK(table.header->num_files + table.header->bystanders <= FILES);
  FUZZ_CHECK((table.header->complete == 1) == whole);
  for (uint64_t i = 0; i < table.header->num_files; i++) {
    struct span bytes = inner_bytes(&table, i, u->file);
    uint8_t touched = 0;
    FUZZ_CHECK(inner_name(&table, i).n <= INNER_NAME_MAX);
    for (size_t k = 0; k < bytes.n; k++) touched ^= bytes.p[k]; /* a sanitizer watches */
    sum += table.last[-(int64_t)i].in_outer ? 0 : bytes.n + (touched & 0);
  }
  FUZZ_CHECK(sum <= BYTES);
}

static void take_apart(const struct fuzz_input *in, struct arena *a, struct observations *o,
                       const struct container *c) {
  uint8_t *region = calloc(1, REGION);
  struct limits max = in->limits;
  FUZZ_CHECK(region);
  max.nested_bytes = BYTES;
  max.nested_files = FILES;
  struct unpack u = {.file = in->bytes,
                     .kind = c->kind,
                     .asked = !(in->knobs & KNOB_OTHER),
                     .max = &max,
                     .arena = a,
                     .obs = o};
  json_budget(1 << 20);
  unpack_prepare(c->kind);
  inner_begin(&u.out, region, REGION, BYTES, FILES);
  bool whole = unpack(&u);
  inner_end(&u.out, whole);
  check_table(&u, region, whole);
  free(region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct arena arena;
  struct observations obs, told;
  struct container c;
  arena_init(&arena, in.arena_bytes);
  observations_init(&obs, &arena, (uint32_t)in.limits.report_findings);
  observations_init(&told, &arena, 0);
  container_open(&c, &arena, &told, &in.limits, in.bytes);
  if (container_unpacking(c.kind) != UNPACK_NEVER) take_apart(&in, &arena, &obs, &c);
  (void)container_is_bystander(container_sniff(in.bytes), SPAN("a.txt"));
  arena_free(&arena);
  fuzz_close(&in);
  return 0;
}
