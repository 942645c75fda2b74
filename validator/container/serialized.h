/* Pickles that are spelled in base64, as stable-baselines3 keeps them in its JSON. */
#ifndef CKPTLINT_CONTAINER_SERIALIZED_H
#define CKPTLINT_CONTAINER_SERIALIZED_H

#include "base/span.h"

/* As CPython's binascii.a2b_base64 reads it: other characters are passed over, the padding ends it. `out` has
 * room for base64_room(text.n) bytes; *n of them are written. False: the padding is not there. */
NODISCARD bool base64_decode(struct span text, uint8_t *out, size_t *n);
static inline size_t base64_room(size_t n) { return n / 4 * 3 + 3; }

/* Of a JSON text that is not read as such: the next string, from *at on, that is the base64 of a program that
 * calls something, decoded. Escapes are taken for what base64 passes over. False: there is none. */
NODISCARD bool serialized_next(struct span text, size_t *at, uint8_t *out, size_t room, size_t *n);

#endif
