/* cJSON trees as JSON text. Not cJSON's printer: that one rounds integers, writes 17 digits of every double,
 * and passes broken UTF-8 through. */
#ifndef CKPTLINT_REPORT_JSON_WRITE_H
#define CKPTLINT_REPORT_JSON_WRITE_H

#include <cjson/cJSON.h>

#include "report/out.h"

enum { JSON_WRITE_DEPTH = 32 }; /* our own trees are shallower; a deeper one fails the output */

/* One line, no spaces, members in their order. Numbers are the shortest text that reads back as the same
 * double; what is not finite becomes null; raw items (exact integers) stand as they are. */
void json_write(struct out *o, const cJSON *item);
/* The members of an object without its braces. */
void json_write_members(struct out *o, const cJSON *object);
void json_write_real(struct out *o, double x);

#endif
