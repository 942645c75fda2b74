/* A row for each file: the values that `inspect --fields` asks for, the verdict, the path. As text, whose
 * columns `sort` takes, and as csv: RFC 4180 but for the ends of lines, which `sort` wants bare too. What
 * there is to say of the files follows behind the rows of a text. */
#include <stdlib.h>

#include "base/memory.h"
#include "report/fields.h"
#include "report/json_write.h"
#include "report/render.h"

enum { COLUMN = 12 }; /* least width; the path comes last, since its width is not known */

struct sheet {
  struct out notes, cell;
  cJSON *file;
  bool begun;
};

/* A spreadsheet takes text that begins so for a formula. */
static bool is_formula(const char *text) { return text[0] && strchr("=+-@\t\r", text[0]); }

static void csv_text(struct out *o, const char *text) {
  out_str(o, "\"");
  if (is_formula(text)) out_str(o, "'");
  for (; *text; text++) out_span(o, *text == '"' ? SPAN("\"\"") : span_of(text, 1));
  out_str(o, "\"");
}

static void write_cell(struct report *r, const cJSON *item, bool last) {
  const char *text = cJSON_GetStringValue(item);
  struct sheet *s = r->state;
  const bool csv = r->options.format == FORMAT_CSV;
  out_reset(&s->cell);
  if (text && csv)
    csv_text(&s->cell, text);
  else if (text)
    out_str(&s->cell, text);
  else if (!cJSON_IsNull(item))
    json_write(&s->cell, item);
  else if (!csv)
    out_str(&s->cell, "-");
  const size_t n = s->cell.n;
  out_span(&r->out, out_taken(&s->cell));
  if (last)
    out_str(&r->out, "\n");
  else if (csv)
    out_str(&r->out, ",");
  else
    out_repeat(&r->out, ' ', n < COLUMN ? COLUMN - n + 2 : 2);
}

static void write_heading(struct report *r, const cJSON *file) {
  const cJSON *value;
  cJSON *name;
  const char *const others[] = {"verdict", "path"};
  cJSON_ArrayForEach(value, field(file, "fields")) {
    name = cJSON_CreateString(value->string);
    write_cell(r, name, false);
    cJSON_Delete(name);
  }
  for (size_t i = 0; i < ARRAY_LEN(others); i++) {
    name = cJSON_CreateString(others[i]);
    write_cell(r, name, i + 1 == ARRAY_LEN(others));
    cJSON_Delete(name);
  }
}

static void write_row(struct report *r, const cJSON *file) {
  struct sheet *s = r->state;
  const cJSON *value;
  if (!s->begun) write_heading(r, file);
  s->begun = true;
  cJSON_ArrayForEach(value, field(file, "fields")) write_cell(r, value, false);
  write_cell(r, field(file, "verdict"), false);
  write_cell(r, field(file, "path"), true);
}

static void write_event(struct report *r, enum event_type type, cJSON *event) {
  struct sheet *s = r->state;
  if (type == EVENT_file) {
    cJSON_Delete(s->file);
    s->file = cJSON_Duplicate(event, true);
    if (s->file) write_row(r, s->file);
  }
  if (type == EVENT_finding) {
    const char *const parts[] = {field_text(s->file, "path"),  ": ", field_text(event, "severity"), " ",
                                 field_text(event, "rule"),    " ",  field_text(event, "name"),     ": ",
                                 field_text(event, "message"), "\n"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) out_str(&s->notes, parts[i]);
  }
  if (type == EVENT_summary && field_is_there(event, "error")) {
    out_str(&s->notes, "no verdict: ");
    out_str(&s->notes, field_text(event, "error"));
    out_str(&s->notes, "\n");
  }
}

static bool open_sheet(struct report *r) {
  struct sheet *s = memory_calloc(1, sizeof *s);
  if (s) *s = (struct sheet){.notes = out_to_memory(SIZE_MAX), .cell = out_to_memory(SIZE_MAX)};
  r->state = s;
  return s != NULL;
}

static void close_sheet(struct report *r) {
  struct sheet *s = r->state;
  if (r->options.format == FORMAT_TEXT && s->notes.n) {
    if (s->begun) out_str(&r->out, "\n");
    out_span(&r->out, out_taken(&s->notes));
  }
  out_free(&s->notes);
  out_free(&s->cell);
  cJSON_Delete(s->file);
  free(s);
}

const struct renderer sheet_renderer = {.open = open_sheet, .event = write_event, .close = close_sheet};
