/* The index of a folder of shards: the broker takes the plan over all of them, and two readings see the same.
 * The input is the index, then a NUL and a file three times: its name, a line, and its tensors (planned.h).
 */
#include "fuzz/planned.h"

#include "model/folder.h"

enum { SHARDS = 3, FILES = SHARDS + 1 };

struct read {
  struct arena arena;
  struct observations obs;
  bool whole;
};

/* Up to the next NUL, which is passed over. */
static struct span next_part(struct span *rest) {
  const uint8_t *end = rest->n ? memchr(rest->p, 0, rest->n) : NULL;
  struct span part = end ? span_first(*rest, (size_t)(end - rest->p)) : *rest;
  *rest = span_from(*rest, part.n + 1);
  return part;
}

static void read_folder(struct read *r, const struct fuzz_input *in, const struct folder_file *files,
                        uint32_t n) {
  static uint64_t region[(1 << 18) / sizeof(uint64_t)];
  struct plan_writer w;
  struct plan plan;
  const char *why;
  arena_init(&r->arena, in->arena_bytes);
  observations_init(&r->obs, &r->arena, (uint32_t)in->limits.report_findings);
  memset(region, 0, sizeof region);
  json_budget(1 << 20);
  struct folder f = {.files = files,
                     .num_files = n,
                     .max = &in->limits,
                     .arena = &r->arena,
                     .obs = &r->obs,
                     .hash_seed = {1, 2}};
  plan_begin(&w, region, sizeof region);
  r->whole = folder_read(&f, NULL, &w);
  plan_end(&w, r->whole);
  FUZZ_CHECK(plan_open(&plan, region, sizeof region, (uint64_t)n << 20, &why));
  for (uint32_t i = 0; i < r->obs.n; i++) FUZZ_CHECK(r->obs.list[i].member <= n);
  folder_close(&f);
}

/* In the order of names, as the broker lists a folder; one of a name. How many were added. */
static uint32_t add_file(struct folder_file *files, uint32_t n, const struct folder_file *file) {
  uint32_t at = 0;
  while (at < n && span_cmp(files[at].name, file->name) < 0) at++;
  if (at < n && span_eq(files[at].name, file->name)) return 0;
  memmove(&files[at + 1], &files[at], (n - at) * sizeof *files);
  files[at] = *file;
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct planned planned[SHARDS];
  struct fuzz_input in = fuzz_open(data, size);
  struct span rest = in.bytes;
  struct folder_file files[FILES] = {{.name = SPAN("model.safetensors.index.json")}};
  struct read first, second;
  uint32_t n = 1;
  files[0].bytes = next_part(&rest);
  for (uint32_t k = 0; rest.n && k < SHARDS; k++) {
    struct planned *p = &planned[k];
    struct span part = next_part(&rest);
    const uint8_t *line = part.n ? memchr(part.p, '\n', part.n) : NULL;
    size_t name = line ? (size_t)(line - part.p) : part.n;
    p->n = 0;
    planned_read(p, span_from(part, name + 1));
    planned_finish(p);
    n += add_file(files, n,
                  &(struct folder_file){.name = span_first(part, name), .bytes = p->file, .plan = &p->plan});
  }
  for (uint32_t i = 0; i < n; i++) files[i].base = (uint64_t)i << 20;
  read_folder(&first, &in, files, n);
  read_folder(&second, &in, files, n);
  FUZZ_CHECK(first.whole == second.whole && first.obs.n == second.obs.n);
  FUZZ_CHECK(memcmp(first.obs.seen, second.obs.seen, sizeof first.obs.seen) == 0);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
  return 0;
}
