#include <stdio.h>

#include "report/escape.h"
#include "report/fields.h"
#include "report/figures.h"
#include "report/text.h"

/* ---- tables: a cell is a field of the row (rows.def), written in one of these ways ---- */

typedef void cell_fn(struct out *text, const cJSON *row, const cJSON *item);

static void as_text(struct out *text, const cJSON *row, const cJSON *item) {
  (void)row;
  if (cJSON_IsString(item)) out_str(text, item->valuestring);
}

static void as_count(struct out *text, const cJSON *row, const cJSON *item) {
  char room[FIGURE_ROOM];
  (void)row;
  out_str(text, figure_count(room, item_u64(item)));
}

/* What stands in the column before it needs no second telling. */
static void as_new_text(struct out *text, const cJSON *row, const cJSON *item) {
  if (!field_is(row, "from", item->valuestring ? item->valuestring : "")) as_text(text, row, item);
}

/* A count that is only worth its ink when it is not zero. */
static void as_some(struct out *text, const cJSON *row, const cJSON *item) {
  if (item_u64(item) > 0) as_count(text, row, item);
}

/* Nearly all tensors are strided. */
static void as_odd_layout(struct out *text, const cJSON *row, const cJSON *item) {
  (void)row;
  if (item->valuestring && strcmp(item->valuestring, "strided") != 0) out_str(text, item->valuestring);
}

static void as_bytes(struct out *text, const cJSON *row, const cJSON *item) {
  char room[FIGURE_ROOM];
  (void)row;
  out_str(text, figure_bytes(room, item_u64(item)));
}

/* What a stored member takes is its size, once more. */
static void as_packed(struct out *text, const cJSON *row, const cJSON *item) {
  if (item_u64(item) != field_u64(row, "size")) as_bytes(text, row, item);
}

static void as_offset(struct out *text, const cJSON *row, const cJSON *item) {
  (void)row;
  out_format(text, "0x%jx", (uintmax_t)item_u64(item));
}

static void as_real(struct out *text, const cJSON *row, const cJSON *item) {
  char room[FIGURE_ROOM];
  (void)row;
  out_str(text, figure_real(room, item->valuedouble));
}

static void as_unused(struct out *text, const cJSON *row, const cJSON *item) {
  (void)row;
  if (cJSON_IsFalse(item)) out_str(text, "unused");
}

void text_list(struct out *text, const cJSON *integers) {
  const char *before = "[";
  const cJSON *item;
  cJSON_ArrayForEach(item, integers) {
    out_format(text, "%s%ju", before, (uintmax_t)item_u64(item));
    before = ", ";
  }
  out_str(text, integers && integers->child ? "]" : "[]");
}

static void as_list(struct out *text, const cJSON *row, const cJSON *item) {
  (void)row;
  text_list(text, item);
}

/* The last item of a list, or NULL: a list's first child knows its last as `prev`. */
static const cJSON *last_of(const cJSON *list) { return list && list->child ? list->child->prev : NULL; }

/* Strides say something only where they are not those of a row-major tensor: each the product of the sizes
 * behind it. */
static void as_odd_stride(struct out *text, const cJSON *row, const cJSON *strides) {
  const cJSON *size = last_of(field(row, "shape"));
  uint64_t product = 1;
  bool odd = false;
  for (const cJSON *stride = last_of(strides); stride && size; stride = stride->prev, size = size->prev) {
    odd = odd || (item_u64(stride) != product && item_u64(size) > 1);
    if (!try_mul(product, item_u64(size), &product) || stride == strides->child) break;
  }
  if (odd) text_list(text, strides);
}

/* A bar is one of eight heights, and nothing only where there is nothing. */
static void write_bars(struct out *text, const cJSON *heights, const char *const glyphs[8]) {
  const cJSON *height;
  cJSON_ArrayForEach(height, heights) {
    uint64_t h = item_u64(height);
    out_str(text, h ? glyphs[min_u64(h, 255) * 7 / 255] : " ");
  }
}

static void as_bars(struct out *text, const cJSON *row, const cJSON *item) {
  static const char *const blocks[8] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  (void)row;
  write_bars(text, item, blocks);
}

/* For a terminal without Unicode. */
static void as_ascii_bars(struct out *text, const cJSON *row, const cJSON *item) {
  static const char *const signs[8] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  (void)row;
  write_bars(text, item, signs);
}

enum { LEFT, RIGHT };

/* Which tensor tables have a column: all, those that show the layout, those that show statistics alone. */
enum view { ALL, LAYOUT, STATS };

struct cell_rule {
  enum event_type row;
  enum view view;
  struct column column;
  const char *key;
  cell_fn *write;
};

static const struct cell_rule cells[] = {
#define CELL(row, view, head, side, key, writer) \
  {EVENT_##row, view, {head, (side) == RIGHT}, key, as_##writer},
#include "report/rows.def"
#undef CELL
};

static bool is_shown(const struct text *t, const struct cell_rule *cell, enum event_type row) {
  return cell->row == row && (cell->view == ALL || (cell->view == STATS) == t->options->stats);
}

/* A global's class is the one cell that shouts. */
static enum ink ink_of_cell(const char *key, const char *text) {
  static const char *const refused[] = {"dangerous", "indirect", "gadget"};
  if (strcmp(key, "class") != 0) return INK_PLAIN;
  for (size_t i = 0; i < ARRAY_LEN(refused); i++)
    if (strcmp(text, refused[i]) == 0) return INK_WORST;
  return strcmp(text, "unknown") == 0 ? INK_BAD : INK_PLAIN;
}

static void write_table_row(struct text *t, enum event_type type, const cJSON *row) {
  struct out text = out_to_memory(SIZE_MAX);
  for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
    if (!is_shown(t, &cells[i], type)) continue;
    const cJSON *item = field(row, cells[i].key);
    out_reset(&text);
    cell_fn *write = cells[i].write == as_bars && !t->pen.unicode ? as_ascii_bars : cells[i].write;
    if (item && !cJSON_IsNull(item)) write(&text, row, item);
    out_span(&text, SPAN("\0"));
    const char *cell = text.failed ? "" : (const char *)text.p;
    table_cell(&t->table, ink_of_cell(cells[i].key, cell), cell);
  }
  out_free(&text);
}

/* ---- the value tree ---- */

static void write_branch(struct text *t, size_t depth, bool last) {
  struct pen *pen = &t->pen;
  if (depth < TREE_DEPTH) t->last[depth] = last;
  for (size_t level = 1; level < min_size(depth, TREE_DEPTH); level++)
    pen_text(pen, INK_FAINT, t->last[level] ? "   " : pen_glyph(pen, "│  ", "|  "));
  if (depth > 0) pen_text(pen, INK_FAINT, last ? pen_glyph(pen, "└─ ", "`- ") : pen_glyph(pen, "├─ ", "|- "));
}

enum { TREE_TEXT = 100 }; /* bytes of a value that one line shows; --verbose shows what the event holds */

static size_t shown_bytes(const struct text *t, const char *text) {
  size_t n = strlen(text);
  if (t->options->verbose || n <= TREE_TEXT) return n;
  for (n = TREE_TEXT; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;) n--; /* not inside a character */
  return n;
}

/* A text stands in quotes; how long it is says something only when it is not there whole. */
static void write_scalar(struct text *t, const cJSON *value) {
  struct pen *pen = &t->pen;
  bool quoted = field_is(value, "kind", "text"), same = field_is(value, "kind", "shared");
  const char *text = field_text(value, "text");
  size_t n = shown_bytes(t, text);
  out_str(pen->out, same ? " with " : " ");
  pen_text(pen, INK_FAINT, quoted ? "\"" : "");
  pen_span(pen, INK_PLAIN, span_of(text, n));
  pen_text(pen, INK_FAINT, quoted ? "\"" : "");
  if (text[n]) pen_text(pen, INK_FAINT, pen_glyph(pen, "…", "..."));
}

static void write_items(struct text *t, const cJSON *value) {
  bool bytes = field_is(value, "kind", "text") || field_is(value, "kind", "bytes");
  uintmax_t n = field_u64(value, "items");
  if (!bytes)
    pen_format(&t->pen, INK_FAINT, " (%ju)", n);
  else if (n > shown_bytes(t, field_text(value, "text")))
    pen_format(&t->pen, INK_FAINT, " (%ju bytes)", n);
}

/* What a value is: its class says more than its kind only where the kind is one of ours. */
static const char *type_of(const cJSON *value) {
  bool by_class = field_is(value, "kind", "record") || field_is(value, "kind", "global") ||
                  field_is(value, "kind", "dict");
  return field_text(value, by_class && field_is_there(value, "class") ? "class" : "kind");
}

static void write_value(struct text *t, const cJSON *value) {
  struct pen *pen = &t->pen;
  uint64_t depth = field_u64(value, "depth");
  text_indent(t, 2);
  write_branch(t, depth, field_true(value, "last"));
  pen_text(pen, INK_STRONG, depth == 0 ? "(root)" : field_text(value, "key"));
  out_str(pen->out, "  ");
  pen_text(pen, INK_FAINT, type_of(value));
  if (field_is_there(value, "text")) write_scalar(t, value);
  if (field_is_there(value, "items")) write_items(t, value);
  pen_newline(pen);
}

/* ---- the modules ---- */

static void write_module(struct text *t, const cJSON *module) {
  struct pen *pen = &t->pen;
  uint64_t depth = field_u64(module, "depth"), params = field_u64(module, "params");
  char room[FIGURE_ROOM];
  text_indent(t, 2);
  write_branch(t, depth, field_true(module, "last"));
  pen_text(pen, INK_STRONG, depth == 0 ? "(root)" : field_text(module, "name"));
  if (field_is_there(module, "line")) {
    out_str(pen->out, "  ");
    pen_text(pen, field_true(module, "known") ? INK_PLAIN : INK_FAINT, field_text(module, "line"));
  }
  if (field_is_there(module, "open")) pen_format(pen, INK_DOUBT, "  ? %s", field_text(module, "open"));
  if (params) pen_format(pen, INK_FAINT, "  %s", figure_count(room, params));
  if (field_is_there(module, "mode")) pen_format(pen, INK_NOTE, "  in %s mode", field_text(module, "mode"));
  pen_newline(pen);
}

/* ---- the disassembly ---- */

enum { MARK_INDENT = 2, MARKS_SHOWN = 16, OPCODE_WIDTH = 16 };

/* Rows of one program stand below its member's name. */
static void write_program_head(struct text *t, const cJSON *row) {
  const char *member = field_text(row, "member");
  if (strncmp(member, t->member, sizeof t->member - 1) == 0) return;
  (void)snprintf(t->member, sizeof t->member, "%s", member);
  text_indent(t, 2);
  pen_text(&t->pen, INK_STRONG, member);
  pen_newline(&t->pen);
}

static void write_insn(struct text *t, const cJSON *insn) {
  struct pen *pen = &t->pen;
  write_program_head(t, insn);
  const char *opcode = field_text(insn, "opcode"), *argument = field_text(insn, "argument");
  size_t indent = MARK_INDENT * min_size(field_u64(insn, "depth"), MARKS_SHOWN);
  text_indent(t, 2);
  pen_format(pen, INK_FAINT, "%8jx  %02x  ", (uintmax_t)field_u64(insn, "offset"),
             (unsigned)field_u64(insn, "code"));
  out_repeat(pen->out, ' ', indent);
  pen_text(pen, INK_PLAIN, opcode);
  bool more = argument[0] || field_is_there(insn, "comment");
  if (more) out_repeat(pen->out, ' ', OPCODE_WIDTH + 1 - min_size(strlen(opcode), OPCODE_WIDTH));
  pen_text(pen, INK_PLAIN, argument);
  if (field_is_there(insn, "comment")) {
    if (argument[0]) out_str(pen->out, "  ");
    pen_text(pen, INK_NOTE, "; ");
    pen_text(pen, INK_NOTE, field_text(insn, "comment"));
  }
  pen_newline(pen);
}

/* ---- the decompiled program ---- */

enum { CODE_WIDTH = 60 };

static void write_statement(struct text *t, const cJSON *statement) {
  struct pen *pen = &t->pen;
  const char *code = field_text(statement, "code");
  write_program_head(t, statement);
  text_indent(t, 4);
  if (code[0]) {
    pen_text(pen, INK_PLAIN, code);
    out_repeat(pen->out, ' ', CODE_WIDTH + 2 - min_size(visible_width(span_str(code)), CODE_WIDTH));
  }
  pen_format(pen, INK_FAINT, "# at +0x%jx", (uintmax_t)field_u64(statement, "offset"));
  if (field_is_there(statement, "comment")) {
    pen_text(pen, INK_NOTE, ": ");
    pen_text(pen, INK_NOTE, field_text(statement, "comment"));
  }
  pen_newline(pen);
}

/* ---- any row ---- */

void text_rows_begin(struct text *t, enum event_type type) {
  size_t n = 0;
  for (size_t i = 0; i < ARRAY_LEN(cells) && n < TABLE_COLUMNS; i++)
    if (is_shown(t, &cells[i], type)) t->columns[n++] = cells[i].column;
  if (type != EVENT_finding) text_section(t);
  if (n > 0) table_begin(&t->table, &t->pen, t->columns, n);
}

void text_row(struct text *t, enum event_type type, const cJSON *row) {
  t->details = true;
  if (type == EVENT_finding)
    text_finding(t, row);
  else if (type == EVENT_value)
    write_value(t, row);
  else if (type == EVENT_module)
    write_module(t, row);
  else if (type == EVENT_insn)
    write_insn(t, row);
  else if (type == EVENT_statement)
    write_statement(t, row);
  else
    write_table_row(t, type, row);
}
