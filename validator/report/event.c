#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/escape.h"
#include "report/report.h"

enum {
  BASE64_MAX = 64 * 1024, /* bytes of a name that are given exactly */
  EXACT_INT = 53          /* bits of an integer that a cJSON number holds */
};

cJSON *event_new(const char *type) {
  cJSON *event = cJSON_CreateObject();
  event_str(event, "type", type);
  return event;
}

/* A string item of what was written to memory; takes the memory. */
static cJSON *string_item(struct out *text) {
  out_span(text, SPAN("\0"));
  cJSON *item = text->failed ? NULL : cJSON_CreateString((const char *)text->p);
  out_free(text);
  return item;
}

static cJSON *visible_item(struct span text, size_t max) {
  struct out shown = out_to_memory(SIZE_MAX);
  escape_visible(&shown, text, max);
  return string_item(&shown);
}

static void add(cJSON *event, const char *key, cJSON *item) {
  if (!cJSON_AddItemToObject(event, key, item)) cJSON_Delete(item);
}

static void push(cJSON *array, cJSON *item) {
  if (!cJSON_AddItemToArray(array, item)) cJSON_Delete(item);
}

void event_text(cJSON *event, const char *key, struct span text, size_t max) {
  add(event, key, visible_item(text, max));
}

void event_bytes(cJSON *event, const char *key, struct span bytes, size_t max) {
  event_text(event, key, bytes, max);
  if (escape_is_exact(bytes, max)) return;
  char name[64];
  (void)snprintf(name, sizeof name, "%s_b64", key);
  struct out exact = out_to_memory(SIZE_MAX);
  escape_base64(&exact, span_first(bytes, BASE64_MAX));
  add(event, name, string_item(&exact));
}

void event_str(cJSON *event, const char *key, const char *trusted_literal) {
  add(event, key, cJSON_CreateString(trusted_literal));
}

/* cJSON keeps numbers as doubles: an integer that no double holds goes as raw text. */
static cJSON *u64_item(uint64_t n) {
  if (n >> EXACT_INT == 0) return cJSON_CreateNumber((double)n);
  char text[24];
  (void)snprintf(text, sizeof text, "%ju", (uintmax_t)n);
  return cJSON_CreateRaw(text);
}

static cJSON *i64_item(int64_t n) {
  if (n >= 0) return u64_item((uint64_t)n);
  if (n >= -(INT64_C(1) << EXACT_INT)) return cJSON_CreateNumber((double)n);
  char text[24];
  (void)snprintf(text, sizeof text, "%jd", (intmax_t)n);
  return cJSON_CreateRaw(text);
}

void event_u64(cJSON *event, const char *key, uint64_t n) { add(event, key, u64_item(n)); }
void event_i64(cJSON *event, const char *key, int64_t n) { add(event, key, i64_item(n)); }

void event_real(cJSON *event, const char *key, double x) {
  add(event, key, isfinite(x) ? cJSON_CreateNumber(x) : cJSON_CreateNull());
}

void event_figure(cJSON *event, const char *key, double x) {
  char text[32];
  (void)snprintf(text, sizeof text, "%.4g", x);
  event_real(event, key, strtod(text, NULL));
}

void event_bool(cJSON *event, const char *key, bool b) { add(event, key, cJSON_CreateBool(b)); }
void event_null(cJSON *event, const char *key) { add(event, key, cJSON_CreateNull()); }

static cJSON *added(cJSON *parent, const char *key, cJSON *child) {
  if (cJSON_AddItemToObject(parent, key, child)) return child;
  cJSON_Delete(child);
  return NULL;
}

cJSON *event_object(cJSON *event, const char *key) { return added(event, key, cJSON_CreateObject()); }
cJSON *event_array(cJSON *event, const char *key) { return added(event, key, cJSON_CreateArray()); }

void event_push_u64(cJSON *array, uint64_t n) { push(array, u64_item(n)); }
void event_push_text(cJSON *array, struct span text, size_t max) { push(array, visible_item(text, max)); }

cJSON *event_push_object(cJSON *array) {
  cJSON *child = cJSON_CreateObject();
  if (cJSON_AddItemToArray(array, child)) return child;
  cJSON_Delete(child);
  return NULL;
}
