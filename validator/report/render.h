/* What the renderers share. A renderer sees events in their order, already checked; it never sees a
 * broken-off run, because report_close makes up the events that are missing. */
#ifndef CKPTLINT_REPORT_RENDER_H
#define CKPTLINT_REPORT_RENDER_H

#include "report/out.h"
#include "report/report.h"

enum event_type {
#define EVENT(id, list) EVENT_##id,
#include "report/events.def"
#undef EVENT
  EVENT_COUNT /* also: no event yet */
};

struct report {
  struct report_options options;
  struct out out;
  enum event_type last; /* the event before this one */
  bool misused;         /* an event came out of order */
  void *state;          /* the renderer's own */
};

struct renderer {
  bool (*open)(struct report *r); /* NULL: nothing to do; false: out of memory */
  void (*event)(struct report *r, enum event_type type, cJSON *event); /* may take parts of the event away */
  void (*close)(struct report *r);                                     /* NULL: nothing to do */
};
extern const struct renderer text_renderer, json_renderer, ndjson_renderer, sheet_renderer;

/* The list of a row's type in a file's object; NULL for what is not a row. */
const char *event_list(enum event_type type);

#endif
