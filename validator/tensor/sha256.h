/* SHA-256 as OpenSSL computes it (with the processor's own instructions). The library is loaded at run time,
 * before the sandbox closes, and only where digests are asked for: start-up stays free of it. */
#ifndef CKPTLINT_TENSOR_SHA256_H
#define CKPTLINT_TENSOR_SHA256_H

#include "base/span.h"

/* Loads libcrypto and digests once, so that nothing is left to be opened or initialised under the seal. False
 * when the library is missing. To be called before any other thread and any other call of this header. */
NODISCARD bool sha256_load(void);
/* One digest of a run of bytes. False when sha256_load was not called or failed. */
NODISCARD bool sha256(struct span in, uint8_t out[32]);

enum { SHA256_HEX = 64 };
/* As lower-case hexadecimal digits; answers `out`. */
const char *sha256_hex(const uint8_t digest[32], char out[SHA256_HEX + 1]);

/* A digest in pieces. Every sha256_begin that answers true is followed by one sha256_end. */
struct sha256_run {
  void *context; /* NULL: something failed, sha256_end says so */
};
NODISCARD bool sha256_begin(struct sha256_run *run);
void sha256_add(struct sha256_run *run, struct span in);
NODISCARD bool sha256_end(struct sha256_run *run, uint8_t out[32]);

#endif
