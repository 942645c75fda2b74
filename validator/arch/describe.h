/* What a checkpoint tells of its architecture: the modules of a whole-module pickle with their constructors'
 * arguments, or what the keys and shapes of a state dict leave open as little as possible. The forward pass
 * is code, and in no file. */
#ifndef CKPTLINT_ARCH_DESCRIBE_H
#define CKPTLINT_ARCH_DESCRIBE_H

#include "arch/family.h"
#include "model/plan.h"

/* Of a module: unknown where only its state dict is there. */
enum described_mode { MODE_UNKNOWN, MODE_EVAL, MODE_TRAINING, MODE_COUNT };

/* One module, or a tensor that belongs to none of a known type; parents before their children. */
struct described {
  uint32_t depth; /* 0: the root */
  bool leaf;      /* line is a constructor, for an architecture file; else a class name or nothing */
  bool repeated;  /* the name is "{i < n}", and there are n of it (draft.h) */
  enum described_mode mode;
  struct span name; /* in its parent */
  struct span line; /* "Conv2d(3, 64, 7)" */
  struct span open; /* "stride, padding": arguments that the weights do not show; empty if there are none */
  uint64_t params;  /* elements of its own tensors */
};
struct description {
  VEC(struct described) rows;
  bool whole_module;
};

/* Of one state dict of the plan. False: memory is spent. */
NODISCARD bool describe_run(struct description *out, const struct plan *p, const struct plan_dict *dict,
                            struct arena *a, const struct limits *max);
/* Two halves of it: of a whole module's record, of the names and shapes of a state dict. */
NODISCARD bool describe_record(struct description *out, const struct plan *p, const struct plan_dict *dict,
                               struct arena *a, const struct limits *max);
NODISCARD bool describe_names(struct description *out, const struct plan *p, const struct plan_dict *dict,
                              struct arena *a, const struct limits *max);

/* A row for a tensor that no known type makes: "Parameter((3, 4))", "Buffer((1, 512), int64)". */
NODISCARD bool describe_tensor(struct description *out, const struct plan *p, uint32_t tensor,
                               struct span name, uint32_t depth, bool buffer, struct arena *a,
                               const struct limits *max);

/* The family, and the preset of it if one fits, that has most of the keys. */
struct likeness {
  struct family family;    /* file.text empty: nothing is like it */
  struct span root;        /* of several roots */
  struct text_file config; /* that it was built with; empty: none */
  uint64_t hits;           /* keys of the checkpoint that are the model's */
  uint64_t problems;       /* keys that are missing, unexpected or of another shape; 0: it is this model */
};
struct likeness_request {
  const struct families *all;
  struct text_file config; /* a config.json that may name the family; empty: none */
  const struct plan *plan;
  const struct plan_dict *dict;
  const struct limits *max;
};
/* False: memory is spent. Bounded by limits.hint_keys. */
NODISCARD bool describe_likeness(struct likeness *out, const struct likeness_request *r, struct arena *a);
/* Of what is like a family and not quite it: the config values that make it so, "num_classes=10"; empty: none
 * were found, or memory is spent. */
struct span describe_difference(const struct likeness *like, const struct likeness_request *r,
                                struct arena *a);

#endif
