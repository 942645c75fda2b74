#include "corpus/gen/pkasm.h"

#include "pickle/opcode.h"

enum { NESTING = 16 };

/* One block on its way. Blocks nest as their author nested them: NESTING deep at most. */
struct assembly {
  const struct macros *macros;
  struct bytes *out;
  size_t frame_at;           /* where the open FRAME * keeps its length; 0: none is open */
  const struct line *caller; /* words for %1 … %9 */
  int64_t index;             /* for $ */
  unsigned depth;
};

static void run_block(struct assembly *as, struct lines b);

/* ---- blocks ---- */

static bool opens_block(const struct line *l) {
  return word_is(l, 0, "repeat") || word_is(l, 0, "macro") || word_is(l, 0, "pickle");
}

struct lines take_lines(const char *file, unsigned *number, struct span *rest) {
  struct line l = {0};
  struct lines b = {.file = file, .number = *number, .text = *rest};
  struct span text;
  for (unsigned open = 1; open > 0;) {
    const uint8_t *at = rest->p;
    if (!next_line(rest, &text)) give_up(file, b.number, "no `end` for what begins here");
    line_read(&l, file, (*number)++, text);
    open += opens_block(&l);
    open -= word_is(&l, 0, "end");
    if (open == 0) b.text.n = (size_t)(at - b.text.p);
  }
  line_free(&l);
  return b;
}

void add_macro(struct macros *m, const struct line *head, struct span name, struct lines body) {
  if (m->n == MACROS) give_up(head->file, head->number, "more than %d macros", MACROS);
  m->list[m->n++] = (struct macro){name, body};
}

/* ---- words of a macro ---- */

static struct span argument_of(const struct assembly *as, const struct line *l, struct span word) {
  if (word.n != 2 || word.p[0] != '%' || word.p[1] < '1' || word.p[1] > '9') return word;
  if (!as->caller) give_up(l->file, l->number, "%%%c outside a macro", word.p[1]);
  return word_at(as->caller, (size_t)(word.p[1] - '0'));
}

static int64_t number_in(const struct assembly *as, const struct line *l, struct span word) {
  if (!span_starts(word, SPAN("$"))) return number_of(l, word);
  int64_t with = word.n > 1 ? number_of(l, span_from(word, 2)) : 1;
  return word.n > 1 && word.p[1] == '+' ? as->index + with : as->index * with;
}
static int64_t number_at(const struct assembly *as, const struct line *l, size_t i) {
  return number_in(as, l, word_at(l, i));
}

/* ---- pseudo instructions ---- */

static void put_op(struct assembly *as, uint8_t byte) { put_number(as->out, byte, 1); }

static void put_int(struct assembly *as, int64_t n) {
  bool wide = n < INT32_MIN || n > INT32_MAX;
  uint8_t op = wide ? 0x8a : n < 0 || n > UINT16_MAX ? 'J' : n > UINT8_MAX ? 'M' : 'K';
  put_op(as, op);
  if (wide) put_number(as->out, sizeof n, 1);
  put_number(as->out, (uint64_t)n, wide ? sizeof n : op == 'J' ? 4 : op == 'M' ? 2 : 1);
}

/* "2,3", or "-" for the empty tuple. */
static void put_ints(struct assembly *as, const struct line *l, struct span list) {
  put_op(as, '(');
  while (list.n && !span_is(list, "-")) {
    const uint8_t *comma = memchr(list.p, ',', list.n);
    struct span number = span_first(list, comma ? (size_t)(comma - list.p) : list.n);
    put_int(as, number_in(as, l, number));
    list = span_from(list, number.n + 1);
  }
  put_op(as, 't');
}

static void put_str(struct assembly *as, struct span text) {
  put_op(as, 'X');
  put_number(as->out, text.n, 4);
  put_span(as->out, text);
}

static void close_frame(struct assembly *as) {
  if (as->frame_at) patch_number(as->out, as->frame_at, as->out->n - as->frame_at - 8, 8);
  as->frame_at = 0;
}

static bool pseudo(struct assembly *as, const struct line *l) {
  if (word_is(l, 0, "bytes"))
    put_span(as->out, word_at(l, 1));
  else if (word_is(l, 0, "str"))
    put_str(as, word_at(l, 1));
  else if (word_is(l, 0, "int"))
    put_int(as, number_at(as, l, 1));
  else if (word_is(l, 0, "ints"))
    put_ints(as, l, word_at(l, 1));
  else if (word_is(l, 0, "endframe"))
    close_frame(as);
  else
    return false;
  return true;
}

/* ---- instructions ---- */

static const struct {
  uint8_t byte;
  const char *name;
  enum arg_kind arg;
} rows[] = {
#define OP(byte, name, proto, arg, takes, below, gives, weights_only, handler) {byte, #name, arg},
#include "base/opcodes.def"
#undef OP
};

static void put_sized(struct assembly *as, const struct line *l, size_t width) {
  struct span text = word_at(l, 1);
  put_number(as->out, l->n > 2 ? (uint64_t)number_at(as, l, 2) : text.n, width);
  put_span(as->out, text);
}

static void put_line(struct assembly *as, struct span text) {
  put_span(as->out, text);
  put_text(as->out, "\n");
}

static void put_frame(struct assembly *as, const struct line *l) {
  bool measured = word_is(l, 1, "*");
  put_number(as->out, measured ? 0 : (uint64_t)number_at(as, l, 1), 8);
  if (measured) as->frame_at = as->out->n - 8;
}

static void put_argument(struct assembly *as, const struct line *l, enum arg_kind kind) {
  switch (kind) {
  case ARG_NONE: return;
  case ARG_U1: put_number(as->out, (uint64_t)number_at(as, l, 1), 1); return;
  case ARG_U2: put_number(as->out, (uint64_t)number_at(as, l, 1), 2); return;
  case ARG_U4:
  case ARG_I4: put_number(as->out, (uint64_t)number_at(as, l, 1), 4); return;
  case ARG_U8: put_frame(as, l); return;
  case ARG_F8: put_double_be(as->out, word_double(l, 1)); return;
  case ARG_L1: put_sized(as, l, 1); return;
  case ARG_L4:
  case ARG_L4S: put_sized(as, l, 4); return;
  case ARG_L8: put_sized(as, l, 8); return;
  case ARG_LINE: put_line(as, word_at(l, 1)); return;
  case ARG_LINES:
    put_line(as, word_at(l, 1));
    put_line(as, word_at(l, 2));
    return;
  }
}

static bool instruction(struct assembly *as, const struct line *l) {
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    if (!word_is(l, 0, rows[i].name)) continue;
    put_op(as, rows[i].byte);
    put_argument(as, l, rows[i].arg);
    return true;
  }
  return false;
}

static bool macro_call(struct assembly *as, const struct line *l) {
  for (size_t i = 0; i < as->macros->n; i++) {
    if (!span_eq(l->word[0], as->macros->list[i].name)) continue;
    const struct line *before = as->caller;
    as->caller = l;
    run_block(as, as->macros->list[i].body);
    as->caller = before;
    return true;
  }
  return false;
}

static void repeat(struct assembly *as, const struct line *l, struct lines body) {
  int64_t before = as->index, times = number_at(as, l, 1);
  for (as->index = 0; as->index < times; as->index++) run_block(as, body);
  as->index = before;
}

static void run_block(struct assembly *as, struct lines b) {
  struct line l = {0};
  struct span rest = b.text, text;
  if (++as->depth > NESTING) give_up(b.file, b.number, "macros nested deeper than %d", NESTING);
  while (next_line(&rest, &text)) {
    line_read(&l, b.file, b.number++, text);
    for (size_t i = 0; i < l.n; i++) l.word[i] = argument_of(as, &l, l.word[i]);
    if (l.n == 0) continue;
    if (word_is(&l, 0, "repeat"))
      repeat(as, &l, take_lines(b.file, &b.number, &rest));
    else if (!pseudo(as, &l) && !instruction(as, &l) && !macro_call(as, &l))
      give_up(b.file, l.number, "'%.*s' is no opcode and no macro", (int)l.word[0].n,
              (const char *)l.word[0].p);
  }
  as->depth--;
  line_free(&l);
}

void assemble(const struct macros *m, struct lines program, struct bytes *out) {
  struct assembly as = {.macros = m, .out = out};
  run_block(&as, program);
  close_frame(&as);
}
