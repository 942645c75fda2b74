#include "forward/rand.h"

enum { MT_SHIFT = 397 };

void rng_seed(struct rng *r, uint64_t seed) {
  r->word[0] = (uint32_t)(seed & UINT32_MAX);
  for (uint32_t i = 1; i < MT_WORDS; i++) {
    uint64_t x = r->word[i - 1] ^ (r->word[i - 1] >> 30);
    r->word[i] = (uint32_t)((UINT64_C(1812433253) * x + i) & UINT32_MAX);
  }
  r->next = MT_WORDS;
}

/* Matsumoto and Nishimura's recurrence: the top bit of one word, the rest of the next, and a word MT_SHIFT
 * ahead. */
static void refill(struct rng *r) {
  for (uint32_t i = 0; i < MT_WORDS; i++) {
    uint32_t y = (r->word[i] & 0x80000000U) | (r->word[(i + 1) % MT_WORDS] & 0x7fffffffU);
    r->word[i] = r->word[(i + MT_SHIFT) % MT_WORDS] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfU : 0);
  }
  r->next = 0;
}

uint32_t rng_u32(struct rng *r) {
  if (r->next == MT_WORDS) refill(r);
  uint64_t y = r->word[r->next++]; /* 64 bits wide, so that the shifts lose nothing before the masks cut */
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  y ^= y >> 18;
  return (uint32_t)y;
}

float rng_rand(struct rng *r) { return (float)(rng_u32(r) & 0xffffffU) / 16777216.0F; }

/* ATen takes two words, the high one first, when one is too narrow for the range. */
int64_t rng_randint(struct rng *r, uint64_t bound) {
  uint64_t x = rng_u32(r);
  if (bound > UINT32_MAX) x = x << 32 | rng_u32(r);
  return (int64_t)(x % bound);
}
