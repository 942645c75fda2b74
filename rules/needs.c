#include "rules/needs.h"

#include <stdio.h>

#define V NEED_VERSION

struct name_row {
  const char *module, *name; /* "*": any */
  struct need need;
};
static const struct name_row name_rows[] = {
#define NEED_NAME(package, version, module, name, source) {module, name, {NEED_##package, version, source}},
#include "rules/needs.def"
};

struct number_row {
  uint32_t number;
  const char *what;
  struct need need;
};
static const struct number_row dtype_rows[] = {
#define NEED_DTYPE(package, version, dtype, source) {DTYPE_##dtype, NULL, {NEED_##package, version, source}},
#include "rules/needs.def"
};
static const struct number_row protocol_rows[] = {
#define NEED_PROTOCOL(package, version, protocol, source) {protocol, NULL, {NEED_##package, version, source}},
#include "rules/needs.def"
};
static const struct number_row kind_rows[] = {
#define NEED_KIND(package, version, kind, what, source) \
  {CONTAINER_##kind, what, {NEED_##package, version, source}},
#include "rules/needs.def"
};
static const struct number_row big_endian_row = {
#define NEED_BIG_ENDIAN(package, version, what, source) 0, what, {NEED_##package, version, source},
#include "rules/needs.def"
};

struct text_row {
  const char *module, *name, *text;
};
static const struct text_row tied_rows[] = {
#define TIED(module, name, systems, source) {module, name, systems},
#include "rules/needs.def"
};
static const struct text_row alias_rows[] = {
#define ALIAS(module, name, why) {module, name, why},
#include "rules/needs.def"
};
static const struct text_row state_rows[] = {
#define STATE_AS(module, name, class) {module, name, class},
#include "rules/needs.def"
};
#undef V

const char *need_package_name(enum need_package p) {
  static const char *const names[NEED_PACKAGES] = {"torch", "numpy", "Python"};
  return names[p];
}

const char *need_version_text(uint32_t version, char out[NEED_VERSION_ROOM]) {
  uint32_t patch = version & 0xff;
  (void)snprintf(out, NEED_VERSION_ROOM, patch ? "%u.%u.%u" : "%u.%u", version >> 16, version >> 8 & 0xff,
                 patch);
  return out;
}

static bool is_named(const char *row_module, const char *row_name, struct span module, struct span name) {
  return span_is(module, row_module) && (strcmp(row_name, "*") == 0 || span_is(name, row_name));
}

const struct need *need_of_name(struct span module, struct span name) {
  for (size_t i = 0; i < ARRAY_LEN(name_rows); i++)
    if (is_named(name_rows[i].module, name_rows[i].name, module, name)) return &name_rows[i].need;
  return NULL;
}

static const struct number_row *find_number(const struct number_row *rows, size_t n, uint32_t number) {
  for (size_t i = 0; i < n; i++)
    if (rows[i].number == number) return &rows[i];
  return NULL;
}

const struct need *need_of_dtype(enum dtype d) {
  const struct number_row *row = find_number(dtype_rows, ARRAY_LEN(dtype_rows), d);
  return row ? &row->need : NULL;
}

const struct need *need_of_protocol(uint32_t protocol) {
  const struct number_row *row = NULL;
  for (uint32_t p = (uint32_t)min_u64(protocol, 255); !row && p > 0; p--)
    row = find_number(protocol_rows, ARRAY_LEN(protocol_rows), p);
  return row ? &row->need : NULL;
}

const struct need *need_of_kind(enum container_kind kind, const char **what) {
  const struct number_row *row = find_number(kind_rows, ARRAY_LEN(kind_rows), kind);
  *what = row ? row->what : NULL;
  return row ? &row->need : NULL;
}

const struct need *need_of_big_endian(const char **what) {
  *what = big_endian_row.what;
  return &big_endian_row.need;
}

static const char *find_text(const struct text_row *rows, size_t n, struct span module, struct span name) {
  for (size_t i = 0; i < n; i++)
    if (is_named(rows[i].module, rows[i].name, module, name)) return rows[i].text;
  return NULL;
}

const char *need_systems(struct span module, struct span name) {
  return find_text(tied_rows, ARRAY_LEN(tied_rows), module, name);
}

bool need_alias(struct span module, struct span name) {
  return find_text(alias_rows, ARRAY_LEN(alias_rows), module, name) != NULL;
}

const char *need_state_class(struct span module, struct span name) {
  return find_text(state_rows, ARRAY_LEN(state_rows), module, name);
}
