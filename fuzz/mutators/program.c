#include "fuzz/mutators/pickle.h"

const struct opcode_row opcode_rows[256] = {
#define OP(byte, name, protocol, argument, takes, below, gives, weights_only, handler) \
  [byte] = {true, argument, takes, below, gives},
#include "base/opcodes.def"
#undef OP
};

static uint64_t number_at(const uint8_t *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = n; i > 0; i--) v = v << 8 | p[i - 1];
  return v;
}

static size_t counted(struct span rest, size_t width) {
  uint64_t n = rest.n >= 1 + width ? number_at(rest.p + 1, width) : 0;
  return n > rest.n ? rest.n : 1 + width + (size_t)n;
}

static size_t lines(struct span rest, int how_many) {
  size_t n = 1;
  for (; how_many > 0 && n < rest.n; n++) how_many -= rest.p[n] == '\n';
  return n;
}

size_t instruction_size(struct span rest) {
  static const uint8_t fixed[] = {
      [ARG_U1] = 1, [ARG_U2] = 2, [ARG_U4] = 4, [ARG_I4] = 4, [ARG_U8] = 8, [ARG_F8] = 8};
  size_t n;
  switch (opcode_rows[rest.p[0]].form) {
  case ARG_L1: n = counted(rest, 1); break;
  case ARG_L4:
  case ARG_L4S: n = counted(rest, 4); break;
  case ARG_L8: n = counted(rest, 8); break;
  case ARG_LINE: n = lines(rest, 1); break;
  case ARG_LINES: n = lines(rest, 2); break;
  default: n = 1 + (size_t)fixed[opcode_rows[rest.p[0]].form]; break;
  }
  return min_size(n, rest.n);
}

void program_read(struct program *p, struct span bytes) {
  size_t at = 0;
  p->n = 0;
  for (; at < bytes.n && p->n < PROGRAM_MAX; at += instruction_size(span_from(bytes, at)))
    p->at[p->n++] = (uint32_t)at;
  p->at[p->n] = (uint32_t)at;
}

void depth_after(struct depth *d, struct span instruction) {
  enum { MARK = '(' };
  uint8_t byte = instruction.p[0];
  const struct opcode_row *row = &opcode_rows[byte];
  uint32_t *top = &d->values[d->marks];
  if (byte == MARK) {
    if (d->marks + 1 < ARRAY_LEN(d->values)) d->values[++d->marks] = 0;
    return;
  }
  if (byte == 'p' || byte == 'q' || byte == 'r' || byte == 0x94) d->puts++;
  if (row->takes == TO_MARK && d->marks)
    top = &d->values[--d->marks];
  else if (row->takes > 0)
    *top -= *top < (uint32_t)row->takes ? *top : (uint32_t)row->takes;
  *top += (uint32_t)row->gives;
}
