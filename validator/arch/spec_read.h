/* What the readers of an architecture file's parts share. Private to arch/spec*.c.
 * A reader answers false after one observation that names file, line and column. */
#ifndef CKPTLINT_ARCH_SPEC_READ_H
#define CKPTLINT_ARCH_SPEC_READ_H

#include "arch/keys.h"
#include "arch/spec.h"
#include "base/json.h"

/* Of tables that are searched row by row. */
enum {
  MAX_CONFIG = 4096,
  MAX_LETS = 1024,
  MAX_BLOCKS = 1024,
  MAX_PORTS = 64,
  MAX_TIES = 1024,
  MAX_CHECKS = 256,
  MAX_GLOBS = 256,
  MAX_PRESETS = 256
};

struct spec {
  struct arch *arch;
  struct arena *arena;
  const struct limits *max;
  struct observations *o;
  struct key_table config; /* the config's names by number from 1, for the presets */
};

/* A value and where it stands. */
struct item {
  const cJSON *json;
  const struct place *place;
};

typedef bool read_fn(struct spec *sp, struct item it, void *into);

struct key_row {
  const char *name;
  read_fn *read;
  bool required;
};

bool spec_reject(struct spec *sp, enum obs_kind kind, const struct place *where, uint32_t at,
                 const char *format, ...) PRINTF_LIKE(5, 6);
#define spec_reject(...) ANSWERS_FALSE(spec_reject, __VA_ARGS__)
bool spec_out_of_memory(struct spec *sp);
#define spec_out_of_memory(...) ANSWERS_FALSE(spec_out_of_memory, __VA_ARGS__)

/* sp->arch's text into sp->arch->json. */
NODISCARD bool spec_parse(struct spec *sp);
/* The member or list item `json` of `parent`; place NULL when memory is spent. */
struct item spec_child(struct spec *sp, struct item parent, const cJSON *json, uint32_t index);
/* Reads an object whose members are these rows, in the order of the rows. Other members are errors. */
NODISCARD bool spec_object(struct spec *sp, struct item it, const struct key_row *rows, size_t n, void *into);
/* Calls `read` for each member of an object or item of a list with `table + i * size`; counts them. */
NODISCARD bool spec_each(struct spec *sp, struct item it, size_t size, read_fn *read, void *out_table,
                         uint32_t *out_n);

/* False, observed, when a table has more rows than `max`: what costs the square of its length is bounded
 * here. */
NODISCARD bool spec_at_most(struct spec *sp, struct item it, uint32_t n, uint32_t max);

NODISCARD bool spec_want_object(struct spec *sp, struct item it);
NODISCARD bool spec_want_list(struct spec *sp, struct item it);
NODISCARD bool spec_text(struct spec *sp, struct item it, struct span *out); /* a text that is not empty */
NODISCARD bool spec_number(struct spec *sp, struct item it, double *out);
NODISCARD bool spec_texts(struct spec *sp, struct item it, struct names *out); /* a text or a list of texts */
NODISCARD bool spec_expr(struct spec *sp, struct item it, const struct expr **out);
/* The text from `skip` on, where the item's own text or key is `text`. */
NODISCARD bool spec_expr_text(struct spec *sp, const struct place *where, struct span text, uint32_t skip,
                              const struct expr **out);
/* The key as an identifier that names no function. */
NODISCARD bool spec_key_name(struct spec *sp, struct item it, struct span *out);
static inline struct span item_key(struct item it) { return span_str(it.json->string); }

/* Parts of the top level that have a file of their own. */
read_fn read_config, read_presets;                             /* spec_config.c, into the arch */
read_fn read_blocks, read_roots;                               /* spec_modules.c, into the arch */
read_fn read_lets, read_modules, read_forward;                 /* likewise, into a module_block */
read_fn read_inputs, read_outputs, read_tests;                 /* spec_tests.c */
read_fn read_checkpoint, read_checks, read_ties, read_renames; /* spec_checks.c */
/* True for a name of config or of the top-level let. */
bool spec_is_config(const struct arch *arch, struct span name);

#endif
