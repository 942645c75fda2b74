/* An event a line: the stream itself, for pipes. A line is written out as soon as its input is done. */
#include "report/json_write.h"
#include "report/render.h"

static void write_event(struct report *r, enum event_type type, cJSON *event) {
  json_write(&r->out, event);
  out_str(&r->out, "\n");
  if (type == EVENT_file_end) out_flush(&r->out); /* a failure stays in r->out */
}

static void cut(struct report *r) {
  struct out *o = &r->out;
  if (r->last == EVENT_COUNT) out_str(o, "{\"type\":\"run\",\"tool\":{\"name\":\"ckptlint\"}}\n");
  if (r->last >= EVENT_file && r->last < EVENT_file_end) out_str(o, "{\"type\":\"file_end\"}\n");
  if (r->last != EVENT_summary) out_str(o, "{\"type\":\"summary\"," CUT_SUMMARY "}\n");
}

const struct renderer ndjson_renderer = {.event = write_event, .cut = cut};
