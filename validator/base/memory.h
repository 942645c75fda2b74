/* Whether this process was ever refused memory. Nobody checks each field of each event for it, in the broker,
 * or each table in a worker: whoever says that something is whole asks here first. A budget that is spent is
 * another matter (arena.h): that is the input's doing, and is told as a limit. */
#ifndef CKPTLINT_BASE_MEMORY_H
#define CKPTLINT_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* As in stdlib.h; NULL is remembered for good. */
void *memory_malloc(size_t size);
void *memory_calloc(size_t n, size_t size);
void *memory_realloc(void *p, size_t size);
/* A library says that it found none. */
void memory_note_failure(void);
bool memory_has_failed(void);

#endif
