#include "tensor/sha256.h"

#include <stdio.h>

#include "base/library.h"
#include "base/memory.h"

/* The part of OpenSSL 3's EVP that is used, declared here so that the build needs no headers of it. */
struct evp {
  void *(*fetch)(void *library_context, const char *algorithm, const char *properties);
  void *(*new)(void);
  void (*free)(void *context);
  int (*init)(void *context, const void *digest, void *engine);
  int (*update)(void *context, const void *bytes, size_t n);
  int (*final)(void *context, unsigned char *out, unsigned *n);
};
enum { EVP_FUNCTIONS = sizeof(struct evp) / sizeof(void *) };
static const char *const evp_names[EVP_FUNCTIONS] = {"EVP_MD_fetch",     "EVP_MD_CTX_new",
                                                     "EVP_MD_CTX_free",  "EVP_DigestInit_ex",
                                                     "EVP_DigestUpdate", "EVP_DigestFinal_ex"};

/* A loaded library is a fact of the process: set once by sha256_load, read only afterwards. */
static struct evp evp;
static void *algorithm;

bool sha256_load(void) {
  if (algorithm) return true;
  if (!library_load("libcrypto.so.3", evp_names, EVP_FUNCTIONS, &evp)) return false;
  algorithm = evp.fetch(NULL, "SHA256", NULL);
  if (!algorithm) memory_note_failure();
  uint8_t ignored[32];
  return algorithm && sha256(SPAN("warm up"), ignored);
}

/* For want of memory: once loaded, it fails for nothing else. */
static void give_up(struct sha256_run *run) {
  memory_note_failure();
  evp.free(run->context);
  run->context = NULL;
}

bool sha256_begin(struct sha256_run *run) {
  run->context = algorithm ? evp.new() : NULL;
  if (algorithm && (!run->context || evp.init(run->context, algorithm, NULL) != 1)) give_up(run);
  return run->context != NULL;
}

void sha256_add(struct sha256_run *run, struct span in) {
  if (run->context && evp.update(run->context, in.p, in.n) != 1) give_up(run);
}

bool sha256_end(struct sha256_run *run, uint8_t out[32]) {
  if (!run->context) return false;
  bool ok = evp.final(run->context, out, NULL) == 1;
  if (!ok) memory_note_failure();
  evp.free(run->context);
  return ok;
}

bool sha256(struct span in, uint8_t out[32]) {
  struct sha256_run run;
  if (!sha256_begin(&run)) return false;
  sha256_add(&run, in);
  return sha256_end(&run, out);
}

const char *sha256_hex(const uint8_t digest[32], char out[SHA256_HEX + 1]) {
  for (size_t i = 0; i < SHA256_HEX / 2; i++) (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
  return out;
}
