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
  bool lost;            /* memory ran out: what follows `last` is left out */
  void *state;          /* the renderer's own */
};

/* The members of a summary that takes no memory to make; its exit code is EXIT_BUG (cli/exit.def). */
#define CUT_SUMMARY "\"complete\":false,\"exit\":70,\"error\":\"out of memory\""

struct renderer {
  bool (*open)(struct report *r); /* NULL: nothing to do; false: out of memory */
  void (*event)(struct report *r, enum event_type type, cJSON *event); /* may take parts of the event away */
  void (*cut)(struct report *
                  r); /* ends the document of a report that is lost, by literals alone; NULL: it has no end */
  void (*close)(struct report *r); /* NULL: nothing to do */
};
extern const struct renderer text_renderer, json_renderer, ndjson_renderer, sheet_renderer;

/* The list of a row's type in a file's object; NULL for what is not a row. */
const char *event_list(enum event_type type);

#endif
