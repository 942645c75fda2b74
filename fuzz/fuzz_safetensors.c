/* The reader of safetensors: the arrays tile what is behind the table. */
#include "container/safetensors.h"

#include "fuzz/plain.h"

static bool read_and_sum(struct plain *out, struct arena *a, struct observations *o, const struct limits *max,
                         struct span file) {
  if (!safetensors_read(out, a, o, max, file)) return false;
  uint64_t sum = out->data_at;
  for (uint32_t i = 0; i < out->arrays.n; i++) sum += out->arrays.p[i].bytes;
  FUZZ_CHECK(sum == file.n);
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  plain_fuzz(data, size, read_and_sum);
  return 0;
}
