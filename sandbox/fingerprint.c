/* SHA-256 (FIPS 180-4) of the two filters. Every report names the policy in force, and to load libcrypto for
 * these two kilobytes would cost each run more than its scan (ADR 10). */
#include <endian.h>
#include <stdio.h>

#include "sandbox/policy.h"

enum { BLOCK = 64, WORDS = 8, ROUNDS = 64, LENGTH_AT = BLOCK - 8 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* Of the square roots of the first eight. */
static const uint32_t start[WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* Arithmetic modulo 2^32 is meant; these two spell it so that a sanitizer sees no accident. */
static uint32_t add(uint32_t a, uint32_t b) {
  uint32_t sum;
  (void)__builtin_add_overflow(a, b, &sum);
  return sum;
}
static uint32_t rotate(uint32_t x, unsigned by) {
  return x >> by | (x & UINT32_MAX >> (32 - by)) << (32 - by);
}

static void spread(uint32_t w[ROUNDS], const uint8_t block[BLOCK]) {
  for (size_t i = 0; i < 16; i++) {
    memcpy(&w[i], block + 4 * i, 4);
    w[i] = be32toh(w[i]);
  }
  for (size_t i = 16; i < ROUNDS; i++) {
    uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = add(add(w[i - 16], a), add(w[i - 7], b));
  }
}

static void compress(uint32_t h[WORDS], const uint8_t block[BLOCK]) {
  uint32_t w[ROUNDS], v[WORDS];
  spread(w, block);
  memcpy(v, h, sizeof v);
  for (size_t i = 0; i < ROUNDS; i++) {
    uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t high = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    uint32_t low = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    uint32_t one = add(add(add(v[7], high), add(choice, constants[i])), w[i]);
    memmove(v + 1, v, (WORDS - 1) * sizeof *v);
    v[4] = add(v[4], one);
    v[0] = add(one, add(low, most));
  }
  for (size_t i = 0; i < WORDS; i++) h[i] = add(h[i], v[i]);
}

/* A message that comes in pieces. */
struct message {
  uint32_t h[WORDS];
  uint8_t block[BLOCK];
  size_t filled;
  uint64_t bits;
};

static void put(struct message *m, uint8_t byte) {
  m->block[m->filled++] = byte;
  if (m->filled < BLOCK) return;
  compress(m->h, m->block);
  m->filled = 0;
}

static void put_all(struct message *m, struct span bytes) {
  for (size_t i = 0; i < bytes.n; i++) put(m, bytes.p[i]);
  m->bits += (uint64_t)bytes.n * 8;
}

static void finish(struct message *m, char out[FINGERPRINT_ROOM]) {
  uint64_t bits = htobe64(m->bits);
  uint8_t length[sizeof bits];
  memcpy(length, &bits, sizeof length);
  put(m, 0x80);
  while (m->filled != LENGTH_AT) put(m, 0);
  for (size_t i = 0; i < sizeof length; i++) put(m, length[i]);
  for (size_t i = 0; i < WORDS; i++) (void)snprintf(out + 8 * i, 9, "%08x", m->h[i]);
}

void policy_fingerprint(const struct policy *p, char out[FINGERPRINT_ROOM]) {
  struct message m = {.filled = 0};
  memcpy(m.h, start, sizeof m.h);
  put_all(&m, span_of(p->shape.code, p->shape.n * sizeof *p->shape.code));
  put_all(&m, span_of(p->gate.code, p->gate.n * sizeof *p->gate.code));
  finish(&m, out);
}
