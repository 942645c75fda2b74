/* The proof of a view against the same question asked of 128-bit integers, and the pass over its numbers on a
 * storage of exactly the bytes that it has. The input is dtype, ranks, offset, sizes, strides, then the
 * storage. */
#include "base/reader.h"
#include "fuzz/fuzz.h"
#include "tensor/stats.h"

__extension__ typedef __int128 wide;

/* A number of the shape that matters: small, or near a power of two, or anything. */
static int64_t read_number(struct reader *r) {
  uint8_t form = 0, small = 0;
  uint64_t any = 0;
  (void)!reader_u8(r, &form);
  if (form < 0xc0) return form & 0x3f;
  if (form < 0xf0)
    return reader_u8(r, &small) ? (int64_t)((UINT64_C(1) << (small & 63)) - (small >> 6 & 1)) : 0;
  return reader_u64le(r, &any) ? (int64_t)any : -1;
}

/* Is the last element inside, by arithmetic that can't overflow? */
static bool reference(const struct view_claim *c) {
  wide last = c->offset, numel = 1;
  bool empty = false;
  if (c->num_sizes != c->num_strides || c->num_sizes > MAX_DIMS || c->offset < 0) return false;
  for (uint32_t i = 0; i < c->num_sizes; i++) {
    if (c->sizes[i] < 0 || c->strides[i] < 0) return false;
    empty = empty || c->sizes[i] == 0;
    if (c->sizes[i]) numel *= c->sizes[i];
    if (numel > INT64_MAX) return false;
    if (c->sizes[i]) last += (wide)(c->sizes[i] - 1) * c->strides[i];
    if (last > (wide)1 << 100) last = (wide)1 << 100; /* far outside already */
  }
  wide elements = (wide)dtype_elements_in(c->dtype, c->storage_bytes);
  return empty ? c->offset <= elements : last < elements;
}

static void check_stats(const struct view *v, struct span storage, const struct fuzz_input *in) {
  struct tensor_stats s;
  uint64_t most = in->limits.stats_elements;
  tensor_stats(&s, v, storage, in->knobs & KNOB_OTHER, false, most);
  if (!s.done) return;
  FUZZ_CHECK(s.nan_count + s.inf_count + s.finite == s.count && s.zero_count <= s.count);
  FUZZ_CHECK(s.finite == 0 || (s.min <= s.max && s.absmax >= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct reader r = reader_of(in.bytes, 0);
  int64_t numbers[2][MAX_DIMS + 2] = {{0}};
  uint8_t dtype = 0, ranks = 0;
  (void)!reader_u8(&r, &dtype);
  (void)!reader_u8(&r, &ranks);
  struct view_claim claim = {
      .dtype = (enum dtype)(dtype % DTYPE_COUNT), .sizes = numbers[0], .strides = numbers[1]};
  claim.num_sizes = ranks == 0xff ? MAX_DIMS + 1 : ranks & 7;
  claim.num_strides = ranks == 0xff ? MAX_DIMS + 1 : claim.num_sizes + (ranks >> 6 == 2);
  claim.offset = read_number(&r);
  for (uint32_t i = 0; i < claim.num_sizes; i++) numbers[0][i] = read_number(&r);
  for (uint32_t i = 0; i < claim.num_strides; i++) numbers[1][i] = read_number(&r);
  claim.storage_bytes = r.left.n;
  struct arena arena;
  struct observations obs;
  struct view v;
  arena_init(&arena, 1 << 20);
  observations_init(&obs, &arena, 4);
  bool proved = view_prove(&v, &claim, &obs);
  bool judged = claim.dtype != DTYPE_NONE &&
                !obs.seen[OBS_VIEW_EXPANDED_HUGE]; /* refused for its size, not its place */
  if (judged) FUZZ_CHECK(proved == reference(&claim));
  FUZZ_CHECK(proved || obs.n == 1);
  if (proved) {
    FUZZ_CHECK(view_storage_bytes(&v) <= claim.storage_bytes);
    check_stats(&v, r.left, &in); /* it ends where the heap block ends */
  }
  arena_free(&arena);
  fuzz_close(&in);
  return 0;
}
