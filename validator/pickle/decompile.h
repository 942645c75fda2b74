/* Decompilation: what a loader does with a pickle, as lines of Python in the order in which it does it. The
 * machine runs the program once more, an opcode at a time, and each that imports, calls or changes something
 * that has a name becomes a line. Works on any program, up to the place where it breaks.
 *
 * What a call makes gets a variable, and so does a container that the program reaches in two ways (GET, DUP);
 * everything else stands where it is used. So sharing, cycles and the order of effects come out as they are.
 * Names are those of Python, or of pickle.Unpickler: find_class, persistent_load, get_extension. BUILD is
 * written as __setstate__, for which a loader sets attributes where the class has none. */
#ifndef CKPTLINT_PICKLE_DECOMPILE_H
#define CKPTLINT_PICKLE_DECOMPILE_H

#include "pickle/machine.h"

enum statement_kind {
  STATEMENT_PLAIN,
  STATEMENT_IMPORT, /* comment: "module.name" as the loader looks it up */
  STATEMENT_BARE,   /* an instance of protocol 0: its class's __init__ does not run */
  STATEMENT_RESULT, /* STOP */
  STATEMENT_END,    /* no code: here a loader fails, or a limit of ours was hit; reason says which */
  STATEMENT_RAW, /* no code: count bytes at `at` are no opcodes; a hook of the machine that ran took them */
  STATEMENT_CUT, /* no code: count statements more, which the budget had no room for */
  STATEMENT_KINDS
};

struct statement {
  enum statement_kind kind;
  uint32_t at; /* offset of the opcode */
  struct span code, comment;
  enum obs_kind reason;
  uint64_t count;
};

struct decompile {
  struct arena *arena; /* for the second run: as much as the first took */
  const struct limits *max;
  struct span program;
  const struct machine *ran; /* the machine that has run this program, or NULL (budget spent) */
  uint64_t bytes;            /* of code and comments, at most */
  void (*line)(void *ctx, const struct statement *s); /* texts are valid until it returns */
  void *ctx;
};
void decompile(const struct decompile *job);

#endif
