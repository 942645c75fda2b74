/* The pickle machine and the disassembler, which read the same program each in its own way. */
#include "fuzz/fuzz.h"
#include "pickle/disasm.h"
#include "pickle/machine.h"

struct ran {
  struct arena arena;
  struct observations obs;
  struct machine machine;
  bool started, ok;
};

static void run(struct ran *r, const struct fuzz_input *in) {
  arena_init(&r->arena, in->arena_bytes);
  observations_init(&r->obs, &r->arena, (uint32_t)in->limits.report_findings);
  r->started = machine_init(&r->machine, &r->arena, &r->obs, &in->limits, 1, NULL, in->bytes);
  r->ok = r->started && machine_run(&r->machine);
}

/* Every value that can be reached by number is whole: what it refers to is there. */
static void check_values(const struct machine *m) {
  for (val_id v = 0; v < m->values.n; v++) {
    uint32_t n = value_count(m, v);
    if (kind_of(m, v) == VAL_DICT) FUZZ_CHECK(n % 2 == 0);
    for (uint32_t i = 0; i < n && i < 4; i++) FUZZ_CHECK(value_item(m, v, i) < m->values.n);
    if (n) FUZZ_CHECK(value_item(m, v, n - 1) < m->values.n);
    struct span bytes = value_bytes(m, v);
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes.n; i++) sum ^= bytes.p[i]; /* a sanitizer watches */
    FUZZ_CHECK(kind_of(m, v) != VAL_GLOBAL || value_global(m, v));
    FUZZ_CHECK(kind_of(m, v) != VAL_OBJECT || value_object(m, v)->args < m->values.n || sum);
  }
}

static void check_run(const struct ran *r, struct span program) {
  const struct machine *m = &r->machine;
  FUZZ_CHECK(r->ok == (r->started && m->stopped && !m->failed));
  FUZZ_CHECK(r->ok || r->obs.n > 0 || r->obs.lost); /* no refusal without a word */
  for (uint32_t i = 0; i < r->obs.n; i++) FUZZ_CHECK(r->obs.list[i].at <= program.n);
  if (!r->started) return;
  FUZZ_CHECK(m->in.at <= program.n && m->in.left.n == program.n - m->in.at);
  FUZZ_CHECK(m->num_ops <= program.n + 1);
  if (r->ok) FUZZ_CHECK(m->result > 0 && m->result < m->values.n);
  check_values(m);
}

/* The instructions tile the program, and where the machine stops the disassembly stops. */
static void check_disasm(const struct ran *r, const struct fuzz_input *in) {
  struct arena arena;
  struct disasm d;
  struct instruction insn;
  uint64_t at = 0, n = 0;
  arena_init(&arena, 64 << 20);
  struct limits max = limits_default();
  disasm_init(&d, &arena, &max, in->bytes);
  while (disasm_next(&d, &insn)) {
    FUZZ_CHECK(insn.arg.at == at && insn.end > at && insn.end <= in->bytes.n);
    at = insn.end;
    n++;
  }
  FUZZ_CHECK(d.end != DISASM_GOES_ON);
  if (r->ok) FUZZ_CHECK(d.end == DISASM_STOP && at == r->machine.in.at && n == r->machine.num_ops);
  arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  static struct ran first, second; /* too large for the stack; filled anew each time */
  run(&first, &in);
  run(&second, &in);
  fuzz_same(&first.obs, &second.obs);
  check_run(&first, in.bytes);
  check_disasm(&first, &in);
  arena_free(&first.arena);
  arena_free(&second.arena);
  fuzz_close(&in);
  return 0;
}
