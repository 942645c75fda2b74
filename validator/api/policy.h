/* The policy in force: what the built-in lists, --profile, --torch-version, --allow and a policy file say
 * together (doc/policy.md). The file is parsed by a sealed worker (worker_policy.c); here what it says is
 * proved again. */
#ifndef CKPTLINT_API_POLICY_H
#define CKPTLINT_API_POLICY_H

#include "api/input.h"
#include "report/out.h"
#include "rules/globals.h"
#include "sandbox/spawn.h"
#include "tensor/sha256.h"

/* An entry of the policy file: names that hold for one file alone, the one with this digest. */
struct policy_entry {
  struct span sha256; /* in hex */
  uint64_t size;
  struct globals globals;
};

struct policy {
  struct globals globals; /* names for every file; of entries the outer ones */
  torch_version torch;
  bool weights_profile;
  struct input file;                /* --policy, or ckptlint.json; fd -1 if there is none */
  bool unread;                      /* its reader did not come to its end: nothing is known of it */
  bool ignored;                     /* a ckptlint.json was found that lies beside what is judged: not read */
  VEC(struct policy_entry) entries; /* by digest */
  char sha256[SHA256_HEX + 1];      /* of the policy in force; empty: libcrypto is missing */
};

/* Reads p->file, in a worker, into p->globals and p->entries, which must be empty; under the weights profile
 * as names that are not reviewed. NULL, or what is wrong, for exit 4, or 70 when it could not be read; the
 * text is in the arena. */
NODISCARD const char *policy_read(struct policy *p, struct arena *a, const struct sandbox *sandbox,
                                  const struct limits *max);
/* Does anybody but the built-in lists allow names? */
bool policy_has_names(const struct policy *p);
/* Fills in the digest of what is in force: that of the built-in lists, or where something else was asked for
 * that of every choice that decides about names. */
void policy_digest(struct policy *p, struct arena *a, const struct sandbox *sandbox,
                   const struct limits *max);

/* The names for a file of these bytes: of the entry with its digest, which is computed only where an entry
 * has its size, or those for every file. */
const struct globals *policy_names(const struct policy *p, struct span bytes, const struct sandbox *sandbox,
                                   const struct limits *max);
/* In hex, made by a worker (digest.c). False: libcrypto is missing, the file was cut meanwhile, its disk does
 * not answer, or a signal came. */
NODISCARD bool digest_bytes(struct span bytes, const struct sandbox *sandbox, const struct limits *max,
                            char hex[SHA256_HEX + 1]);

#endif
