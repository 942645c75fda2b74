/* Blocks, module lines, forward functions. A block in place and a list may hold others: that recursion
 * follows the nesting of the JSON text, which json_parse has bounded by limits.json_depth (64). */
#include "arch/modules.h"
#include "arch/spec_read.h"

enum { MAX_NAME = 512 }; /* of a module line: paths are built from them, arch_depth deep */

/* NOLINTBEGIN(misc-no-recursion): blocks in blocks, as deep as the JSON text: limits.json_depth */
static bool read_line_value(struct spec *sp, struct item it, struct module_line *line);

/* ---- let ---- */

static bool read_let(struct spec *sp, struct item it, void *into) {
  struct let_line *line = into;
  line->place = it.place;
  return spec_key_name(sp, it, &line->name) && spec_expr(sp, it, &line->value);
}

bool read_lets(struct spec *sp, struct item it, void *into) {
  struct module_block *block = into;
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct let_line), read_let, &block->lets, &block->num_lets) &&
         spec_at_most(sp, it, block->num_lets, MAX_LETS);
}

/* ---- forward ---- */

static bool read_statement(struct spec *sp, struct item it, void *into) {
  struct span text;
  struct expr_error err;
  if (!spec_text(sp, it, &text)) return false;
  if (statement_parse(into, sp->arena, sp->max, text, &err)) return true;
  return spec_reject(sp, err.limit ? OBS_LIMIT_ARCH : OBS_ARCH_EXPR, it.place, err.at + 1, "%.*s",
                     (int)err.what.n, (const char *)err.what.p);
}

static bool read_signature(struct spec *sp, struct item it, struct signature *out) {
  struct expr_error err;
  if (signature_parse(out, sp->arena, sp->max, item_key(it), &err)) return true;
  return spec_reject(sp, err.limit ? OBS_LIMIT_ARCH : OBS_ARCH_EXPR, it.place, 0, "in '%.60s': %.*s",
                     it.json->string, (int)err.what.n, (const char *)err.what.p);
}

bool read_forward(struct spec *sp, struct item it, void *into) {
  struct function *f = arena_new(sp->arena, struct function);
  if (!f) return spec_out_of_memory(sp);
  f->place = it.place;
  if (!read_signature(sp, it, &f->signature) || !spec_want_list(sp, it) ||
      !spec_each(sp, it, sizeof(struct statement), read_statement, &f->statements, &f->num_statements))
    return false;
  if (f->num_statements == 0)
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "a forward has at least one statement");
  ((struct module_block *)into)->forward = f;
  return true;
}

/* ---- module lines ---- */

static bool bad_name(struct spec *sp, struct item it, const char *why) {
  return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "the module name '%.60s' %s", it.json->string, why);
}

/* Parts between dots may be any text ("block1-0" exists), but not empty: "a..b" and ".a" name nothing. */
static bool good_parts(struct span name) {
  bool empty = true;
  for (size_t i = 0; i < name.n; i++) {
    if (name.p[i] == '.' && empty) return false;
    empty = name.p[i] == '.';
  }
  return !empty;
}

/* "{i < expr}" at `open`. */
static bool read_repetition(struct spec *sp, struct item it, struct span key, size_t open,
                            struct module_line *line) {
  const uint8_t *close = memchr(key.p + open, '}', key.n - open);
  if (!close) return bad_name(sp, it, "has no closing brace");
  size_t end = (size_t)(close - key.p);
  struct span inside = span_of(key.p + open + 1, end - open - 1);
  const struct expr *e;
  if (!spec_expr_text(sp, it.place, span_first(key, end), (uint32_t)open + 1, &e)) return false;
  if (inside.n == 0 || e->kind != EXPR_BINARY || e->op != BIN_LT || e->kids[0]->kind != EXPR_NAME)
    return bad_name(sp, it, "repeats by {i < count}");
  line->variable = e->kids[0]->text;
  line->count = e->kids[1];
  line->before = span_first(key, open);
  line->after = span_from(key, end + 1);
  if (memchr(line->after.p, '{', line->after.n)) return bad_name(sp, it, "has more than one pair of braces");
  return true;
}

static bool read_line_name(struct spec *sp, struct item it, struct module_line *line) {
  struct span key = item_key(it);
  const uint8_t *open = key.n ? memchr(key.p, '{', key.n) : NULL;
  if (key.n > MAX_NAME) return bad_name(sp, it, "is longer than 512 bytes");
  if (open && !read_repetition(sp, it, key, (size_t)(open - key.p), line)) return false;
  if (!open) line->before = key;
  /* A digit in the place of the braces: the name must be whole around it. */
  uint8_t shown[MAX_NAME + 1];
  struct span before = line->before, after = line->after;
  size_t n = 0;
  if (before.n) memcpy(shown, before.p, before.n);
  n += before.n;
  if (open) shown[n++] = '0';
  if (after.n) memcpy(shown + n, after.p, after.n);
  return good_parts(span_of(shown, n + after.n)) || bad_name(sp, it, "has an empty part");
}

static bool read_module_line(struct spec *sp, struct item it, void *into) {
  struct module_line *line = into;
  return read_line_name(sp, it, line) && read_line_value(sp, it, line);
}

bool read_modules(struct spec *sp, struct item it, void *into) {
  struct module_block *block = into;
  return spec_want_object(sp, it) && spec_each(sp, it, sizeof(struct module_line), read_module_line,
                                               &block->modules, &block->num_modules);
}

static const struct key_row block_rows[] = {
    {"let", read_lets, false},
    {"modules", read_modules, false},
    {"forward(", read_forward, false},
};

static bool read_body(struct spec *sp, struct item it, struct module_block *block) {
  block->place = it.place;
  return spec_object(sp, it, block_rows, ARRAY_LEN(block_rows), block);
}

static bool read_list_item(struct spec *sp, struct item it, void *into) {
  return read_line_value(sp, it, into);
}

static bool read_list(struct spec *sp, struct item it, struct module_line *line) {
  struct module_list *list = arena_new(sp->arena, struct module_list);
  if (!list) return spec_out_of_memory(sp);
  line->list = list;
  return spec_each(sp, it, sizeof(struct module_line), read_list_item, &list->items, &list->n);
}

static bool read_in_place(struct spec *sp, struct item it, struct module_line *line) {
  struct module_block *block = arena_new(sp->arena, struct module_block);
  if (!block) return spec_out_of_memory(sp);
  line->block = block;
  return read_body(sp, it, block);
}

static bool read_line_value(struct spec *sp, struct item it, struct module_line *line) {
  line->place = it.place;
  if (cJSON_IsArray(it.json)) return read_list(sp, it, line);
  if (cJSON_IsObject(it.json)) return read_in_place(sp, it, line);
  return spec_expr(sp, it, &line->value);
}

/* NOLINTEND(misc-no-recursion) */

/* ---- blocks, roots ---- */

static bool check_block_name(struct spec *sp, struct item it, struct span name) {
  if (module_type_by_name(name) != TYPE_NONE)
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "'%.60s' is the name of a module type",
                       it.json->string);
  if (builtin_is(name))
    return spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "'%.60s' is the name of a function", it.json->string);
  return true;
}

static bool read_block(struct spec *sp, struct item it, void *into) {
  struct module_block *block = into;
  return read_signature(sp, it, &block->signature) && check_block_name(sp, it, block->signature.name) &&
         read_body(sp, it, block);
}

bool read_blocks(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  if (!spec_want_object(sp, it) ||
      !spec_each(sp, it, sizeof(struct module_block), read_block, &arch->blocks, &arch->num_blocks) ||
      !spec_at_most(sp, it, arch->num_blocks, MAX_BLOCKS))
    return false;
  for (uint32_t i = 0; i < arch->num_blocks; i++)
    for (uint32_t j = 0; j < i; j++)
      if (span_eq(arch->blocks[i].signature.name, arch->blocks[j].signature.name))
        return spec_reject(sp, OBS_ARCH_KEY, arch->blocks[i].place, 0, "a block of this name stands above");
  return true;
}

static bool read_root(struct spec *sp, struct item it, void *into) {
  struct root_line *line = into;
  line->place = it.place;
  line->name = item_key(it);
  return spec_expr(sp, it, &line->value);
}

bool read_roots(struct spec *sp, struct item it, void *into) {
  struct arch *arch = into;
  return spec_want_object(sp, it) &&
         spec_each(sp, it, sizeof(struct root_line), read_root, &arch->roots, &arch->num_roots);
}
