/* Aligned columns out of a stream: rows are held back until TABLE_CELLS cells have come, then written; so the
 * memory is bounded and only a table larger than that can get wider on its way. A column whose cells are all
 * empty is left out; the last one is folded on a terminal. */
#ifndef CKPTLINT_REPORT_TABLE_H
#define CKPTLINT_REPORT_TABLE_H

#include "report/pen.h"

enum {
  TABLE_CELLS = 4096,
  TABLE_COLUMNS = 16,
  TABLE_WIDEST = 60 /* one endless name pushes its own row, not all of them */
};

struct column {
  const char *head;
  bool right; /* numbers */
};

struct cell {
  size_t at; /* in the table's text, where a NUL ends it */
  enum ink ink;
};

struct table {
  const struct column *columns;
  size_t num_columns, num_cells;
  size_t width[TABLE_COLUMNS];
  bool begun; /* the heads are written */
  struct pen *pen;
  struct out text;
  struct cell cells[TABLE_CELLS];
};

/* Columns must outlive the table. A zeroed table may be ended without being begun. */
void table_begin(struct table *t, struct pen *pen, const struct column *columns, size_t num_columns);
/* The next cell; the row ends by itself when it has all its columns. */
void table_cell(struct table *t, enum ink ink, const char *text);
void table_end(struct table *t);

#endif
