/* The model stage: architecture file, config, match and forward pass, in a second sealed worker with the same
 * mapping. It can only make a verdict worse. */
#ifndef CKPTLINT_API_WORKER_MODEL_H
#define CKPTLINT_API_WORKER_MODEL_H

#include "api/pipeline.h"
#include "arch/family.h"
#include "forward/forward.h"
#include "model/plan.h"

/* What the model stage says beside its findings; fixed size, so that the broker has nothing to check but
 * counts. */
enum { MODEL_TEXT = 256 };
struct model_summary {
  uint32_t magic; /* MODEL_SUMMARY, written when the rest is */
  uint32_t found; /* a state dict was compared; dict is its index in the plan */
  uint32_t dict;
  uint32_t expected, keys, matched, missing, unexpected, misshapen, forgiven;
  uint32_t loads_strict, loads_loose, loads_after_fix, ran_forward, whole_module;
  uint32_t adapter;
  uint32_t packed; /* weights that a quantiser has packed */
  uint64_t params_loaded, params_missing, params_ignored;
  uint32_t name_n, prefix_removed_n, prefix_added_n;
  uint8_t name[MODEL_TEXT], prefix_removed[MODEL_TEXT], prefix_added[MODEL_TEXT]; /* untrusted */
};
enum { MODEL_SUMMARY = 0x4d534b43, MODEL_SUMMARY_BYTES = 4096 };
_Static_assert(sizeof(struct model_summary) <= MODEL_SUMMARY_BYTES,
               "the summary stands before the forward's results");

/* The model stage: architecture file, config, match against the plan, forward pass. The region holds the
 * summary, and behind MODEL_SUMMARY_BYTES the forward's results (forward/result.h). */
struct model_job {
  const struct run_options *options;
  struct span file;                 /* the checkpoint's mapping */
  const struct plan *plan;          /* opened by the broker, in a frozen region */
  struct text_file arch, config;    /* text is empty where there is none */
  struct text_file adapter;         /* adapter_config.json, likewise */
  struct span arch_name;            /* of a family or a preset; empty: none */
  struct families families;         /* … that it may name; without any arch the config's model_type does */
  bool config_is_beside;            /* nobody named it: it stands beside the weights */
  const struct forward_file *files; /* side files that the broker opened */
  size_t num_files;
  bool files_ready; /* false: only say which files the architecture file names */
  void *region;
  size_t region_bytes;
  uint64_t arena_bytes;
  struct gemm gemm;     /* filled by model_prepare … */
  struct slices slices; /* … which maps them where there are so many tensors that they are wanted */
};
bool model_prepare(void *ctx);
bool model_run(void *ctx, struct wire_out *out);

#endif
