/* Instructions of a pickle program, as a mutator sees them: anything that is none is one byte. */
#ifndef CKPTLINT_FUZZ_MUTATORS_PICKLE_H
#define CKPTLINT_FUZZ_MUTATORS_PICKLE_H

#include "fuzz/mutators/mutator.h"

enum form {
  ARG_NONE,
  ARG_U1,
  ARG_U2,
  ARG_U4,
  ARG_I4,
  ARG_U8,
  ARG_F8,
  ARG_L1,
  ARG_L4,
  ARG_L8,
  ARG_L4S,
  ARG_LINE,
  ARG_LINES
};
enum { TO_MARK = -1 };

struct opcode_row {
  bool known;
  enum form form;
  int takes, below, gives;
};
extern const struct opcode_row opcode_rows[256];

enum { PROGRAM_MAX = 4096 };
struct program {
  uint32_t at[PROGRAM_MAX + 1]; /* where each begins; the last: their end */
  uint32_t n;
};
void program_read(struct program *p, struct span bytes);
/* Bytes of the instruction that begins there, at most all that are left. */
size_t instruction_size(struct span rest);

/* What is known of the stack before an instruction. */
struct depth {
  uint32_t values[64]; /* above each mark */
  uint32_t marks, puts;
};
void depth_after(struct depth *d, struct span instruction);

#endif
