/* The event stream and its writers. A run is a sequence of events, each a small cJSON object built here;
 * text, json, ndjson and sheets are renderers of the same stream, a file each. Bytes of a checkpoint enter an
 * event only through event_text, which makes them visible, valid UTF-8; every renderer then quotes for its
 * own context. The fields of every event and the order of events: doc/events.md. */
#ifndef CKPTLINT_REPORT_REPORT_H
#define CKPTLINT_REPORT_REPORT_H

#include <cjson/cJSON.h>

#include "base/span.h"

enum report_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV, FORMAT_COUNT };

struct report_options {
  enum report_format format;
  int fd;              /* where it goes */
  bool color, unicode; /* terminal only */
  size_t width;        /* of the terminal, in columns; 0: lines are never broken */
  bool quiet, verbose;
  bool stats;   /* text: tensors with their figures instead of their layout */
  bool sheet;   /* text and csv: a row for each file, of the values that were asked for */
  bool timings; /* false: no figure that differs from run to run is printed */
};

struct report;
struct report *report_open(const struct report_options *options); /* NULL: out of memory */
/* Takes the event over (and deletes it). An event that may not stand here (doc/events.md, "Order") is a fault
 * of the program: it is left out and report_close answers false. */
void report_event(struct report *r, cJSON *event);
/* Flushes and closes the document, which is valid even when the run broke off; false when a byte could not be
 * written (exit 74). */
NODISCARD bool report_close(struct report *r);

/* ---- building events: a call that finds no memory leaves its field out ---- */
cJSON *event_new(const char *type);
/* Untrusted bytes: invalid UTF-8, C0/C1, ESC, bidi and zero-width characters, U+2028/9 become visible escapes
 * (\x1b, \u202e); a backslash stays as it is; longer than `max` shown bytes is cut with "…(+n bytes)". */
void event_text(cJSON *event, const char *key, struct span text, size_t max);
/* The same for what somebody may want to find again byte by byte (a path, a tensor's key): when the text
 * shown is not the bytes themselves, they stand in base64 under KEY_b64 (the first 64 KiB of them). */
void event_bytes(cJSON *event, const char *key, struct span bytes, size_t max);
void event_str(cJSON *event, const char *key, const char *trusted_literal);
void event_u64(cJSON *event, const char *key, uint64_t n); /* exact, whatever its size */
void event_i64(cJSON *event, const char *key, int64_t n);
/* The shortest text that reads back as the same double; NaN and infinities become null. */
void event_real(cJSON *event, const char *key, double x);
/* The same, to 4 digits: what a forward pass computed. */
void event_figure(cJSON *event, const char *key, double x);
void event_bool(cJSON *event, const char *key, bool b);
void event_null(cJSON *event, const char *key);
cJSON *event_object(cJSON *event, const char *key); /* an empty child, owned by the event */
cJSON *event_array(cJSON *event, const char *key);
void event_push_u64(cJSON *array, uint64_t n);
void event_push_text(cJSON *array, struct span text, size_t max);
cJSON *event_push_object(cJSON *array);

#endif
