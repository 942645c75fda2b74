/* Bytes that are a pickle themselves. Nothing of them runs while the file is loaded, but whoever unpickles
 * the value runs them, and they were not judged. */
#include "pickle/disasm.h"
#include "rules/facts.h"

/* Opcode by opcode from PROTO to a STOP that is the last byte: random bytes are none. */
static bool is_pickle(struct arena *a, const struct limits *max, struct span s) {
  enum { LEAST = 4, NEWEST = 5 }; /* PROTO, its number, a value, STOP */
  if (s.n < LEAST || s.p[0] != 0x80 || s.p[1] > NEWEST || s.p[s.n - 1] != '.') return false;
  struct disasm d;
  struct instruction insn;
  disasm_init(&d, a, max, s);
  while (disasm_next(&d, &insn))
    if (insn.underflow) return false;
  return d.end == DISASM_STOP && d.in.left.n == 0;
}

static void check_program(const struct checkpoint *cp, const struct machine *m, struct observations *o) {
  for (uint32_t i = 0; i < m->values.n; i++) {
    const struct value *v = &m->values.p[i];
    bool bytes = v->kind == VAL_BYTES || v->kind == VAL_BYTEARRAY || v->kind == VAL_PYSTRING;
    struct span in = bytes ? value_bytes(m, i) : span_of(NULL, 0);
    if (bytes && is_pickle(cp->arena, cp->max, in))
      observe(o,
              (struct observation){.kind = OBS_PKL_IN_BYTES, .member = m->member, .at = v->at, .got = in.n});
  }
}

void check_bytes(const struct facts *f, struct observations *o) {
  for (uint32_t i = 0; i < f->checkpoint->programs.n; i++)
    check_program(f->checkpoint, &f->checkpoint->programs.p[i]->machine, o);
}
