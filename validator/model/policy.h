/* What the model layer asks about a global. The lists stand in the .def files of rules/globals; this layer
 * knows only the classes and its own builders, so that policy stays above and mechanism below. */
#ifndef CKPTLINT_MODEL_POLICY_H
#define CKPTLINT_MODEL_POLICY_H

#include "base/span.h"
#include "base/torch_version.h"

enum global_class {
  GLOBAL_UNKNOWN, /* on no list */
  GLOBAL_CORE,    /* modelled, and torch's weights_only list has it (of old versions maybe not yet: GLB303) */
  GLOBAL_MODELLED,  /* modelled; weights_only refuses it (numpy arrays, Namespace): GLB303 */
  GLOBAL_RECORD,    /* a class kept as plain data (name and fields): GLB303 */
  GLOBAL_DCP,       /* the same, of torch.distributed.checkpoint: one GLB303 for all in its metadata */
  GLOBAL_MODULE,    /* an nn.Module class of torch, kept as data: GLB308 */
  GLOBAL_DANGEROUS, /* runs code or reaches the system: GLB301 */
  GLOBAL_INDIRECT,  /* reaches any function: GLB304 */
  GLOBAL_GADGET,    /* a framework function that runs code or loads more files: GLB305 */
  GLOBAL_CLASSES
};

/* Of those whose call, or mere import, is the finding. */
static inline bool global_is_refused(enum global_class cls) {
  return cls == GLOBAL_DANGEROUS || cls == GLOBAL_INDIRECT || cls == GLOBAL_GADGET;
}

/* builders.def: BUILDER(id, callee, form, says). What a call of a modelled global builds, and with which
 * arguments.
 */
enum builder {
  BUILD_NONE, /* may be named (a dtype, a class used as a value), may not be called */
#define BUILDER(id, callee, form, says) BUILD_##id,
#include "model/builders.def"
#undef BUILDER
  BUILDERS
};

struct global_row {
  const char *module,
      *name; /* after the Python 2 → 3 mapping; name "*" is the whole module, for wording only */
  enum global_class cls;
  enum builder builder;
  const char *why;            /* where torch or the framework writes it, or what a loader would do with it */
  torch_version since, until; /* the weights_only lists that have it; 0, 0: none */
  bool reviewed;              /* the policy file names it: no finding */
};

/* Is it the row of a name with dots, which stands for a value: "SWALR._cosine_anneal"? */
static inline bool global_is_path(const struct global_row *row) {
  return row && strchr(row->name, '.') && !global_is_refused(row->cls);
}

/* "Encoder", "_Config": the names of functions begin otherwise. */
static inline bool looks_like_class(struct span name) {
  while (name.n && name.p[0] == '_') name = span_from(name, 1);
  return name.n && name.p[0] >= 'A' && name.p[0] <= 'Z';
}

/* Does the weights_only list of this torch have the name? */
static inline bool global_is_listed(const struct global_row *row, torch_version v) {
  return row->since && row->since <= v && v <= row->until;
}

/* The row of an exact pair, or NULL. */
struct global_policy {
  const struct global_row *(*lookup)(const void *ctx, struct span module, struct span name);
  const void *ctx;
  torch_version torch; /* whose weights_only list counts */
};

#endif
