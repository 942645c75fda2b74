#include "report/json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/real.h"
#include "report/escape.h"

void json_write_real(struct out *o, double x) {
  char text[REAL_ROOM];
  if (isfinite(x)) real_shortest(text, x);
  out_str(o, isfinite(x) ? text : "null");
}

static bool is_container(const cJSON *item) { return cJSON_IsObject(item) || cJSON_IsArray(item); }

/* A scalar, or the opening bracket of a container. */
static void write_head(struct out *o, const cJSON *item) {
  if (cJSON_IsString(item))
    escape_json(o, span_str(item->valuestring));
  else if (cJSON_IsRaw(item))
    out_str(o, item->valuestring);
  else if (cJSON_IsNumber(item))
    json_write_real(o, item->valuedouble);
  else if (cJSON_IsBool(item))
    out_str(o, cJSON_IsTrue(item) ? "true" : "false");
  else if (is_container(item))
    out_str(o, cJSON_IsObject(item) ? "{" : "[");
  else
    out_str(o, "null");
}

static void write_tail(struct out *o, const cJSON *container) {
  out_str(o, cJSON_IsObject(container) ? "}" : "]");
}

static void write_name(struct out *o, const cJSON *item) {
  if (!item->string) return; /* of a list */
  escape_json(o, span_str(item->string));
  out_str(o, ":");
}

void json_write(struct out *o, const cJSON *item) {
  const cJSON *open[JSON_WRITE_DEPTH];
  size_t depth = 0;
  write_head(o, item);
  for (;;) {
    if (is_container(item) && item->child) {
      if (depth == JSON_WRITE_DEPTH) {
        o->failed = true;
        return;
      }
      open[depth++] = item;
      item = item->child;
    } else {
      if (is_container(item)) write_tail(o, item);
      while (depth > 0 && !item->next) write_tail(o, item = open[--depth]);
      if (depth == 0) return;
      item = item->next;
      out_str(o, ",");
    }
    write_name(o, item);
    write_head(o, item);
  }
}

void json_write_members(struct out *o, const cJSON *object) {
  for (const cJSON *member = object ? object->child : NULL; member; member = member->next) {
    if (member != object->child) out_str(o, ",");
    write_name(o, member);
    json_write(o, member);
  }
}
