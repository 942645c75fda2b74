/* PyTorch's random numbers on the CPU: the 32-bit Mersenne Twister MT19937, and what torch.rand and
 * torch.randint make of its words. Bit-equal to `torch.manual_seed(seed); torch.rand(shape)` and
 * `torch.randint(bound, shape)`; a recorded output can thus name its input by a seed. torch.randn is not
 * offered: its bits depend on the vector unit. */
#ifndef CKPTLINT_FORWARD_RAND_H
#define CKPTLINT_FORWARD_RAND_H

#include "base/ints.h"

enum { MT_WORDS = 624 };
struct rng {
  uint32_t word[MT_WORDS];
  uint32_t next; /* index of the next word to hand out */
};

void rng_seed(struct rng *r, uint64_t seed); /* torch uses the low 32 bits */
uint32_t rng_u32(struct rng *r);
float rng_rand(struct rng *r);                      /* in [0, 1), 24 bits */
int64_t rng_randint(struct rng *r, uint64_t bound); /* in [0, bound), bound from 1 to 2^63 */

#endif
