#include "pickle/machine.h"

#include "pickle/arg.h"
#include "pickle/op.h"

const struct op opcode_table[256] = {
#define V TORCH_VERSION
#define OP(byte, name, proto, arg, takes, below, gives, weights_only, handler) \
  [byte] = {#name, handler, arg, proto, takes, below, gives, weights_only},
#include "base/opcodes.def"
#undef OP
#undef V
};

/* ---- observing ---- */

struct observation seen_at(const struct machine *m, enum obs_kind kind, const struct arg *arg) {
  return (struct observation){
      .kind = kind, .member = m->member, .at = arg->at, .subject = span_str(arg->op->name)};
}

bool refuse_op(struct machine *m, enum obs_kind kind, const struct arg *arg) {
  return refuse(m->obs, seen_at(m, kind, arg));
}

bool refuse_memory(struct machine *m) {
  m->limited = true;
  return refuse(m->obs, (struct observation){.kind = OBS_LIMIT_MEMORY, .got = m->arena->budget});
}

bool refuse_room(struct machine *m, enum obs_kind limit, uint64_t n, uint64_t max, uint32_t at) {
  if (n <= max) return refuse_memory(m);
  m->limited = true;
  return refuse(m->obs,
                (struct observation){.kind = limit, .member = m->member, .at = at, .got = n, .want = max});
}

/* ---- one opcode ---- */

static COLD bool refuse_argument(struct machine *m, const struct arg *arg, enum arg_error e) {
  static const enum obs_kind kinds[] = {[ARG_TRUNCATED] = OBS_PKL_ARG_TRUNCATED,
                                        [ARG_OVERRUN] = OBS_PKL_LENGTH,
                                        [ARG_NEGATIVE_LENGTH] = OBS_PKL_LENGTH_NEGATIVE,
                                        [ARG_NO_NEWLINE] = OBS_PKL_LINE_TRUNCATED};
  struct observation what = seen_at(m, kinds[e], arg);
  what.got = m->in.left.n;
  what.want = arg->number > 0 ? (uint64_t)arg->number : 0;
  return refuse(m->obs, what);
}

/* Nothing below the topmost mark may be reached: Pdata.fence of _pickle.c. */
static uint32_t fence(const struct machine *m) { return m->marks.n ? m->marks.p[m->marks.n - 1] : 0; }

static COLD bool refuse_underflow(struct machine *m, const struct arg *arg, uint32_t got, uint32_t want) {
  struct observation what = seen_at(m, OBS_PKL_UNDERFLOW, arg);
  what.got = got;
  what.want = want;
  return refuse(m->obs, what);
}

/* Room for one more value at `base`. */
HOT bool stack_room(struct machine *m, uint32_t base) {
  m->stack.n = base;
  return vec_reserve(m->arena, &m->stack, 1, m->max->pickle_stack);
}

/* Takes what the row takes: the values stay readable in arg->items. Leaves room for what it gives. */
HOT bool take_operands(struct machine *m, struct arg *arg) {
  const struct op *op = arg->op;
  uint32_t end = m->stack.n, base;
  if (op->takes == TO_MARK) {
    if (m->marks.n == 0) return refuse_op(m, OBS_PKL_NO_MARK, arg);
    base = m->marks.p[--m->marks.n];
    if (base - fence(m) < op->below) return refuse_underflow(m, arg, base - fence(m), op->below);
  } else {
    uint32_t need = (uint32_t)op->takes + op->below;
    if (end - fence(m) < need) return refuse_underflow(m, arg, end - fence(m), need);
    base = end - op->takes;
  }
  arg->n = end - base;
  if (op->gives > arg->n && !stack_room(m, base))
    return refuse_room(m, OBS_LIMIT_PICKLE_STACK, (uint64_t)base + 1, m->max->pickle_stack, arg->at);
  m->stack.n = base;
  arg->items = base ? m->stack.p + base : m->stack.p; /* there may be no stack yet */
  return true;
}

/* PEP 3154: a frame holds whole opcodes. C's unpickler reads on when it reads from memory, and loses or
 * refuses the rest of the opcode when it reads from a file; the Python one raises. */
static COLD void leave_frame(struct machine *m, const struct arg *arg) {
  if (m->in.at > m->frame_end) {
    struct observation what = seen_at(m, OBS_PKL_FRAME_STRADDLED, arg);
    what.want = m->frame_end;
    observe(m->obs, what);
  }
  m->frame_end = 0;
}

/* PROTO came with protocol 2, so protocols 0 and 1 go undeclared. */
static COLD void note_newer(struct machine *m, const struct arg *arg) {
  struct observation what = seen_at(m, OBS_PKL_OP_NEWER, arg);
  m->highest_op_proto = arg->op->proto;
  what.got = arg->op->proto;
  what.want = m->proto_declared ? m->proto : 1;
  if (what.got > what.want) observe(m->obs, what);
}

static inline bool beyond_weights_only(const struct machine *m, const struct op *op) {
  return op->weights_only == 0 || (m->hooks.torch && op->weights_only > m->hooks.torch);
}

static COLD void note_beyond_weights_only(struct machine *m, const struct arg *arg) {
  m->beyond_weights_only = true;
  observe(m->obs, seen_at(m, OBS_PKL_WEIGHTS_ONLY, arg));
}

static COLD bool refuse_opcode(struct machine *m, enum obs_kind kind, const struct arg *arg, uint8_t byte) {
  observe(m->obs, (struct observation){.kind = kind, .member = m->member, .at = arg->at, .got = byte});
  return false;
}

HOT bool fetch(struct machine *m, struct arg *arg) {
  arg->at = (uint32_t)m->in.at;
  arg->number = 0;
  arg->text = span_of(NULL, 0); /* the rest is set by who has it */
  uint8_t byte;
  if (m->num_ops >= m->max->pickle_ops) {
    refuse_room(m, OBS_LIMIT_PICKLE_OPS, m->num_ops + 1, m->max->pickle_ops, arg->at);
    return false;
  }
  m->num_ops++;
  if (!reader_u8(&m->in, &byte)) return refuse_opcode(m, OBS_PKL_TRUNCATED, arg, 0);
  arg->op = &opcode_table[byte];
  if (!arg->op->run) return refuse_opcode(m, OBS_PKL_OPCODE, arg, byte);
  enum arg_error e = arg_read(&m->in, arg->op->arg, arg);
  if (e != ARG_FINE) return refuse_argument(m, arg, e);
  return take_operands(m, arg);
}

HOT bool execute(struct machine *m, const struct arg *arg) {
  if (m->frame_end && m->in.at >= m->frame_end) leave_frame(m, arg);
  if (!arg->op->run(m, arg)) return false;
  if (arg->op->proto > m->highest_op_proto) note_newer(m, arg);
  if (!m->beyond_weights_only && beyond_weights_only(m, arg->op)) note_beyond_weights_only(m, arg);
  return true;
}

bool machine_fetch(struct machine *m, struct arg *arg) { return fetch(m, arg); }
bool machine_execute(struct machine *m, const struct arg *arg) { return execute(m, arg); }

bool machine_run(struct machine *m) {
  struct arg arg = {.op = NULL};
  while (!m->failed && !m->stopped)
    if (!fetch(m, &arg) || !execute(m, &arg)) m->failed = true;
  if (m->stopped && !m->failed) note_ways(m);
  return m->stopped && !m->failed;
}

/* ---- start ---- */

static bool make_constants(struct machine *m) {
  if (!vec_reserve(m->arena, &m->values, NUM_CONSTANTS, NUM_CONSTANTS)) return false;
  m->values.n = NUM_CONSTANTS;
  m->values.p[0] = (struct value){.kind = VAL_ABSENT};
  m->values.p[ID_NONE] = (struct value){.kind = VAL_NONE};
  m->values.p[ID_FALSE] = (struct value){.kind = VAL_BOOL};
  m->values.p[ID_TRUE] = (struct value){.kind = VAL_BOOL, .truth = true};
  m->values.p[ID_EMPTY_TUPLE] = (struct value){.kind = VAL_TUPLE};
  return true;
}

bool machine_init(struct machine *m, struct arena *a, struct observations *o, const struct limits *max,
                  uint32_t member, const struct machine_hooks *hooks, struct span program) {
  *m = (struct machine){.arena = a,
                        .obs = o,
                        .max = max,
                        .member = member,
                        .program = program,
                        .in = reader_of(program, 0),
                        .hash_seed = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
  if (hooks) m->hooks = *hooks;
  uint64_t most = min_u64(max->pickle_bytes, UINT32_MAX); /* offsets are 32 bits wide */
  m->memo = arena_new(a, struct memo);
  m->keys = arena_new(a, struct key_index);
  m->names = arena_new(a, struct name_index);
  m->failed = program.n > most || !m->memo || !m->keys || !m->names || !make_constants(m);
  return !m->failed || refuse_room(m, OBS_LIMIT_PICKLE_BYTES, program.n, most, 0);
}
