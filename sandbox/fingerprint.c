/* SHA-256 of the two filters by libmd, which is small enough to be there in every run (ADR 10). */
#include <assert.h>
#include <sha2.h>

#include "sandbox/policy.h"

static_assert((int)FINGERPRINT_ROOM == (int)SHA256_DIGEST_STRING_LENGTH, "hex digits and a NUL");

static void put(SHA2_CTX *hash, const struct filter *f) {
  if (f->n) SHA256Update(hash, (const uint8_t *)f->code, f->n * sizeof *f->code);
}

void policy_fingerprint(const struct policy *p, char out[FINGERPRINT_ROOM]) {
  SHA2_CTX hash;
  SHA256Init(&hash);
  put(&hash, &p->shape);
  put(&hash, &p->gate);
  (void)SHA256End(&hash, out);
}
