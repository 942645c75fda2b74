#include "report/report.h"

#include <stdlib.h>

#include "base/memory.h"
#include "report/render.h"

static const struct renderer *const renderers[FORMAT_COUNT] = {[FORMAT_TEXT] = &text_renderer,
                                                               [FORMAT_JSON] = &json_renderer,
                                                               [FORMAT_NDJSON] = &ndjson_renderer,
                                                               [FORMAT_CSV] = &sheet_renderer};

static const struct renderer *renderer_of(const struct report *r) {
  return r->options.sheet && r->options.format == FORMAT_TEXT ? &sheet_renderer
                                                              : renderers[r->options.format];
}

static const struct {
  const char *name, *list;
} types[EVENT_COUNT] = {
#define EVENT(id, list) {#id, list},
#include "report/events.def"
#undef EVENT
};

const char *event_list(enum event_type type) { return types[type].list; }

static enum event_type type_of(const cJSON *event) {
  const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "type"));
  unsigned type = 0;
  while (type < EVENT_COUNT && !(name && strcmp(name, types[type].name) == 0)) type++;
  return (enum event_type)type;
}

/* run (file row* file_end)* summary; rows of a file ascend by type. */
static bool may_follow(enum event_type last, enum event_type next) {
  bool in_file = last >= EVENT_file && last < EVENT_file_end;
  switch (next) {
  case EVENT_run: return last == EVENT_COUNT;
  case EVENT_file:
  case EVENT_summary: return last == EVENT_run || last == EVENT_file_end;
  case EVENT_finding:
  case EVENT_member:
  case EVENT_global:
  case EVENT_tensor:
  case EVENT_value:
  case EVENT_module:
  case EVENT_insn:
  case EVENT_statement:
  case EVENT_difference: return in_file && last <= next;
  case EVENT_file_end: return in_file;
  case EVENT_COUNT: break; /* no event of ours, or no memory for one */
  }
  return false;
}

struct report *report_open(const struct report_options *options) {
  struct report *r = memory_calloc(1, sizeof *r);
  if (!r) return NULL;
  *r = (struct report){.options = *options, .out = out_to_fd(options->fd), .last = EVENT_COUNT};
  const struct renderer *renderer = renderer_of(r);
  if (!renderer->open || renderer->open(r)) return r;
  free(r);
  return NULL;
}

void report_event(struct report *r, cJSON *event) {
  enum event_type type = type_of(event);
  if (memory_has_failed()) r->lost = true; /* it may lack something, and so may what comes behind it */
  if (r->lost) {
    cJSON_Delete(event);
    return;
  }
  if (may_follow(r->last, type)) {
    /* Same input, same version, same options: same bytes. What differs from run to run stands under "timing".
     */
    if (!r->options.timings) cJSON_DeleteItemFromObjectCaseSensitive(event, "timing");
    renderer_of(r)->event(r, type, event);
    r->last = type;
  } else {
    r->misused = true;
  }
  cJSON_Delete(event);
}

/* Whatever stopped the run, the document ends as a document, and says that it is not whole. */
static void make_up_the_rest(struct report *r) {
  if (r->last == EVENT_COUNT) {
    cJSON *run = event_new("run");
    event_str(event_object(run, "tool"), "name", "ckptlint");
    report_event(r, run);
  }
  if (r->last >= EVENT_file && r->last < EVENT_file_end) report_event(r, event_new("file_end"));
  if (r->last != EVENT_summary) {
    cJSON *summary = event_new("summary");
    event_bool(summary, "complete", false);
    event_u64(summary, "exit", 70);
    event_str(summary, "error", "the run broke off: this is a fault of ckptlint");
    report_event(r, summary);
  }
}

bool report_close(struct report *r) {
  const struct renderer *renderer = renderer_of(r);
  if (memory_has_failed()) r->lost = true;
  make_up_the_rest(r);
  if (r->lost && renderer->cut) renderer->cut(r);
  if (renderer->close) renderer->close(r);
  bool whole = out_flush(&r->out) && !r->misused && !r->lost && r->last == EVENT_summary;
  out_free(&r->out);
  free(r);
  return whole;
}
