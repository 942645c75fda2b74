/* The cases: text files in corpus/gen/cases/, read in the order of their names.
 *
 *     case NAME ID KIND          NAME is the file's; ID the row of threats.tsv, or - ; KIND zip, legacy,
 *                                tar, pickle, raw
 *     …directives…               up to the next `case` or `macro`; cases.c has the table of them, mktar.h
 * those of a tar pickle [PART] … end        a program (pkasm.h); PART is of a legacy stream: magic, protocol,
 * info, keys; or the name of a tar's member macro NAME … end           for all cases that follow */
#ifndef CKPTLINT_CORPUS_GEN_CASES_H
#define CKPTLINT_CORPUS_GEN_CASES_H

#include "base/arena.h"
#include "corpus/gen/pkasm.h"

struct corpus_case {
  struct span name, id, kind;
  struct lines body;
};

enum { CASES = 1000, CASE_FILES = 32 };
struct corpus {
  struct arena arena; /* of the files' texts */
  struct macros macros;
  struct corpus_case list[CASES];
  size_t n;
};

/* Reads every file of the folder that ends in .cases; gives up on the first fault. */
void corpus_read(struct corpus *c, const char *folder);
void corpus_free(struct corpus *c);
/* The bytes of one case; and of its pickle program alone, which may be empty. */
void corpus_make(const struct corpus *c, const struct corpus_case *one, struct bytes *out);
void corpus_make_program(const struct corpus *c, const struct corpus_case *one, struct bytes *out);

#endif
