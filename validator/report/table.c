#include "report/table.h"

void table_begin(struct table *t, struct pen *pen, const struct column *columns, size_t num_columns) {
  t->pen = pen;
  t->columns = columns;
  t->num_columns = num_columns;
  t->num_cells = 0;
  t->begun = false;
  memset(t->width, 0, sizeof t->width);
  t->text = out_to_memory(SIZE_MAX);
}

static const char *cell_text(const struct table *t, const struct cell *cell) {
  return (const char *)t->text.p + cell->at;
}

static void measure(struct table *t) {
  for (size_t i = 0; i < t->num_cells && !t->text.failed; i++) {
    size_t *width = &t->width[i % t->num_columns];
    size_t n = min_size(pen_width(t->pen, span_str(cell_text(t, &t->cells[i]))), TABLE_WIDEST);
    if (n > *width) *width = n;
  }
  for (size_t c = 0; c < t->num_columns; c++) {
    size_t n = strlen(t->columns[c].head);
    if (t->width[c] > 0 && t->width[c] < n) t->width[c] = n;
  }
}

/* Where a row stands: blanks before a text are written only when a text follows, so no line ends in blanks.
 */
struct row {
  size_t blanks, column;
};
static const struct row row_begin = {.blanks = 2, .column = 2};

static void write_cell(struct table *t, size_t column, enum ink ink, const char *text, struct row *row) {
  if (t->width[column] == 0) return;
  bool right = t->columns[column].right;
  size_t n = pen_width(t->pen, span_str(text)), room = t->width[column] > n ? t->width[column] - n : 0;
  row->blanks += right ? room : 0;
  row->column += right ? room : 0;
  if (*text) {
    out_repeat(t->pen->out, ' ', row->blanks);
    if (column + 1 == t->num_columns)
      pen_folded(t->pen, ink, row->column, row->column, text);
    else
      pen_text(t->pen, ink, text);
    row->blanks = 0;
  }
  row->blanks += (right ? 0 : room) + 2;
  row->column += n + (right ? 0 : room) + 2;
}

/* A name above one column of several says less than nothing. */
static void write_heads(struct table *t) {
  struct row row = row_begin;
  size_t shown = 0, named = 0;
  for (size_t c = 0; c < t->num_columns; c++) {
    shown += t->width[c] > 0;
    named += t->width[c] > 0 && t->columns[c].head[0];
  }
  t->begun = true;
  if (named < 2 && shown > named) return;
  for (size_t c = 0; c < t->num_columns; c++) write_cell(t, c, INK_FAINT, t->columns[c].head, &row);
  pen_newline(t->pen);
}

static void write_rows(struct table *t) {
  measure(t);
  if (!t->begun && t->num_cells > 0) write_heads(t);
  struct row row = row_begin;
  for (size_t i = 0; i < t->num_cells && !t->text.failed; i++) {
    write_cell(t, i % t->num_columns, t->cells[i].ink, cell_text(t, &t->cells[i]), &row);
    if ((i + 1) % t->num_columns > 0) continue;
    pen_newline(t->pen);
    row = row_begin;
  }
  t->num_cells = 0;
  out_reset(&t->text);
}

void table_cell(struct table *t, enum ink ink, const char *text) {
  if (t->num_cells % t->num_columns == 0 && t->num_cells + t->num_columns > TABLE_CELLS) write_rows(t);
  size_t at = t->text.n;
  out_str(&t->text, text);
  out_span(&t->text, SPAN("\0"));
  t->cells[t->num_cells++] = (struct cell){.at = at, .ink = ink};
}

void table_end(struct table *t) {
  if (!t->columns) return;
  write_rows(t);
  out_free(&t->text);
  t->columns = NULL;
}
