/* One document, ckptlint.report/1, written as the events come:
 *     {"schema", "tool", "run", "files": [{…, "findings": […], "tensors": […], …}, …], "summary"}
 * Each row stands on a line of its own. */
#include "report/json_write.h"
#include "report/render.h"

static void write_object(struct out *o, const cJSON *event) {
  out_str(o, "{");
  json_write_members(o, event);
  out_str(o, "}");
}

static void write_run(struct out *o, cJSON *run) {
  cJSON *tool = cJSON_DetachItemFromObjectCaseSensitive(run, "tool");
  cJSON_DeleteItemFromObjectCaseSensitive(run, "schema"); /* that of the stream */
  out_str(o, "{\"schema\":\"ckptlint.report/1\",\n\"tool\":");
  write_object(o, tool);
  out_str(o, ",\n\"run\":");
  write_object(o, run);
  out_str(o, ",\n\"files\":[");
  cJSON_Delete(tool);
}

/* Every file has its findings, if only to show that there are none. */
static void close_list(struct out *o, enum event_type last) {
  if (event_list(last))
    out_str(o, "]");
  else
    out_str(o, ",\n\"findings\":[]");
}

static void write_row(struct out *o, enum event_type last, enum event_type type, const cJSON *row) {
  if (last == type) {
    out_str(o, ",\n");
  } else {
    if (event_list(last) || type != EVENT_finding) close_list(o, last);
    out_format(o, ",\n\"%s\":[\n", event_list(type));
  }
  write_object(o, row);
}

static void write_event(struct report *r, enum event_type type, cJSON *event) {
  struct out *o = &r->out;
  cJSON_DeleteItemFromObjectCaseSensitive(event, "type"); /* told by the place */
  switch (type) {
  case EVENT_run: write_run(o, event); break;
  case EVENT_file:
    out_str(o, r->last == EVENT_file_end ? ",\n{" : "\n{");
    json_write_members(o, event);
    break;
  case EVENT_finding:
  case EVENT_member:
  case EVENT_global:
  case EVENT_tensor:
  case EVENT_value:
  case EVENT_module:
  case EVENT_insn:
  case EVENT_statement:
  case EVENT_difference: write_row(o, r->last, type, event); break;
  case EVENT_file_end:
    close_list(o, r->last);
    out_str(o, "}");
    break;
  case EVENT_summary:
    out_str(o, "],\n\"summary\":");
    write_object(o, event);
    out_str(o, "}\n");
    break;
  case EVENT_COUNT: break;
  }
}

static void cut(struct report *r) {
  struct out *o = &r->out;
  if (r->last == EVENT_COUNT)
    out_str(
        o, "{\"schema\":\"ckptlint.report/1\",\n\"tool\":{\"name\":\"ckptlint\"},\n\"run\":{},\n\"files\":[");
  if (r->last >= EVENT_file && r->last < EVENT_file_end) {
    close_list(o, r->last);
    out_str(o, "}");
  }
  if (r->last != EVENT_summary) out_str(o, "],\n\"summary\":{" CUT_SUMMARY "}}\n");
}

const struct renderer json_renderer = {.event = write_event, .cut = cut};
