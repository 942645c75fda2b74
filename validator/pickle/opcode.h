/* The opcode table and how arguments are read: what the machine and the disassembler share. */
#ifndef CKPTLINT_PICKLE_OPCODE_H
#define CKPTLINT_PICKLE_OPCODE_H

#include "base/opcode_args.h"
#include "base/reader.h"
#include "base/torch_version.h"
#include "pickle/value.h"

struct machine;
struct arg;
typedef bool op_fn(struct machine *m, const struct arg *arg);

/* A row of opcodes.def, which says what the columns mean. */
struct op {
  const char *name;
  op_fn *run; /* NULL: the byte is no opcode */
  enum arg_kind arg;
  uint8_t proto, takes, below, gives;
  torch_version weights_only;
};
extern const struct op opcode_table[256];

struct arg {
  const struct op *op;
  uint32_t at;    /* offset of the opcode */
  int64_t number; /* which of these four are set: as the row's arg_kind says */
  double real;
  struct span text, text2;
  /* For the machine's handlers: what the opcode takes, lowest first. It is the stack's own memory just above
   * its top, so it is read before the first push. */
  const val_id *items;
  uint32_t n;
};

#endif
