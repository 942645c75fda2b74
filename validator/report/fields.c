#include "report/fields.h"

#include <stdlib.h>

const cJSON *field(const cJSON *event, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(event, key);
}

bool field_is_there(const cJSON *event, const char *key) {
  const cJSON *item = field(event, key);
  return item && !cJSON_IsNull(item);
}

const char *field_text(const cJSON *event, const char *key) {
  const char *text = cJSON_GetStringValue(field(event, key));
  return text ? text : "";
}

uint64_t item_u64(const cJSON *item) {
  if (cJSON_IsRaw(item)) return strtoull(item->valuestring, NULL, 10); /* written by event_u64 */
  return cJSON_IsNumber(item) && item->valuedouble >= 0 ? (uint64_t)item->valuedouble : 0;
}

uint64_t field_u64(const cJSON *event, const char *key) { return item_u64(field(event, key)); }

double field_real(const cJSON *event, const char *key) {
  const cJSON *item = field(event, key);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool field_true(const cJSON *event, const char *key) { return cJSON_IsTrue(field(event, key)); }
bool field_is(const cJSON *event, const char *key, const char *text) {
  return strcmp(field_text(event, key), text) == 0;
}
