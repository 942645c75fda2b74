#include "pickle/disasm.h"

#include "pickle/arg.h"
#include "pickle/op.h"

struct disasm_mark {
  uint32_t at, height;
};

void disasm_init(struct disasm *d, struct arena *a, const struct limits *max, struct span program) {
  *d =
      (struct disasm){.arena = a, .max = max, .in = reader_of(program, 0), .memo = arena_new(a, struct memo)};
  if (!d->memo || program.n > UINT32_MAX) d->end = DISASM_LIMIT;
}

/* ---- stack and marks: how many, not what ---- */

static uint32_t fence(const struct disasm *d) { return d->marks.n ? d->marks.p[d->marks.n - 1].height : 0; }

static void take_mark(struct disasm *d, struct instruction *i) {
  if (d->marks.n == 0) {
    i->underflow = true;
    return;
  }
  const struct disasm_mark *mark = &d->marks.p[--d->marks.n];
  i->has_mark = true;
  i->mark_at = mark->at;
  d->height = mark->height;
}

static void take_values(struct disasm *d, struct instruction *i, uint32_t n) {
  uint32_t there = d->height - fence(d);
  if (n > there) i->underflow = true;
  d->height -= n > there ? there : n;
}

static bool add_mark(struct disasm *d, uint32_t at) {
  struct disasm_mark *mark = vec_push(d->arena, &d->marks, d->max->pickle_marks);
  if (mark) *mark = (struct disasm_mark){at, d->height};
  return mark != NULL;
}

static bool simulate_stack(struct disasm *d, struct instruction *i) {
  const struct op *op = i->arg.op;
  bool is_pop = op->run == op_pop;
  i->depth = d->marks.n;
  if (op->takes == TO_MARK || (is_pop && d->marks.n && fence(d) == d->height))
    take_mark(d, i);
  else
    take_values(d, i, is_pop ? 1 : op->takes);
  if (d->height - fence(d) < op->below) i->underflow = true;
  d->height += op->gives; /* at most one an opcode, and offsets are 32 bits wide */
  return op->run != op_mark || add_mark(d, i->arg.at);
}

/* ---- the memo: which indices are in use, so that MEMOIZE can be numbered ---- */

static bool memo_operand(const struct disasm *d, struct instruction *i) {
  op_fn *run = i->arg.op->run;
  int64_t index = i->arg.number;
  bool odd;
  if (run == op_memoize)
    index = d->memo->n;
  else if (run == op_put_text || run == op_get_text) {
    if (!memo_index_text(i->arg.text, &index, &odd)) return false;
  } else if (run != op_put && run != op_get)
    return false;
  return try_cast(index, &i->memo_index);
}

static bool simulate_memo(struct disasm *d, struct instruction *i) {
  i->has_memo = memo_operand(d, i);
  op_fn *run = i->arg.op->run;
  if (!i->has_memo || run == op_get || run == op_get_text) return true;
  return d->memo->n < d->max->pickle_memo &&
         memo_put(d->memo, d->arena, d->hash_seed, i->memo_index, ID_NONE);
}

/* ---- one instruction ---- */

static bool end_with(struct disasm *d, enum disasm_end end, struct reader opcode) {
  d->in = opcode;
  d->end = end;
  return false;
}

static enum disasm_end end_for(enum arg_error e) {
  switch (e) {
  case ARG_FINE: return DISASM_GOES_ON;
  case ARG_TRUNCATED:
  case ARG_NO_NEWLINE: return DISASM_TRUNCATED;
  case ARG_OVERRUN:
  case ARG_NEGATIVE_LENGTH: return DISASM_BAD_LENGTH;
  }
  return DISASM_GOES_ON;
}

bool disasm_next(struct disasm *d, struct instruction *out) {
  struct reader opcode = d->in;
  uint8_t byte;
  *out = (struct instruction){.arg = {.at = (uint32_t)opcode.at}};
  if (d->end != DISASM_GOES_ON) return false;
  if (!reader_u8(&d->in, &byte)) return end_with(d, DISASM_TRUNCATED, opcode);
  out->arg.op = &opcode_table[byte];
  if (!out->arg.op->run) return end_with(d, DISASM_NOT_AN_OPCODE, opcode);
  enum arg_error e = arg_read(&d->in, out->arg.op->arg, &out->arg);
  if (e != ARG_FINE) return end_with(d, end_for(e), opcode);
  out->end = d->in.at;
  if (!simulate_stack(d, out) || !simulate_memo(d, out)) return end_with(d, DISASM_LIMIT, opcode);
  if (out->arg.op->run == op_stop) d->end = DISASM_STOP;
  return true;
}
