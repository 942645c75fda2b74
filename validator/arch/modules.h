/* Config resolved, modules instantiated: the tree that `print(model)` would show, without any number of the
 * weights. And the module types themselves: types.def, one row each. */
#ifndef CKPTLINT_ARCH_MODULES_H
#define CKPTLINT_ARCH_MODULES_H

#include "arch/keys.h"
#include "arch/spec.h"
#include "model/plan.h"

/* ---- the table ---- */
enum module_type {
  TYPE_NONE, /* not a module type: a block, a container */
#define MODULE(name, signature, state) TYPE_##name,
#include "arch/types.def"
#undef MODULE
  TYPE_COUNT
};
const char *module_type_name(enum module_type t);
enum module_type module_type_by_name(struct span name); /* TYPE_NONE if there is none */

/* ---- config ---- */
struct setting {
  struct span name, value;
};                     /* --set name=value */
enum { STAND_IN = 7 }; /* a size that few tensors have */
struct config_sources {
  const struct setting *set;
  size_t num_set;
  struct span preset;      /* a preset of the architecture file; empty: none */
  struct text_file file;   /* --config; empty text: none */
  const struct plan *plan; /* where the checkpoint's own config is; NULL: none */
  int64_t stand_in;        /* for values that are required and that nobody gives; 0: they are errors */
  bool sample;             /* of a list of many modules the first ones and the last are enough */
};

/* ---- the tree ---- */
enum module_kind {
  MODULE_TYPE,       /* Linear(…): a row of types.def */
  MODULE_BLOCK,      /* a block of the file, or its top level */
  MODULE_SEQUENTIAL, /* Sequential(…), a JSON list */
  MODULE_LIST,       /* the container of a repetition: callable, applies its children in order */
  MODULE_GROUP,      /* a name between dots ("attention" of "attention.query"): a path, not callable */
  MODULE_ABSENT,     /* the module line gave None: no keys; in forward its name is None */
};

enum slot_dtype { SLOT_ANY, SLOT_FLOAT /* any floating dtype */, SLOT_EXACT };

enum slot_holds {
  HOLDS_TENSOR,
  HOLDS_PACKED, /* a tuple: a quantised weight of these sizes, and a bias or None */
  HOLDS_PLAIN,  /* a value that is no tensor, whatever it is */
};

/* An entry of the state dict: a parameter or buffer, or what quantised modules keep there. */
struct slot {
  struct span name; /* "weight" */
  enum slot_holds holds;
  bool packs_bias; /* HOLDS_PACKED */
  bool buffer, optional;
  enum slot_dtype rule;
  enum dtype dtype; /* of SLOT_EXACT */
  uint32_t ndim;
  const uint64_t *sizes;
  uint64_t numel;
  struct value constant; /* what it must hold; VALUE_NONE: anything */
};

/* A parameter that is computed from others (reparam.c): weight = g * v / |v|; weight / its largest singular
 * value; weight * mask. */
enum reparam_kind { REPARAM_WEIGHT_NORM, REPARAM_SPECTRAL_NORM, REPARAM_MASK };
struct reparam {
  const struct reparam *next;
  enum reparam_kind kind;
  bool parametrized; /* its sources are slots of the child parametrizations.NAME, else of the module: NAME_g …
                      */
  struct span name; /* of the parameter */
  int64_t dim;      /* that norms are not taken over; -1: none */
};

struct module {
  enum module_kind kind;
  enum module_type type;            /* MODULE_TYPE */
  const struct module_block *block; /* MODULE_BLOCK */
  struct span name;                 /* in its parent; empty for the root */
  struct span prefix;               /* "layers.0.": what its own keys begin with */
  const struct module *parent;
  const struct signature *signature; /* MODULE_TYPE, MODULE_BLOCK: names of the arguments … */
  const struct value *args;          /* … and their values, defaults filled in */
  uint32_t num_args;
  const struct scope *scope; /* MODULE_BLOCK: what names mean in its forward, after locals and children */
  uint32_t num_slots;
  const struct slot *slots;           /* parameters first, then buffers */
  const struct reparam *reparams;     /* parameters that are no slots */
  struct module *first, *last, *next; /* children in registration order */
  uint32_t num_children;
  const struct place *place; /* of the line that made it */
  uint32_t id;               /* private, as are the rest */
  uint32_t depth;            /* blocks above it */
  uint32_t num_parts;        /* what a module type or Sequential registers below itself */
  const struct module_part *parts;
};

/* One key of the expected state dict. */
struct expected {
  struct span key; /* prefix + slot name */
  const struct module *module;
  const struct slot *slot;
};

/* A tie of the file whose condition holds. */
struct model_tie {
  const struct tie_line *line;
  uint32_t alias; /* number of the expected key of that name, 0 if it is none */
};

struct model {
  const struct arch *arch;
  const struct scope *config; /* resolved config and top-level lets: what dimensions of ports mean */
  const struct module *root;
  struct span root_name;  /* "GPT2LMHeadModel" or the file's name */
  bool root_chosen;       /* the first one, since nobody named any that is there */
  struct span root_lacks; /* the class that the config names and the file has no root for; empty: none */
  uint32_t num_expected;
  const struct expected *expected; /* torch's order: own parameters, own buffers, children */
  struct span dtype, quantized;    /* what the config file says of the weights; empty: nothing */
  uint64_t parameters;             /* elements of the parameters, tied aliases left out */
  uint32_t num_ties;
  const struct model_tie *ties;
  struct key_table keys;                /* of the expected keys, by number from 1 */
  struct key_table children;            /* by (module id, name) … */
  const struct module *const *child;    /* … to the child; NULL where the name is a parameter's */
  struct eval *eval;                    /* for expressions of ports, fields, ties; in the arena */
  cJSON *config_json, *own_config_json; /* behind texts of the config; freed by model_close */
};

/* False, observed, when the config can't be resolved or a module line can't be carried out. `root`: name of
 * the root to build, empty for the config's architectures[0], the only one, or the top level. `num_keys`:
 * tensors in the checkpoint; more than 4 * num_keys + 1024 expected ones are not listed. */
NODISCARD bool model_build(struct model *out, const struct arch *arch, const struct config_sources *sources,
                           struct span root, uint32_t num_keys, struct arena *a, const struct limits *max,
                           struct observations *o);
void model_close(struct model *m);

/* The child of that name, NULL if there is none. Constant time. */
const struct module *module_child(const struct model *m, const struct module *parent, struct span name);
/* The next one of the tree: parents before their children, children in order. NULL behind the last. */
const struct module *module_next(const struct module *m);
const struct slot *module_slot(const struct module *m, struct span name);
/* Is it a Parameter, a Buffer or another entry of a state dict, and no module? */
bool module_is_slot(const struct module *m);
/* A constructor argument by name; NULL if the signature has none such. */
const struct value *module_arg(const struct module *m, const char *name);
/* "Conv2d", "Block": what messages call it. */
struct span module_class(const struct module *m);

#endif
