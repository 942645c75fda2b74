/* A distributed checkpoint: .metadata and one file, whose slices are scanned and become one model. The broker
 * takes that model's plan, and what is called clean was read to its end. The input is the length of .metadata
 * (2 bytes), .metadata, the file. */
#include "api/worker_folder.h"
#include "fuzz/scanned.h"
#include "rules/judge.h"

enum { MAPPED = 2, SCRATCH = 1 << 17 };

static bool is_bad(const struct observations *o) {
  bool bad = o->lost;
  for (uint32_t kind = OBS_NONE + 1; kind < OBS_COUNT; kind++)
    bad = bad || (o->seen[kind] && reason_effect((enum obs_kind)kind) > EFFECT_FINDING);
  return bad;
}

static void read_folder(const struct fuzz_input *in, struct span mapped, const struct folder_file files[2]) {
  struct run_options *options = calloc(1, sizeof *options); /* not on the stack: frames are bounded */
  struct arena arena;
  struct observations obs;
  struct slice_names names = {0};
  struct plan_writer w;
  struct plan plan;
  struct dcp dcp;
  const char *why;
  uint8_t *scratch = calloc(1, SCRATCH), *region = calloc(1, in->limits.plan_bytes);
  FUZZ_CHECK(scratch && region && options);
  options->limits = in->limits;
  arena_init(&arena, in->arena_bytes);
  observations_init(&obs, &arena, (uint32_t)in->limits.report_findings);
  struct folder f = {.files = files, .num_files = 2, .max = &options->limits, .arena = &arena, .obs = &obs};
  struct folder_job job = {.options = options,
                           .bytes = mapped,
                           .slice = {.options = options,
                                     .plan = scratch,
                                     .plan_bytes = SCRATCH,
                                     .policy = {.lookup = globals_lookup, .torch = torch_newest()},
                                     .arena_bytes = in->arena_bytes}};
  bool distributed = dcp_open(&dcp, &f);
  if (distributed) slices_scan(&job, &dcp, &names);
  json_budget(1 << 20);
  plan_begin(&w, region, in->limits.plan_bytes);
  bool whole = folder_read(&f, distributed ? &dcp : NULL, &w);
  plan_end(&w, whole && !obs.lost);
  FUZZ_CHECK(plan_open(&plan, region, in->limits.plan_bytes, mapped.n, &why));
  FUZZ_CHECK(is_bad(&obs) || (distributed && plan.header->complete));
  for (uint32_t i = 0; i < obs.n; i++) FUZZ_CHECK(obs.list[i].member <= 2 + names.list.n);
  folder_close(&f);
  arena_free(&arena);
  free(scratch);
  free(options);
  free(region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size), first = in;
  static struct scanned s; /* too large for a frame beside the rest */
  struct plan plan;
  const char *why;
  struct span mapped = span_from(in.bytes, MAPPED);
  size_t n = in.bytes.n < MAPPED ? 0 : min_size(in.bytes.p[0] | (size_t)in.bytes.p[1] << 8, mapped.n);
  first.bytes = span_first(mapped, n);
  scan_bytes(&s, &first);
  FUZZ_CHECK(plan_open(&plan, s.region, in.limits.plan_bytes, n, &why));
  const struct folder_file files[] = {
      {.name = SPAN(".metadata"), .bytes = first.bytes, .plan = &plan},
      {.name = SPAN("__0_0.distcp"), .bytes = span_from(mapped, n), .base = n}};
  read_folder(&in, mapped, files);
  scan_free(&s);
  fuzz_close(&in);
  return 0;
}
