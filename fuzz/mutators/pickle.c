/* Pickle programs: instructions are spliced, changed and made up as a stack allows them. */
#include "fuzz/mutators/pickle.h"

#include <stdio.h>

enum { SNIPPET = 400 };
struct snippet {
  uint8_t bytes[SNIPPET];
  size_t n;
};

static void put(struct snippet *s, const void *bytes, size_t n) {
  if (n > SNIPPET - s->n) return;
  memcpy(s->bytes + s->n, bytes, n);
  s->n += n;
}

static void put_number(struct snippet *s, uint64_t v, size_t width) {
  uint8_t bytes[8];
  for (size_t i = 0; i < width; i++) bytes[i] = (uint8_t)(v >> (8 * i) & 0xff);
  put(s, bytes, width);
}

static struct span name(struct chance *c) {
  static const char *const names[] = {"torch._utils\n_rebuild_tensor_v2\n",
                                      "collections\nOrderedDict\n",
                                      "torch\nFloatStorage\n",
                                      "torch._utils\n_rebuild_parameter\n",
                                      "numpy.core.multiarray\n_reconstruct\n",
                                      "numpy\ndtype\n",
                                      "numpy\nndarray\n",
                                      "_codecs\nencode\n",
                                      "torch\nSize\n",
                                      "os\nsystem\n",
                                      "builtins\nset\n",
                                      "argparse\nNamespace\n",
                                      "collections\ndefaultdict\n",
                                      "copyreg\n_reconstructor\n"};
  return span_str(names[chance_below(c, ARRAY_LEN(names))]);
}

static struct span text(struct chance *c) {
  static const char *const texts[] = {
      "",     "storage", "cpu", "0",  "1",   "a.weight", "_metadata", "latin1", "float32", "\xff",
      "True", "00",      "01",  "-1", "1e5", "'a'",      "\"\\x41\"", "numpy",  "dtype"};
  return span_str(texts[chance_below(c, ARRAY_LEN(texts))]);
}

/* An instruction with an argument of its form. */
static void put_instruction(struct snippet *s, uint8_t byte, const struct depth *d, struct chance *c) {
  bool get = byte == 'g' || byte == 'h' || byte == 'j';
  uint64_t number = get && chance_below(c, 8) ? chance_below(c, d->puts ? d->puts : 1) : chance_number(c);
  struct span t = text(c);
  char line[32];
  put(s, &byte, 1);
  switch (opcode_rows[byte].form) {
  case ARG_NONE: break;
  case ARG_U1: put_number(s, number, 1); break;
  case ARG_U2: put_number(s, number, 2); break;
  case ARG_U4:
  case ARG_I4: put_number(s, number, 4); break;
  case ARG_U8:
  case ARG_F8: put_number(s, number, 8); break;
  case ARG_L1:
  case ARG_L4:
  case ARG_L8:
  case ARG_L4S:
    put_number(s, t.n, opcode_rows[byte].form == ARG_L1 ? 1 : opcode_rows[byte].form == ARG_L8 ? 8 : 4);
    put(s, t.p, t.n);
    break;
  case ARG_LINE:
    if (get || byte == 'p' || byte == 'I' || byte == 'L')
      t = span_of(line,
                  (size_t)snprintf(line, sizeof line, "%lld%s", (long long)number, byte == 'L' ? "L" : ""));
    put(s, t.p, t.n);
    put(s, "\n", 1);
    break;
  case ARG_LINES:
    t = name(c);
    put(s, t.p, t.n);
    break;
  }
}

static bool may_come(uint8_t byte, const struct depth *d) {
  const struct opcode_row *row = &opcode_rows[byte];
  uint32_t have = d->values[d->marks];
  if (!row->known || byte == '.') return false;
  if (row->takes == TO_MARK) return d->marks > 0 && (int64_t)d->values[d->marks - 1] >= row->below;
  return (int64_t)have >= row->takes + row->below;
}

/* Some instructions that the stack allows, then what makes its depth what it was. */
static void make_up(struct snippet *s, struct depth d, struct chance *c) {
  uint32_t marks = d.marks, values = d.values[d.marks];
  for (size_t left = 1 + chance_below(c, 6); left > 0; left--) {
    uint8_t byte = (uint8_t)(chance_bits(c) >> 16 & 0xff);
    for (int tries = 0; tries < 300 && !may_come(byte, &d); tries++) byte++;
    size_t at = s->n;
    put_instruction(s, byte, &d, c);
    if (s->n > at) depth_after(&d, span_of(s->bytes + at, s->n - at));
    if (d.marks < marks) return; /* it closed what was open: let it be */
  }
  if (chance_below(c, 8) == 0) return;
  for (; d.marks > marks; d.marks--, d.values[d.marks]++) put(s, "t", 1);
  for (; d.values[marks] > values; d.values[marks]--) put(s, "0", 1);
  for (; d.values[marks] < values; d.values[marks]++) put(s, "N", 1);
}

/* ---- changes ---- */

static struct span part(const struct program *p, struct span bytes, struct chance *c) {
  size_t first = chance_below(c, p->n), n = 1 + chance_below(c, min_size(p->n - first, 12));
  return span_of(bytes.p + p->at[first], p->at[first + n] - p->at[first]);
}

static void splice(struct mutant *m, const struct program *p, struct span other, size_t at,
                   struct chance *c) {
  static struct program from;
  uint8_t copy[SNIPPET];
  struct span own = span_of(m->bytes, m->n), run;
  program_read(&from, other);
  run = from.n && chance_below(c, 2) ? part(&from, other, c) : part(p, own, c);
  if (run.n > sizeof copy) return;
  memcpy(copy, run.p, run.n);
  size_t old = chance_below(c, 2) ? 0 : part(p, own, c).n;
  (void)mutant_replace(m, at, min_size(old, m->n - at), span_of(copy, run.n));
}

static void change_opcode(struct mutant *m, size_t at, struct chance *c) {
  const struct opcode_row *row = &opcode_rows[m->bytes[at]];
  bool alike = chance_below(c, 4) > 0; /* what it does to the stack too */
  uint8_t byte = (uint8_t)(chance_bits(c) >> 16 & 0xff);
  for (int tries = 0; tries < 256; tries++, byte++) {
    const struct opcode_row *r = &opcode_rows[byte];
    if (!r->known || r->form != row->form || byte == m->bytes[at]) continue;
    if (alike && (r->takes != row->takes || r->gives != row->gives)) continue;
    m->bytes[at] = byte;
    return;
  }
}

static void insert(struct mutant *m, const struct program *p, size_t which, struct chance *c) {
  struct depth d = {0};
  struct snippet s = {.n = 0};
  for (size_t i = 0; i < which; i++) depth_after(&d, span_of(m->bytes + p->at[i], p->at[i + 1] - p->at[i]));
  make_up(&s, d, c);
  (void)mutant_replace(m, p->at[which], 0, span_of(s.bytes, s.n));
}

/* Another argument for the same opcode. */
static void change_argument(struct mutant *m, size_t at, size_t n, struct chance *c) {
  const struct depth any = {.puts = 4};
  struct snippet s = {.n = 0};
  put_instruction(&s, m->bytes[at], &any, c);
  (void)mutant_replace(m, at, n, span_of(s.bytes, s.n));
}

static void change(struct mutant *m, struct span other, struct chance *c) {
  static struct program p;
  program_read(&p, span_of(m->bytes, m->n));
  if (p.n == 0) return;
  size_t which = chance_below(c, p.n), at = p.at[which], n = p.at[which + 1] - p.at[which];
  switch (chance_below(c, 8)) {
  case 0: (void)mutant_replace(m, at, n, SPAN("")); break;
  case 1:
  case 2: splice(m, &p, other, at, c); break;
  case 3: change_opcode(m, at, c); break;
  case 4: change_argument(m, at, n, c); break;
  case 5:
    if (chance_below(c, 16) == 0) (void)mutant_replace(m, at, m->n - at, SPAN("."));
    break;
  default: insert(m, &p, which, c); break;
  }
}

void mutate_pickle(struct mutant *m, struct span other, struct chance *c) {
  for (size_t times = 1 + chance_below(c, 3); times > 0; times--) change(m, other, c);
}
