#include "rules/globals.h"

#include <stdio.h>

#define GLOBAL(module, name, cls, builder, why) \
  {module, name, GLOBAL_##cls, BUILD_##builder, why, 0, 0, false},
#define CORE(module, name, builder, since, why) \
  {module, name, GLOBAL_CORE, BUILD_##builder, why, since, UINT16_MAX, false},
#define ONCE(module, name, builder, since, until, why) \
  {module, name, GLOBAL_MODELLED, BUILD_##builder, why, since, until, false},
#define V TORCH_VERSION
static const struct global_row torch_rows[] = {
#include "rules/globals/torch.def"
};
static const struct global_row python_rows[] = {
#include "rules/globals/python.def"
};
static const struct global_row numpy_rows[] = {
#include "rules/globals/numpy.def"
};
static const struct global_row module_rows[] = {
#include "rules/globals/modules.def"
};
static const struct global_row framework_rows[] = {
#include "rules/globals/frameworks.def"
};
static const struct global_row science_rows[] = {
#include "rules/globals/science.def"
};
static const struct global_row refused_rows[] = {
#include "rules/globals/refused.def"
};
#undef GLOBAL
#undef CORE
#undef ONCE
#undef V

static const torch_version torch_versions[] = {
#define TORCH(major, minor) TORCH_VERSION(major, minor),
#include "rules/globals/versions.def"
#undef TORCH
};

struct list {
  const struct global_row *rows;
  size_t n;
};

static const struct list lists[] = {
    {torch_rows, ARRAY_LEN(torch_rows)},         {python_rows, ARRAY_LEN(python_rows)},
    {numpy_rows, ARRAY_LEN(numpy_rows)},         {module_rows, ARRAY_LEN(module_rows)},
    {framework_rows, ARRAY_LEN(framework_rows)}, {science_rows, ARRAY_LEN(science_rows)},
    {refused_rows, ARRAY_LEN(refused_rows)},
};
static const struct list refused_list = {refused_rows, ARRAY_LEN(refused_rows)};

/* No package of refused.def has a longer name: a module name of a gigabyte costs no more than a short one. */
enum { PACKAGE_MAX = 64 };

static int row_cmp(const struct global_row *row, struct span module, struct span name) {
  int c = span_cmp(span_str(row->module), module);
  return c ? c : span_cmp(span_str(row->name), name);
}

static const struct global_row *find(struct list in, struct span module, struct span name) {
  size_t from = 0, to = in.n;
  while (from < to) {
    size_t mid = from + (to - from) / 2;
    int c = row_cmp(&in.rows[mid], module, name);
    /* cppcheck-suppress returnDanglingLifetime ; rows are static, only the list is a copy */
    if (c == 0) return &in.rows[mid];
    if (c < 0)
      from = mid + 1;
    else
      to = mid;
  }
  return NULL;
}

static const struct global_row *find_exact(struct span module, struct span name) {
  for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
    const struct global_row *row = find(lists[i], module, name);
    if (row) return row;
  }
  return NULL;
}

static struct list allowed_list(const struct globals *g) {
  return (struct list){.rows = g->allowed, .n = g->num_allowed};
}

static const struct global_row *find_allowed(const struct globals *g, struct span module, struct span name) {
  const struct global_row *row = NULL;
  for (; g && !row; g = g->outer) row = find(allowed_list(g), module, name);
  return row;
}

/* The row "*" of the module, or the row "**" of the nearest package around it. */
static const struct global_row *find_whole(struct span module) {
  const struct global_row *row = find(refused_list, module, SPAN("*"));
  for (size_t n = min_size(module.n, PACKAGE_MAX); !row && n > 0; n--)
    if (n == module.n || module.p[n] == '.') row = find(refused_list, span_first(module, n), SPAN("**"));
  return row;
}

/* What the policy would say of a class that a person still has to read. */
static const struct global_row proposed = {.module = "*",
                                           .name = "*",
                                           .cls = GLOBAL_RECORD,
                                           .builder = BUILD_PLAIN,
                                           .why = "on no list: a class of the author's own",
                                           .reviewed = true};

const struct global_row *globals_lookup(const void *ctx, struct span module, struct span name) {
  const struct globals *g = ctx;
  const struct global_row *row = find_allowed(g, module, name);
  if (!row) row = find_exact(module, name);
  if (!row) row = find_whole(module);
  return !row && g && g->propose && looks_like_class(name) ? &proposed : row;
}

const char *global_class_name(enum global_class cls) {
  static const char *const names[GLOBAL_CLASSES] = {"unknown", "core",      "modelled", "record", "record",
                                                    "module",  "dangerous", "indirect", "gadget"};
  return names[cls];
}

static bool is_word_byte(uint8_t c, bool first) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

/* Identifiers of plain ASCII joined by dots, as GLB306 demands of the file's names. */
static bool is_dotted_name(struct span s) {
  bool first = true;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] == '.' && !first)
      first = true;
    else if (is_word_byte(s.p[i], first))
      first = false;
    else
      return false;
  }
  return s.n > 0 && !first;
}

static const char *copy_text(struct arena *a, struct span s) {
  char *copy = arena_array(a, s.n + 1, char);
  if (copy) memcpy(copy, s.p, s.n);
  return copy;
}

static bool more_room(struct globals *g, struct arena *a) {
  size_t room = g->room ? 2 * g->room : 8;
  struct global_row *rows = arena_array(a, room, struct global_row);
  if (!rows) return false;
  if (g->num_allowed > 0) memcpy(rows, g->allowed, g->num_allowed * sizeof *rows);
  g->allowed = rows;
  g->room = room;
  return true;
}

/* Where it belongs, by module and name. */
static bool add_allowed(struct globals *g, struct arena *a, const struct global_row *row) {
  if (g->num_allowed == g->room && !more_room(g, a)) return false;
  size_t at = g->num_allowed++;
  for (; at > 0 && row_cmp(&g->allowed[at - 1], span_str(row->module), span_str(row->name)) > 0; at--)
    g->allowed[at] = g->allowed[at - 1];
  g->allowed[at] = *row;
  return true;
}

/* "a.b.Class" as a and b: what stands behind the last dot is the name. False: no such name. */
static bool split_name(struct span dotted, struct span *module, struct span *name) {
  size_t dot = dotted.n;
  while (dot > 0 && dotted.p[dot - 1] != '.') dot--;
  if (dot == 0 || !is_dotted_name(dotted)) return false;
  *module = span_first(dotted, dot - 1);
  *name = span_from(dotted, dot);
  return true;
}

bool globals_refuse(struct span name) {
  struct span module, class_name;
  const struct global_row *row =
      split_name(name, &module, &class_name) ? globals_lookup(NULL, module, class_name) : NULL;
  return row && global_is_refused(row->cls);
}

/* A listed class stays what it is; a review of it is kept with it. */
static bool allow_row(struct globals *g, struct arena *a, const struct global_row *listed, struct span module,
                      struct span name, bool reviewed) {
  struct global_row row = {.cls = GLOBAL_RECORD, .builder = BUILD_PLAIN, .why = "allowed by --allow"};
  if (listed) row = *listed;
  if (listed && (!reviewed || row.reviewed || row.cls == GLOBAL_CORE)) return true;
  row.module = copy_text(a, module);
  row.name = copy_text(a, name);
  row.reviewed = reviewed;
  return row.module && row.name && add_allowed(g, a, &row);
}

const char *globals_allow(struct globals *g, struct arena *a, struct span name, bool reviewed) {
  struct span module, class_name;
  if (!split_name(name, &module, &class_name)) return "is not a name of the form module.Class";
  const struct global_row *row = globals_lookup(g, module, class_name);
  if (row && global_is_refused(row->cls))
    return "is always refused: only classes that hold data can be allowed";
  return allow_row(g, a, row, module, class_name, reviewed) ? NULL : "does not fit into memory";
}

torch_version torch_newest(void) { return torch_versions[ARRAY_LEN(torch_versions) - 1]; }

const char *torch_version_text(torch_version v, char out[TORCH_VERSION_ROOM]) {
  (void)snprintf(out, TORCH_VERSION_ROOM, "%d.%d", v >> 8, v & 0xff);
  return out;
}

/* "2.6" of "2.6.0+cu124", as torch.__version__ spells it: lists are the same for all patches of a release. */
static struct span without_patch(struct span text) {
  size_t dots = 0, i = 0;
  while (i < text.n && (text.p[i] != '.' || ++dots < 2)) i++;
  bool patch = i + 1 < text.n && text.p[i + 1] >= '0' && text.p[i + 1] <= '9';
  return patch ? span_of(text.p, i) : text;
}

torch_version torch_version_of(struct span text) {
  char room[TORCH_VERSION_ROOM];
  text = without_patch(text);
  for (size_t i = 0; i < ARRAY_LEN(torch_versions); i++)
    if (span_is(text, torch_version_text(torch_versions[i], room))) return torch_versions[i];
  return 0;
}

const struct global_row *globals_row(size_t i) {
  for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
    if (i < lists[l].n) return &lists[l].rows[i];
    i -= lists[l].n;
  }
  return NULL;
}
