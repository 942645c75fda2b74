/* safetensors: 8 bytes length, JSON, data (README.md of the safetensors project, "Format"; tensor.rs).
 *
 * Its rules leave one reading only, and all of them hold here: the table is strict JSON that begins with '{'
 * and ends in spaces, no name twice, each tensor's bytes are what its shape calls for, and the tensors tile
 * the data from its first byte to the end of the file. */
#ifndef CKPTLINT_CONTAINER_SAFETENSORS_H
#define CKPTLINT_CONTAINER_SAFETENSORS_H

#include "base/limits.h"
#include "base/observe.h"
#include "container/plain.h"

/* The format's own limit of the table's length. */
enum { SAFETENSORS_HEADER_MAX = 100000000 };

/* Texts of __metadata__ become out->texts. False, observed with the offset in the file: a rule is broken, or
 * a limit is hit. */
NODISCARD bool safetensors_read(struct plain *out, struct arena *a, struct observations *o,
                                const struct limits *max, struct span file);

#endif
