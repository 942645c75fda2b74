/* The disassembly of the programs, as rows of the plan. */
#include "model/checkpoint.h"
#include "pickle/disasm.h"

static struct span name_text(struct arena *a, struct span module, struct span name) {
  return arena_printf(a, "%.*s %.*s", (int)min_size(module.n, INSN_TEXT_MAX), (const char *)module.p,
                      (int)min_size(name.n, INSN_TEXT_MAX), (const char *)name.p);
}

/* What the argument is, and the argument. */
static void put_argument(struct checkpoint *cp, struct plan_writer *w, struct plan_insn *row,
                         const struct arg *arg) {
  switch (arg->op->arg) {
  case ARG_NONE: return;
  case ARG_U1:
  case ARG_U2:
  case ARG_U4:
  case ARG_I4:
  case ARG_U8:
    row->flags |= INSN_NUMBER;
    row->number = arg->number;
    return;
  case ARG_F8:
    row->flags |= INSN_REAL;
    row->real = arg->real;
    return;
  case ARG_L1:
  case ARG_L4:
  case ARG_L8:
  case ARG_L4S:
  case ARG_LINE:
    row->flags |= INSN_TEXT;
    row->number = (int64_t)arg->text.n;
    row->text = plan_put(w, arg->text, INSN_TEXT_MAX);
    return;
  case ARG_LINES:
    row->flags |= INSN_NAME;
    row->text = plan_put(w, name_text(cp->arena, arg->text, arg->text2), INSN_TEXT_MAX);
    return;
  }
}

/* Bytes that the machine's hooks took from the stream. */
static void put_raw(struct plan_writer *w, const struct program *p, struct disasm *d,
                    const struct raw_run *run) {
  struct plan_insn *row = plan_row(w, PLAN_insns, sizeof *row);
  if (!row || !reader_skip(&d->in, run->n)) return;
  *row = (struct plan_insn){.at = run->at,
                            .member = p->machine.member,
                            .depth = (uint16_t)min_u64(d->marks.n, UINT16_MAX),
                            .flags = INSN_RAW,
                            .number = (int64_t)run->n};
}

static void put_program(struct checkpoint *cp, struct plan_writer *w, const struct program *p) {
  struct disasm d;
  struct instruction insn;
  uint32_t raw = 0;
  disasm_init(&d, cp->arena, cp->max, p->bytes);
  memcpy(d.hash_seed, cp->hash_seed, sizeof d.hash_seed);
  while (disasm_next(&d, &insn)) {
    struct plan_insn *row = plan_row(w, PLAN_insns, sizeof *row);
    if (!row) return;
    uint32_t flags = (insn.has_memo ? INSN_MEMO : 0u) | (insn.has_mark ? INSN_MARK : 0u) |
                     (insn.underflow ? INSN_UNDERFLOW : 0u);
    *row = (struct plan_insn){.at = insn.arg.at,
                              .member = p->machine.member,
                              .opcode = p->bytes.p[insn.arg.at],
                              .depth = (uint16_t)min_u64(insn.depth, UINT16_MAX),
                              .flags = flags,
                              .memo = insn.memo_index,
                              .mark_at = insn.mark_at};
    put_argument(cp, w, row, &insn.arg);
    if (raw < p->machine.raw.n && p->machine.raw.p[raw].at == insn.end)
      put_raw(w, p, &d, &p->machine.raw.p[raw++]);
  }
  struct plan_insn *last = d.end == DISASM_STOP ? NULL : plan_row(w, PLAN_insns, sizeof *last);
  if (last)
    *last = (struct plan_insn){
        .at = (uint32_t)d.in.at, .member = p->machine.member, .flags = INSN_BAD_END, .number = d.end};
}

void plan_emit_insns(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; i < cp->programs.n; i++) put_program(cp, w, cp->programs.p[i]);
}
