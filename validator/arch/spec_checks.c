/* What the file says about the checkpoint itself: where things are, fields, ties, renames, value checks. */
#include "arch/lex.h"
#include "arch/spec_read.h"

/* ---- checkpoint ---- */

static bool read_state_dict(struct spec *sp, struct item it, void *into) {
  return spec_text(sp, it, &((struct arch *)into)->state_dict_path);
}
static bool read_config_path(struct spec *sp, struct item it, void *into) {
  return spec_text(sp, it, &((struct arch *)into)->config_path);
}
static bool read_optimizer(struct spec *sp, struct item it, void *into) {
  return spec_text(sp, it, &((struct arch *)into)->optimizer_path);
}

static const char *const field_types[FIELD_TYPES] = {
    [FIELD_INT] = "int",   [FIELD_NUMBER] = "number", [FIELD_STR] = "str",       [FIELD_BOOL] = "bool",
    [FIELD_LIST] = "list", [FIELD_DICT] = "dict",     [FIELD_TENSOR] = "tensor",
};

static bool field_type_by_name(struct span name, enum field_type *out) {
  for (enum field_type t = 0; t < FIELD_TYPES; t++)
    if (span_is(name, field_types[t])) {
      *out = t;
      return true;
    }
  return false;
}

/* "type", "type?", "type >= expr": the comparison is parsed as the right side of "type >= expr". */
static bool read_field(struct spec *sp, struct item it, void *into) {
  struct field_line *line = into;
  struct span text;
  line->place = it.place;
  line->name = item_key(it);
  if (!spec_text(sp, it, &text)) return false;
  size_t n = identifier_length(text);
  if (!field_type_by_name(span_first(text, n), &line->type))
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 1,
                       "expected int, number, str, bool, list, dict or tensor");
  line->optional = n < text.n && text.p[n] == '?';
  struct span rest = span_from(text, n + line->optional);
  if (rest.n == 0) return true;
  struct span whole = arena_printf(sp->arena, "x%.*s", (int)rest.n, (const char *)rest.p);
  const struct expr *e;
  if (!whole.n) return spec_out_of_memory(sp);
  if (!spec_expr_text(sp, it.place, whole, 0, &e)) return false;
  if (e->kind != EXPR_BINARY || e->op == BIN_NONE || e->op > BIN_GT || e->kids[0]->kind != EXPR_NAME)
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 1,
                       "expected a comparison behind the type, as in \"int >= 0\"");
  line->op = e->op;
  line->limit = e->kids[1];
  return true;
}

static bool read_fields(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct field_line), read_field, &arch->fields, &arch->num_fields);
}

bool read_checkpoint(struct spec *sp, struct item it, void *into) {
  static const struct key_row rows[] = {
      {"state_dict", read_state_dict, false},
      {"config", read_config_path, false},
      {"optimizer", read_optimizer, false},
      {"fields", read_fields, false},
  };
  return spec_object(sp, it, rows, ARRAY_LEN(rows), into);
}

/* ---- checks ---- */

static bool read_dtypes(struct spec *sp, struct item it, void *into) {
  struct check_line *line = into;
  struct names names;
  if (!spec_texts(sp, it, &names)) return false;
  for (uint32_t i = 0; i < names.n; i++) {
    enum dtype d = dtype_by_name(names.list[i]);
    if (d == DTYPE_NONE)
      return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "'%.*s' is no dtype",
                         (int)min_size(names.list[i].n, 60), (const char *)names.list[i].p);
    line->dtypes |= UINT64_C(1) << d;
  }
  return true;
}

static bool read_flag(struct spec *sp, struct item it, bool *out) {
  *out = cJSON_IsTrue(it.json);
  return cJSON_IsBool(it.json) || spec_reject(sp, OBS_ARCH_TYPE, it.place, 0, "expected true or false");
}

static bool read_finite(struct spec *sp, struct item it, void *into) {
  return read_flag(sp, it, &((struct check_line *)into)->finite);
}
static bool read_nonzero(struct spec *sp, struct item it, void *into) {
  return read_flag(sp, it, &((struct check_line *)into)->nonzero);
}

static bool read_min(struct spec *sp, struct item it, void *into) {
  struct check_line *line = into;
  line->has_min = true;
  return spec_number(sp, it, &line->min);
}
static bool read_max(struct spec *sp, struct item it, void *into) {
  struct check_line *line = into;
  line->has_max = true;
  return spec_number(sp, it, &line->max);
}
static bool read_absmax(struct spec *sp, struct item it, void *into) {
  struct check_line *line = into;
  line->has_absmax = true;
  return spec_number(sp, it, &line->absmax);
}

static bool read_check(struct spec *sp, struct item it, void *into) {
  static const struct key_row rows[] = {
      {"dtype", read_dtypes, false}, {"finite", read_finite, false}, {"nonzero", read_nonzero, false},
      {"min", read_min, false},      {"max", read_max, false},       {"absmax", read_absmax, false},
  };
  struct check_line *line = into;
  line->place = it.place;
  line->glob = item_key(it);
  return spec_object(sp, it, rows, ARRAY_LEN(rows), line);
}

bool read_checks(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct check_line), read_check, &arch->checks, &arch->num_checks) &&
         spec_at_most(sp, it, arch->num_checks, MAX_CHECKS);
}

/* ---- tie, rename ---- */

static bool read_tie(struct spec *sp, struct item it, void *into) {
  struct tie_line *line = into;
  struct names names;
  line->place = it.place;
  if (!spec_want_list(sp, it) || !spec_texts(sp, it, &names)) return false;
  if (names.n < 2 || names.n > 3)
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0,
                       "expected [alias, target] or [alias, target, condition]");
  line->alias = names.list[0];
  line->target = names.list[1];
  return names.n == 2 || spec_expr_text(sp, it.place, names.list[2], 0, &line->condition);
}

bool read_ties(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_list(sp, it) &&
         spec_each(sp, it, sizeof(struct tie_line), read_tie, &arch->ties, &arch->num_ties) &&
         spec_at_most(sp, it, arch->num_ties, MAX_TIES);
}

static bool read_rename(struct spec *sp, struct item it, void *into) {
  struct rename_line *line = into;
  line->from = item_key(it);
  return spec_text(sp, it, &line->to);
}

bool read_renames(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct rename_line), read_rename, &arch->renames, &arch->num_renames) &&
         spec_at_most(sp, it, arch->num_renames, MAX_GLOBS);
}
