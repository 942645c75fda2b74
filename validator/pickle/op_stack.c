/* The stack, the marks, and the opcodes that frame a program. */
#include "pickle/op.h"

bool op_mark(struct machine *m, const struct arg *arg) {
  uint32_t *mark = vec_push(m->arena, &m->marks, m->max->pickle_marks);
  if (!mark)
    return refuse_room(m, OBS_LIMIT_PICKLE_MARKS, (uint64_t)m->marks.n + 1, m->max->pickle_marks, arg->at);
  *mark = m->stack.n;
  return true;
}

/* load_pop: a mark with nothing above it goes first. Picklers write this only behind a recursive tuple. */
bool op_pop(struct machine *m, const struct arg *arg) {
  observe(m->obs, seen_at(m, OBS_PKL_POP, arg));
  if (m->marks.n && m->marks.p[m->marks.n - 1] == m->stack.n) {
    m->marks.n--;
    return true;
  }
  if (m->stack.n == 0) {
    struct observation what = seen_at(m, OBS_PKL_UNDERFLOW, arg);
    what.want = 1;
    return refuse(m->obs, what);
  }
  m->stack.n--;
  return true;
}

bool op_pop_mark(struct machine *m, const struct arg *arg) {
  observe(m->obs, seen_at(m, OBS_PKL_POP, arg));
  return true;
}

bool op_dup(struct machine *m, const struct arg *arg) {
  observe(m->obs, seen_at(m, OBS_PKL_DUP, arg));
  m->values.p[top(m)].fetched = true;
  m->num_shared += may_hold(kind_of(m, top(m)));
  return push(m, top(m));
}

static void note_protocol(struct machine *m, uint32_t at, uint8_t proto) {
  if (proto != 2)
    observe(m->obs,
            (struct observation){.kind = OBS_PKL_PROTOCOL, .member = m->member, .at = at, .got = proto});
}

bool op_proto(struct machine *m, const struct arg *arg) {
  struct observation what = seen_at(m, OBS_PKL_PROTO_UNKNOWN, arg);
  what.got = (uint64_t)arg->number;
  what.want = m->proto;
  if (arg->number > 5) return refuse(m->obs, what);
  what.kind = m->proto_declared ? OBS_PKL_PROTO_REPEATED : OBS_PKL_PROTO_MISPLACED;
  if (arg->at > 0) observe(m->obs, what);
  m->proto_declared = true;
  m->proto = (uint8_t)arg->number;
  note_protocol(m, arg->at, m->proto);
  return true;
}

/* C's unpickler raises where a frame is longer than the program, the Python one reads on: what follows is
 * understood. */
bool op_frame(struct machine *m, const struct arg *arg) {
  struct observation what = seen_at(m, OBS_PKL_LENGTH, arg);
  uint64_t len = (uint64_t)arg->number;
  what.got = m->in.left.n;
  what.want = len;
  if (len > m->in.left.n) {
    observe(m->obs, what);
    return true;
  }
  what.kind = OBS_PKL_FRAME_NESTED;
  what.want = m->frame_end;
  if (m->frame_end) observe(m->obs, what);
  m->frame_end = len ? m->in.at + len : 0;
  return true;
}

/* load(): what is left behind the result is dropped without a word. */
static void note_left(struct machine *m, enum obs_kind kind, uint32_t n, const struct arg *arg) {
  struct observation what = seen_at(m, kind, arg);
  what.got = n;
  if (n) observe(m->obs, what);
}

bool op_stop(struct machine *m, const struct arg *arg) {
  m->result = arg->items[0];
  m->stopped = true;
  note_left(m, OBS_PKL_LEFT_VALUES, m->stack.n, arg);
  note_left(m, OBS_PKL_LEFT_MARKS, m->marks.n, arg);
  if (!m->proto_declared) note_protocol(m, arg->at, m->highest_op_proto);
  if (m->frame_end) {
    struct observation what = seen_at(m, OBS_PKL_FRAME_LONG, arg);
    what.got = m->in.at;
    what.want = m->frame_end;
    observe(m->obs, what);
  }
  return true;
}
