/* The report for a person at a terminal, in three files: text.c (inputs and the run), text_answer.c (what was
 * found and how the model fits), text_rows.c (what inspect shows). */
#ifndef CKPTLINT_REPORT_TEXT_H
#define CKPTLINT_REPORT_TEXT_H

#include "report/render.h"
#include "report/table.h"

enum { TREE_DEPTH = 1024, SHORT_TEXT = 128 };

struct text {
  struct pen pen;
  const struct report_options *options;
  cJSON *run, *file;                    /* events that are needed until the end of what they open */
  bool silent;                          /* --quiet, and this file is clean */
  bool details;                         /* something stands below the file's first line */
  bool answered;                        /* state dicts, check and forward of this file are written */
  bool shown;                           /* some file was */
  char first_rule[16];                  /* of this file's findings */
  char owed[SHORT_TEXT];                /* the reason of the findings just written, not yet named */
  struct table table;                   /* of the rows that are being shown */
  struct column columns[TABLE_COLUMNS]; /* of that table */
  bool last[TREE_DEPTH];   /* the tree: at each depth, whether the node was the last of its siblings */
  char member[SHORT_TEXT]; /* whose instructions are being shown */
};

/* A line below a file's first one. */
void text_indent(struct text *t, size_t columns);
/* A blank line between what stands below a file's first line and the table that follows. */
void text_section(struct text *t);
/* "[1, 3, 224, 224]" */
void text_list(struct out *text, const cJSON *integers);

void text_finding(struct text *t, const cJSON *finding);
/* Behind the findings: state dicts (inspect), the match, the forward pass. */
void text_answers(struct text *t, const cJSON *file);
/* What loading needs, and the line that weights_only must be told first. */
void text_needs(struct text *t, const cJSON *file);

/* The heads of a table of rows; nothing for rows that have none. */
void text_rows_begin(struct text *t, enum event_type type);
void text_row(struct text *t, enum event_type type, const cJSON *row);

#endif
