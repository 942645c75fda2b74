#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/memory.h"

enum { POINTER = sizeof(void *) };

bool library_load(const char *file, const char *const *names, size_t n, void *table) {
  errno = 0;
  void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library && errno == ENOMEM) memory_note_failure(); /* it is not missing */
  for (size_t i = 0; i < n; i++)
    if (!library || !dlsym(library, names[i])) return false;
  for (size_t i = 0; i < n; i++) {
    void *found = dlsym(library, names[i]);
    memcpy((uint8_t *)table + i * POINTER, &found, POINTER); /* POSIX: it may become a function pointer so */
  }
  return true;
}
