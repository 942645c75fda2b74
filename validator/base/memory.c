#include "base/memory.h"

#include <stdlib.h>

static bool memory_failed;

void memory_note_failure(void) { memory_failed = true; }

static void *noted(void *p) {
  if (!p) memory_note_failure();
  return p;
}

void *memory_malloc(size_t size) { return noted(malloc(size)); }
void *memory_calloc(size_t n, size_t size) { return noted(calloc(n, size)); }
void *memory_realloc(void *p, size_t size) { return noted(realloc(p, size)); }
bool memory_has_failed(void) { return memory_failed; }
