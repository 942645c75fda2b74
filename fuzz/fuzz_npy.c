/* The header of .npy, which is a Python literal: what it says is in range, and the strict reader takes
 * nothing that the wide one does not. */
#include "base/npy.h"
#include "fuzz/fuzz.h"

__extension__ typedef unsigned __int128 wide;

static void check_place(const struct npy_place *p, struct span file) {
  wide numel = 1;
  bool empty = false;
  FUZZ_CHECK(p->array.ndim <= NPY_MAX_DIMS && p->data_at <= file.n && p->data_at <= NPY_HEAD_MAX);
  if (p->array.kind == 'O') { /* a pickle follows, of any length */
    FUZZ_CHECK(p->data_bytes == 0);
    return;
  }
  for (uint32_t i = 0; i < p->array.ndim; i++) {
    empty = empty || p->array.shape[i] == 0;
    if (p->array.shape[i]) numel *= p->array.shape[i];
    FUZZ_CHECK(numel <= UINT64_MAX);
  }
  if (empty) numel = 0;
  FUZZ_CHECK(p->array.numel == numel && p->data_bytes == numel * p->item_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct npy_place place;
  struct npy array;
  struct npy_error err = {0};
  bool placed = npy_place(&place, span_first(in.bytes, NPY_HEAD_MAX), &err);
  FUZZ_CHECK(placed || (err.what && err.at <= in.bytes.n));
  if (placed) check_place(&place, in.bytes);
  if (npy_read(&array, in.bytes, &err)) {
    FUZZ_CHECK(placed && array.numel == place.array.numel && array.ndim == place.array.ndim);
    FUZZ_CHECK(array.data.n == place.data_bytes && array.data.n == array.numel * array.size);
    FUZZ_CHECK((size_t)(array.data.p - in.bytes.p) == place.data_at);
  }
  fuzz_close(&in);
  return 0;
}
