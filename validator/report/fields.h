/* Reading an event's fields back, for renderers. An absent field is the empty text, zero, false or NULL. */
#ifndef CKPTLINT_REPORT_FIELDS_H
#define CKPTLINT_REPORT_FIELDS_H

#include <cjson/cJSON.h>

#include "base/span.h"

const cJSON *field(const cJSON *event, const char *key);
bool field_is_there(const cJSON *event, const char *key); /* and not null */
const char *field_text(const cJSON *event, const char *key);
uint64_t field_u64(const cJSON *event, const char *key);
double field_real(const cJSON *event, const char *key);
bool field_true(const cJSON *event, const char *key);
bool field_is(const cJSON *event, const char *key, const char *text);
/* An item that is an integer, however large. */
uint64_t item_u64(const cJSON *item);

#endif
