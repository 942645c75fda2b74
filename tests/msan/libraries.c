/* MemorySanitizer sees what its own compiler made: what a library writes stays unknown to it. So for cJSON
 * and libdeflate it is told here, at each call of ours (ld --wrap; Makefile, MODE=msan). What they are given
 * must be known. */
#include <cjson/cJSON.h>
#include <libdeflate.h>
#include <sanitizer/msan_interface.h>

#define WRAPS(type, name, ...)     \
  type __real_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__)

static void know_item(const cJSON *item) {
  __msan_unpoison(item, sizeof *item);
  if (item->string) __msan_unpoison_string(item->string);
  if (item->valuestring) __msan_unpoison_string(item->valuestring);
}

/* The tree in preorder; cJSON stops at 1000 levels. */
static cJSON *know_tree(cJSON *root) {
  const cJSON *open[1001];
  size_t depth = 0;
  for (const cJSON *item = root; item;) {
    know_item(item);
    if (item->child) {
      open[depth++] = item;
      item = item->child;
      continue;
    }
    while (!item->next && depth > 0) item = open[--depth];
    item = item->next;
  }
  return root;
}

WRAPS(cJSON *, cJSON_ParseWithLength, const char *text, size_t n) {
  __msan_check_mem_is_initialized(text, n);
  return know_tree(__real_cJSON_ParseWithLength(text, n));
}

WRAPS(cJSON *, cJSON_Duplicate, const cJSON *item, cJSON_bool deep) {
  return know_tree(__real_cJSON_Duplicate(item, deep));
}

#define MAKES(name) \
  WRAPS(cJSON *, name, void) { return know_tree(__real_##name()); }
MAKES(cJSON_CreateObject)
MAKES(cJSON_CreateArray)
MAKES(cJSON_CreateNull)
WRAPS(cJSON *, cJSON_CreateString, const char *text) { return know_tree(__real_cJSON_CreateString(text)); }
WRAPS(cJSON *, cJSON_CreateRaw, const char *text) { return know_tree(__real_cJSON_CreateRaw(text)); }
WRAPS(cJSON *, cJSON_CreateNumber, double number) { return know_tree(__real_cJSON_CreateNumber(number)); }
WRAPS(cJSON *, cJSON_CreateBool, cJSON_bool b) { return know_tree(__real_cJSON_CreateBool(b)); }
/* It gives the item its name. */
WRAPS(cJSON_bool, cJSON_AddItemToObject, cJSON *object, const char *name, cJSON *item) {
  cJSON_bool added = __real_cJSON_AddItemToObject(object, name, item);
  if (added) know_item(item);
  return added;
}

/* The bytes of a whole buffer, and a number. */
static void know(void *out, size_t n, enum libdeflate_result r, size_t *made) {
  if (made && r == LIBDEFLATE_SUCCESS) __msan_unpoison(made, sizeof *made);
  __msan_unpoison(out, n);
}

WRAPS(uint32_t, libdeflate_crc32, uint32_t crc, const void *p, size_t n) {
  __msan_check_mem_is_initialized(p, n);
  return __real_libdeflate_crc32(crc, p, n);
}

#define INFLATES(name)                                                                                \
  WRAPS(enum libdeflate_result, name, struct libdeflate_decompressor *d, const void *in, size_t in_n, \
        void *out, size_t out_n, size_t *made) {                                                      \
    __msan_check_mem_is_initialized(in, in_n);                                                        \
    enum libdeflate_result r = __real_##name(d, in, in_n, out, out_n, made);                          \
    know(out, out_n, r, made);                                                                        \
    return r;                                                                                         \
  }
#define INFLATES_EX(name)                                                                             \
  WRAPS(enum libdeflate_result, name, struct libdeflate_decompressor *d, const void *in, size_t in_n, \
        void *out, size_t out_n, size_t *took, size_t *made) {                                        \
    __msan_check_mem_is_initialized(in, in_n);                                                        \
    enum libdeflate_result r = __real_##name(d, in, in_n, out, out_n, took, made);                    \
    know(out, out_n, r, made);                                                                        \
    if (took) __msan_unpoison(took, sizeof *took);                                                    \
    return r;                                                                                         \
  }
INFLATES(libdeflate_deflate_decompress)
INFLATES_EX(libdeflate_deflate_decompress_ex)
INFLATES_EX(libdeflate_zlib_decompress_ex)
