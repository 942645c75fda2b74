/* The reader of GGUF: arrays have the bytes that their type and sizes call for. */
#include "container/gguf.h"

#include "fuzz/plain.h"
#include "tensor/dtype.h"

__extension__ typedef unsigned __int128 wide;

static bool read_and_count(struct plain *out, struct arena *a, struct observations *o,
                           const struct limits *max, struct span file) {
  if (!gguf_read(out, a, o, max, file)) return false;
  for (uint32_t i = 0; i < out->arrays.n; i++) {
    const struct plain_array *array = &out->arrays.p[i];
    enum dtype d = dtype_by_name(span_str(array->dtype));
    wide numel = 1;
    for (uint32_t k = 0; k < array->ndim; k++) numel *= array->dims[k]; /* at most 63 bits: refused else */
    FUZZ_CHECK(d != DTYPE_NONE && array->bytes == dtype_bytes_for(d, (uint64_t)numel));
    FUZZ_CHECK(numel % dtype_packing(d) == 0);
  }
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  plain_fuzz(data, size, read_and_count);
  return 0;
}
