/* Libraries of the system, loaded by the worker that needs one (ADR 6). */
#ifndef CKPTLINT_BASE_LIBRARY_H
#define CKPTLINT_BASE_LIBRARY_H

#include "base/span.h"

/* Finds n functions by name; `table` is a struct of as many function pointers, in their order. False: there
 * is no such library, or it lacks one of them, and nothing is written. To be called before the seal: it opens
 * files and maps code, and what it loads stays for the life of the process. */
NODISCARD bool library_load(const char *file, const char *const *names, size_t n, void *table);

#endif
