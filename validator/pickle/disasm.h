/* Disassembly: a program's instructions one at a time, for somebody else to print. It decodes, and simulates
 * just enough (how many values, which marks, which memo indices) to say what belongs together; it builds no
 * values, so it is no judge. Works on any bytes, in linear time. */
#ifndef CKPTLINT_PICKLE_DISASM_H
#define CKPTLINT_PICKLE_DISASM_H

#include "base/limits.h"
#include "pickle/opcode.h"

enum disasm_end {
  DISASM_GOES_ON,
  DISASM_STOP,      /* STOP was the last instruction; d->in is what follows it */
  DISASM_TRUNCATED, /* the program ends before an opcode or inside an argument */
  DISASM_NOT_AN_OPCODE,
  DISASM_BAD_LENGTH, /* a length that is negative or reaches beyond the end */
  DISASM_LIMIT,      /* more marks or memo entries than limits allow, or no memory */
};

struct instruction {
  struct arg arg;   /* .op the row, .at the offset, .number .real .text .text2 the argument (by op->arg) */
  uint64_t end;     /* offset behind the argument */
  uint32_t depth;   /* open marks before it: what pickletools indents by */
  bool has_mark;    /* it takes a mark (POP too, when nothing lies above one): */
  uint32_t mark_at; /* its offset */
  bool has_memo;    /* it stores or reads a memo entry (MEMOIZE and the text forms included): */
  uint32_t memo_index;
  bool underflow; /* it needs more values or marks than there are: the loader would stop here */
};

struct disasm_mark;
struct memo;
struct disasm {
  struct arena *arena;
  const struct limits *max;
  struct reader in; /* in.at: the next offset, or the offset of the malformed opcode once it has ended */
  enum disasm_end end;
  uint32_t height;               /* private: values on the stack */
  VEC(struct disasm_mark) marks; /* private */
  struct memo *memo;             /* private: which indices are in use */
  uint64_t hash_seed[2];         /* who has random bytes sets it before the first instruction */
};

/* The program must outlive the disassembly; texts are spans of it. Offsets count from its first byte. */
void disasm_init(struct disasm *d, struct arena *a, const struct limits *max, struct span program);
/* The next instruction; false after the last one, and d->end says how it ended. */
bool disasm_next(struct disasm *d, struct instruction *out);

#endif
