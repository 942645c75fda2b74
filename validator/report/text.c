#include "report/text.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/fields.h"
#include "report/figures.h"

/* Worst first. */
static const char *const verdicts[] = {"unsafe", "incompatible", "not checked", "error", "findings", "clean"};
static const char *const severities[] = {"critical", "high", "medium", "low", "info"};

void text_indent(struct text *t, size_t columns) {
  out_repeat(t->pen.out, ' ', columns);
  t->details = true;
}

void text_section(struct text *t) {
  if (t->details) pen_newline(&t->pen);
  t->details = true;
}

/* ---- an input's first line ---- */

/* In words of its own, if it has some. */
static void write_verdict(struct text *t, const char *verdict, const char *words) {
  char upper[SHORT_TEXT];
  size_t n = 0;
  for (; words[n] && n + 1 < sizeof upper; n++) {
    upper[n] = words[n];
    if (upper[n] >= 'a' && upper[n] <= 'z') upper[n] = (char)(upper[n] - 'a' + 'A');
  }
  upper[n] = '\0';
  pen_text(&t->pen, ink_of_verdict(verdict), upper);
}

/* "(float32)", or "(float32 120, int64 20)". */
static void write_dtypes(struct text *t, const cJSON *dtypes) {
  const cJSON *dtype;
  const char *before = " (";
  cJSON_ArrayForEach(dtype, dtypes) {
    pen_text(&t->pen, INK_PLAIN, before);
    pen_text(&t->pen, INK_PLAIN, dtype->string);
    if (dtype->next || dtype != dtypes->child)
      pen_format(&t->pen, INK_PLAIN, " %ju", (uintmax_t)item_u64(dtype));
    before = ", ";
  }
  if (dtypes && dtypes->child) pen_text(&t->pen, INK_PLAIN, ")");
}

static void write_figures(struct text *t, const cJSON *file) {
  char room[FIGURE_ROOM];
  struct pen *pen = &t->pen;
  if (field_is_there(file, "size"))
    pen_format(pen, INK_PLAIN, "  %s", figure_bytes(room, field_u64(file, "size")));
  if (field_is_there(file, "format")) pen_format(pen, INK_PLAIN, "  %s", field_text(file, "format"));
  if (field_is_there(file, "protocol"))
    pen_format(pen, INK_PLAIN, "  protocol %ju", (uintmax_t)field_u64(file, "protocol"));
  if (field_is_there(file, "num_tensors")) {
    uint64_t n = field_u64(file, "num_tensors");
    pen_format(pen, INK_PLAIN, "  %s tensor%s", figure_count(room, n), n == 1 ? "" : "s");
  }
  if (field_u64(file, "params") > 0)
    pen_format(pen, INK_PLAIN, "  %s params", figure_count(room, field_u64(file, "params")));
  write_dtypes(t, field(file, "dtypes"));
}

static void begin_file(struct text *t, const cJSON *file) {
  t->silent = t->options->quiet && field_is(file, "verdict", "clean");
  t->details = t->answered = false;
  t->first_rule[0] = t->member[0] = t->owed[0] = '\0';
  if (t->silent) return;
  t->shown = true;
  pen_text(&t->pen, INK_STRONG, field_text(file, "path"));
  out_str(t->pen.out, "  ");
  const cJSON *diff = field(file, "diff");
  write_verdict(t, field_text(file, "verdict"),
                diff ? field_text(diff, "answer") : field_text(file, "verdict"));
  write_figures(t, file);
  if (field_is(file, "depth", "quick")) pen_text(&t->pen, INK_DOUBT, "  quick: metadata only");
  if (field_is_there(field(file, "timing"), "seconds"))
    pen_format(&t->pen, INK_FAINT, "  %.3f s", field_real(field(file, "timing"), "seconds"));
  pen_newline(&t->pen);
}

/* ---- its end ---- */

static void write_parts(struct text *t, const cJSON *parts) {
  static const struct column columns[] = {{"bytes of", false}, {"", true}, {"share", true}};
  const cJSON *part;
  double total = 0;
  cJSON_ArrayForEach(part, parts) total += part->valuedouble;
  if (total <= 0) return;
  text_section(t);
  table_begin(&t->table, &t->pen, columns, ARRAY_LEN(columns));
  cJSON_ArrayForEach(part, parts) {
    if (item_u64(part) == 0) continue;
    char room[FIGURE_ROOM], share[FIGURE_ROOM];
    (void)snprintf(share, sizeof share, "%.1f %%", part->valuedouble / total * 100);
    table_cell(&t->table, INK_PLAIN, part->string);
    table_cell(&t->table, INK_PLAIN, figure_bytes(room, item_u64(part)));
    table_cell(&t->table, INK_FAINT, share);
  }
  table_end(&t->table);
}

static void write_says(struct text *t, const cJSON *says) {
  const cJSON *line;
  cJSON_ArrayForEach(line, says) {
    text_indent(t, 2);
    pen_text(&t->pen, INK_NOTE, pen_glyph(&t->pen, "→ ", "> "));
    pen_folded(&t->pen, INK_PLAIN, 4, 4, cJSON_GetStringValue(line));
    pen_newline(&t->pen);
  }
}

/* As Python prints the exception. */
static void write_torch_messages(struct text *t, const cJSON *lines) {
  const cJSON *line;
  cJSON_ArrayForEach(line, lines) {
    text_indent(t, 2);
    if (line != lines->child) out_str(t->pen.out, "\t");
    pen_text(&t->pen, INK_PLAIN, cJSON_GetStringValue(line));
    pen_newline(&t->pen);
  }
}

static void end_file(struct text *t) {
  if (t->silent) return;
  table_end(&t->table);
  text_answers(t, t->file);
  write_parts(t, field(t->file, "parts"));
  text_needs(t, t->file);
  write_torch_messages(t, field(t->file, "torch_messages"));
  write_says(t, field(t->file, "says"));
  if (t->first_rule[0] && !field_is(t->file, "verdict", "clean")) {
    text_indent(t, 2);
    pen_format(&t->pen, INK_FAINT, "more: ckptlint explain %s", t->first_rule);
    pen_newline(&t->pen);
  }
  if (t->details) pen_newline(&t->pen);
  out_flush(t->pen.out); /* a person is waiting; a failure stays in the out */
}

/* ---- the run's last lines ---- */

/* "1 unsafe, 1 with findings, 2 clean" */
static void write_counts(struct text *t, const cJSON *counts, const char *const *names, size_t n,
                         enum ink (*ink)(const char *)) {
  const char *before = "";
  for (size_t i = 0; i < n; i++) {
    uint64_t count = field_u64(counts, names[i]);
    if (count == 0) continue;
    pen_text(&t->pen, INK_PLAIN, before);
    const char *with = strcmp(names[i], "findings") == 0 ? "with " : "";
    pen_format(&t->pen, ink(names[i]), "%ju %s%s", (uintmax_t)count, with, names[i]);
    before = ", ";
  }
}

static void write_run(struct text *t, const cJSON *run) {
  const cJSON *tool = field(run, "tool");
  if (field_is_there(tool, "ruleset"))
    pen_format(&t->pen, INK_FAINT, "Rules %s", field_text(tool, "ruleset"));
  if (field_is_there(run, "depth")) pen_format(&t->pen, INK_FAINT, ", depth %s", field_text(run, "depth"));
  if (field_is_there(run, "profile"))
    pen_format(&t->pen, INK_FAINT, ", profile %s", field_text(run, "profile"));
  const cJSON *sandbox = field(run, "sandbox"), *layer;
  const char *before = " without ";
  if (sandbox) pen_format(&t->pen, INK_FAINT, ", sandbox %s", field_text(sandbox, "level"));
  cJSON_ArrayForEach(layer, field(sandbox, "degraded")) {
    pen_format(&t->pen, INK_DOUBT, "%s%s", before, cJSON_GetStringValue(layer));
    before = ", ";
  }
  pen_text(&t->pen, INK_FAINT, ".");
  pen_newline(&t->pen);
  if (!t->options->verbose || !field_is_there(sandbox, "policy_sha256")) return;
  pen_format(&t->pen, INK_FAINT, "System-call filters sha256:%s.", field_text(sandbox, "policy_sha256"));
  pen_newline(&t->pen);
}

static void write_policy(struct text *t, const cJSON *policy) {
  if (!field_is_there(policy, "sha256")) return;
  pen_format(&t->pen, INK_FAINT, "Policy sha256:%s", field_text(policy, "sha256"));
  if (field_is_there(policy, "file")) pen_format(&t->pen, INK_FAINT, ", %s", field_text(policy, "file"));
  pen_text(&t->pen, INK_FAINT, ".");
  pen_newline(&t->pen);
}

static void write_summary(struct text *t, const cJSON *summary) {
  struct pen *pen = &t->pen;
  if (field_is_there(summary, "error")) {
    pen_format(pen, INK_WORST, "no verdict: %s", field_text(summary, "error"));
    pen_newline(pen);
    return;
  }
  if (t->options->quiet && !t->shown) return;
  const cJSON *line;
  uint64_t inputs = field_u64(summary, "inputs"), inside = field_u64(summary, "inside");
  pen_format(pen, INK_PLAIN, "%ju checked", (uintmax_t)inputs);
  if (field_is_there(summary, "inside"))
    pen_format(pen, INK_PLAIN, " (and %ju file%s inside)", (uintmax_t)inside, inside == 1 ? "" : "s");
  if (inputs > 0) pen_text(pen, INK_PLAIN, ": ");
  write_counts(t, field(summary, "verdicts"), verdicts, ARRAY_LEN(verdicts), ink_of_verdict);
  pen_text(pen, INK_PLAIN, ".");
  const cJSON *found = field(summary, "severities");
  if (found && found->child) {
    pen_text(pen, INK_PLAIN, "  Findings: ");
    write_counts(t, found, severities, ARRAY_LEN(severities), ink_of_severity);
    pen_text(pen, INK_PLAIN, ".");
  }
  if (field_is_there(field(summary, "timing"), "seconds"))
    pen_format(pen, INK_FAINT, "  %.3f s", field_real(field(summary, "timing"), "seconds"));
  pen_newline(pen);
  write_run(t, t->run);
  write_policy(t, field(t->run, "policy"));
  cJSON_ArrayForEach(line, field(summary, "says")) {
    pen_folded(pen, INK_FAINT, 0, 0, cJSON_GetStringValue(line));
    pen_newline(pen);
  }
}

/* ---- the renderer ---- */

static bool open_text(struct report *r) {
  struct text *t = memory_calloc(1, sizeof *t);
  if (!t) return false;
  t->options = &r->options;
  t->pen = (struct pen){
      .out = &r->out, .color = r->options.color, .unicode = r->options.unicode, .width = r->options.width};
  r->state = t;
  return true;
}

static void write_row(struct text *t, enum event_type last, enum event_type type, const cJSON *row) {
  if (t->silent) return;
  if (type != last) {
    table_end(&t->table);
    if (type != EVENT_finding) text_answers(t, t->file);
    text_rows_begin(t, type);
  }
  text_row(t, type, row);
}

static void keep(cJSON **slot, cJSON *event) {
  cJSON_Delete(*slot);
  *slot = cJSON_Duplicate(event, true);
}

static void write_event(struct report *r, enum event_type type, cJSON *event) {
  struct text *t = r->state;
  switch (type) {
  case EVENT_run: keep(&t->run, event); break;
  case EVENT_file:
    keep(&t->file, event);
    begin_file(t, event);
    break;
  case EVENT_finding:
  case EVENT_member:
  case EVENT_global:
  case EVENT_tensor:
  case EVENT_value:
  case EVENT_module:
  case EVENT_insn:
  case EVENT_statement:
  case EVENT_difference: write_row(t, r->last, type, event); break;
  case EVENT_file_end: end_file(t); break;
  case EVENT_summary: write_summary(t, event); break;
  case EVENT_COUNT: break;
  }
}

static void close_text(struct report *r) {
  struct text *t = r->state;
  if (!r->lost) table_end(&t->table);
  out_free(&t->table.text);
  cJSON_Delete(t->run);
  cJSON_Delete(t->file);
  free(t);
}

/* The line before it may have been left in the middle. */
static void cut(struct report *r) { out_str(&r->out, "\nout of memory: this report is not whole\n"); }

const struct renderer text_renderer = {
    .open = open_text, .event = write_event, .cut = cut, .close = close_text};
