/* What the rows of opcodes.def are written in: the machine runs them, the detection of formats only reads
 * past them. */
#ifndef CKPTLINT_BASE_OPCODE_ARGS_H
#define CKPTLINT_BASE_OPCODE_ARGS_H

enum arg_kind {
  ARG_NONE,
  ARG_U1, /* U1, U2, U4: number, unsigned, little-endian */
  ARG_U2,
  ARG_U4,
  ARG_I4, /* number: signed, little-endian */
  ARG_U8, /* number: unsigned; FRAME only */
  ARG_F8, /* real: IEEE-754, big-endian */
  ARG_L1, /* L1, L4, L8: text, after its length (unsigned) in so many bytes */
  ARG_L4,
  ARG_L8,
  ARG_L4S,   /* the same after a signed length */
  ARG_LINE,  /* text: up to '\n', which is left out; '\r' is part of it */
  ARG_LINES, /* text and text2: two lines */
};

enum { TO_MARK = 0xff }; /* in `takes` */

#endif
