/* The architecture file, parsed and checked: everything that can be known without a config and a
 * checkpoint. */
#ifndef CKPTLINT_ARCH_SPEC_H
#define CKPTLINT_ARCH_SPEC_H

#include <cjson/cJSON.h>

#include "arch/value.h"
#include "base/observe.h"

struct names {
  uint32_t n;
  const struct span *list;
};

/* Where a piece of the file stands: the JSON keys that lead to it. Line and column are looked up only for
 * messages. */
struct place {
  const struct place *up; /* NULL: the document */
  const char *key;        /* object key, or decimal index in a list */
};

struct text_file {
  struct span name; /* what messages call it */
  struct span text;
};

/* "layers.{i < n}": a module's name in its block. `count` is NULL where nothing is repeated. */
struct module_line {
  const struct place *place;
  struct span before, after; /* the name around the braces; all of it is `before` if there are none */
  struct span variable;
  const struct expr *count;
  const struct expr *value;         /* a string: yields a module or None */
  const struct module_list *list;   /* a JSON list: a Sequential of these */
  const struct module_block *block; /* a JSON object: a block in place */
};
struct module_list {
  uint32_t n;
  const struct module_line *items; /* names unused */
};

struct let_line {
  const struct place *place;
  struct span name;
  const struct expr *value;
};

/* One forward(…): its parameters and statements. The value of the last statement is the result. */
struct function {
  const struct place *place; /* of the list; statement i stands at its index */
  struct signature signature;
  uint32_t num_statements;
  const struct statement *statements;
};

struct module_block {
  const struct place *place;
  struct signature signature; /* empty for the top level and for blocks in place */
  uint32_t num_lets, num_modules;
  const struct let_line *lets;
  const struct module_line *modules;
  const struct function *forward; /* NULL: none given */
};

struct config_line {
  const struct place *place;
  struct span name;
  bool required;            /* null */
  const struct expr *value; /* "=expr", or NULL */
  struct value literal;     /* otherwise */
};

/* Published values of the config under a published name: "resnet18". */
struct preset_value {
  uint32_t line; /* index among the config's lines */
  struct value value;
};
struct preset {
  const struct place *place;
  struct span name;
  struct names roots; /* its "architectures", as a config file has them */
  uint32_t n;
  const struct preset_value *values;
};

struct root_line {
  const struct place *place;
  struct span name; /* of architectures[0] */
  const struct expr *value;
};

/* One tensor that goes into the forward or comes out: "int64[B, T] < vocab_size". A dimension is an
 * expression over config values and symbols. */
struct port {
  const struct place *place;
  struct span name;
  enum dtype dtype;
  uint32_t ndim;
  const struct expr *const *dims;
  const struct expr *bound; /* of integers: values are 0 … bound - 1. NULL: none */
};
struct ports {
  uint32_t n;
  const struct port *list;
};

/* Inline JSON numbers, row-major. A single number has ndim 0. */
struct inline_array {
  uint32_t ndim;
  const uint64_t *sizes;
  uint64_t numel;
  const double *data;
  bool integers; /* every number is an exact integer */
};

enum generator_kind {
  GEN_RAND,
  GEN_RANDINT,
  GEN_ZEROS,
  GEN_ONES,
  GEN_ARANGE,
  GEN_FILE,
  GEN_NPY,
  GEN_INLINE,
  GEN_KINDS
};
/* "rand" for GEN_RAND …; NULL for what is no generator. */
const char *generator_name(enum generator_kind kind);

struct test_input {
  const struct place *place;
  uint32_t port; /* index among the inputs */
  enum generator_kind kind;
  uint64_t seed;    /* RAND, RANDINT */
  struct span file; /* FILE: the name as written; only the broker opens it */
  struct span npy;  /* NPY: the bytes of a .npy file, which stand in the text in base64 */
  struct inline_array numbers;
};

enum expect_kind { EXPECT_FILE, EXPECT_NPY, EXPECT_INLINE, EXPECT_ARGMAX };
struct test_expect {
  const struct place *place;
  struct span name; /* of the output */
  enum expect_kind kind;
  struct span file, npy;       /* FILE, NPY: as of an input */
  struct inline_array numbers; /* INLINE: values. ARGMAX: one class for each row */
  double rtol, atol;           /* negative: not given */
};

struct symbol_value {
  struct span name;
  uint64_t value;
};
struct arch_test {
  const struct place *place;
  uint32_t num_symbols, num_inputs, num_expects;
  const struct symbol_value *symbols;
  const struct test_input *inputs;
  const struct test_expect *expects;
};

/* "epoch": "int >= 0" of checkpoint.fields. */
enum field_type {
  FIELD_INT,
  FIELD_NUMBER,
  FIELD_STR,
  FIELD_BOOL,
  FIELD_LIST,
  FIELD_DICT,
  FIELD_TENSOR,
  FIELD_TYPES
};
struct field_line {
  const struct place *place;
  struct span name;
  enum field_type type;
  bool optional;   /* "?": absent or None */
  enum expr_op op; /* BIN_NONE: no comparison */
  const struct expr *limit;
};

struct tie_line {
  const struct place *place;
  struct span alias, target;
  const struct expr *condition; /* NULL: always */
};

struct check_line {
  const struct place *place;
  struct span glob;
  uint64_t dtypes; /* bit 1 << enum dtype; 0: any */
  bool finite, nonzero, has_min, has_max, has_absmax;
  double min, max, absmax;
};

struct rename_line {
  struct span from, to;
};

struct arch {
  struct text_file file;
  struct span name;
  struct names model_types; /* match.model_type */
  uint32_t num_config, num_blocks, num_roots, num_tests, num_fields, num_ties, num_checks, num_renames;
  const struct config_line *config;
  uint32_t num_presets;
  const struct preset *presets;
  const struct module_block *blocks; /* named ones */
  struct module_block top;           /* top-level let, modules, forward */
  const struct root_line *roots;
  struct span state_dict_path, config_path, optimizer_path; /* checkpoint.*; empty: not given */
  const struct field_line *fields;
  struct span base_prefix;
  const struct rename_line *renames;
  struct names ignore;
  const struct tie_line *ties;
  const struct check_line *checks;
  struct ports inputs, outputs;
  struct names symbols; /* names in dimensions that are no config values, in order of appearance */
  const struct arch_test *tests;
  cJSON *json; /* behind the spans; freed by arch_close */
};

/* Reads the file. False, observed with file, line and column, when it is not a valid architecture file; what
 * was observed points into it, so it is open then, too. */
NODISCARD bool arch_parse(struct arch *out, struct text_file file, struct arena *a, const struct limits *max,
                          struct observations *o);
void arch_close(struct arch *arch);
/* Line and column (from 1) of a place; `at` is an offset in its text, added to the column. Rescans the
 * file. */
bool arch_locate(const struct arch *arch, const struct place *p, uint32_t at, uint32_t *line,
                 uint32_t *column);
/* "line 7, column 12" for a message; in the arena. */
struct span arch_where(struct arena *a, const struct arch *arch, const struct place *p, uint32_t at);

#endif
