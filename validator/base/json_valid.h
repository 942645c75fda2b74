/* Is a text JSON that two readers can only read in one way? What stands before cJSON (base/json.h says what
 * is refused). For the files of base/json*.c alone. */
#ifndef CKPTLINT_BASE_JSON_VALID_H
#define CKPTLINT_BASE_JSON_VALID_H

#include "base/json.h"

/* False with *err filled. `rounds`: integers that a double rounds are taken. `budget`: bytes that the table
 * of keys may take. Linear in the text. */
NODISCARD bool json_validate(struct span text, const struct limits *max, bool rounds, size_t budget,
                             struct json_error *err);
/* A secret of this process, for tables that an attacker fills. */
void json_seed(uint64_t seed[2]);

#endif
