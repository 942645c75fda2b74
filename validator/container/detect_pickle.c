/* Is this the beginning of a pickle? A lexer of opcodes and their arguments that counts values and marks:
 * what the program does is for pickle/ to find out. It reads the mapping, as it says no more than which
 * reader to ask. */
#include "base/opcode_args.h"
#include "base/reader.h"
#include "container/detect.h"

static const struct row {
  bool known;
  uint8_t arg, takes, below, gives;
} rows[256] = {
#define OP(byte, name, proto, arg, takes, below, gives, weights_only, handler) \
  [byte] = {true, arg, takes, below, gives},
#include "base/opcodes.def"
#undef OP
};

/* No ordinary text gets through so many opcodes; through LOOSE ones not even where numbers and texts are
 * taken as the most lenient unpickler takes them. */
enum { OPCODES_SEEN = 16, LOOSE_OPCODES_SEEN = 256 };

/* All lines together: a file can be a line of any length. */
enum { LINES_SEEN = 16 << 20 };

/* ---- lines: as picklers write them, or odd, which some unpickler takes all the same ---- */

enum grammar { BAD, ODD, PLAIN };

static bool is_letter(uint8_t byte) { return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_'; }
static bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* What has control characters is binary, at the beginning. */
static enum grammar printable(struct span line) {
  for (size_t i = 0; i < line.n; i++)
    if (line.p[i] < 0x20 && line.p[i] != '\t' && line.p[i] != '\r') return ODD;
  return PLAIN;
}

/* Python escapes these two of the control characters in a UNICODE and, in its line, the newline. */
static enum grammar escaped(struct span line) {
  bool fine = line.n == 0 || (!memchr(line.p, 0, line.n) && !memchr(line.p, 0x1a, line.n));
  return fine ? PLAIN : ODD;
}

/* Dotted identifiers; dill and others also write <lambda> and <locals>. */
static enum grammar name(struct span line) {
  for (size_t i = 0; i < line.n; i++)
    if (!is_letter(line.p[i]) && !is_digit(line.p[i]) && !is_one_of(line.p[i], SPAN(".<>"))) return ODD;
  return line.n ? PLAIN : BAD;
}

static bool is_word(struct span s, const char *word) {
  for (size_t i = 0; word[i]; i++)
    if (i >= s.n || (s.p[i] | 0x20) != (uint8_t)word[i]) return false;
  return true;
}

/* Begins as a number: 0x1F, 12L, -1.5e3, inf, nan. What follows is for int() and float() to judge, which also
 * take spaces around it; what is behind a NUL, C does not see. */
static enum grammar number(struct span line) {
  struct span s = line;
  enum grammar grammar = PLAIN;
  while (s.n && is_space(s.p[0])) s = span_from(s, 1);
  if (s.n < line.n) grammar = ODD;
  if (s.n && (s.p[0] == '-' || s.p[0] == '+')) s = span_from(s, 1);
  if (s.n == 0 || (!is_digit(s.p[0]) && s.p[0] != '.' && !is_word(s, "inf") && !is_word(s, "nan")))
    return BAD;
  for (size_t i = 0; i < s.n && s.p[i]; i++) {
    if (is_space(s.p[i])) grammar = ODD;
    if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && !is_space(s.p[i]) && !is_one_of(s.p[i], SPAN(".+-")))
      return BAD;
  }
  return memchr(s.p, 0, s.n) ? ODD : grammar;
}

static enum grammar quoted(struct span line) {
  bool fine = line.n >= 2 && (line.p[0] == '\'' || line.p[0] == '"') && line.p[line.n - 1] == line.p[0];
  return fine ? PLAIN : BAD;
}

/* The grammar of the line behind an opcode. */
static enum grammar judge_line(uint8_t op, bool first, struct span line) {
  switch (op) {
  case 'S': return quoted(line);
  case 'V': return first ? printable(line) : escaped(line);
  case 'P': return printable(line);
  case 'c':
  case 'i': return name(line);
  default: return number(line);
  }
}

/* ---- one opcode ---- */

struct lexer {
  struct reader in;
  uint32_t height;                    /* values on the stack */
  uint32_t marks[LOOSE_OPCODES_SEEN]; /* heights at the marks */
  uint32_t num_marks, num_opcodes;
  size_t line_bytes; /* that may be looked at */
  bool cut;          /* there are more in this line, and those before are as picklers write them */
  bool odd;          /* a line that no pickler writes was taken */
  bool misnamed;     /* … as the name of an import, which then fails */
  bool stored;       /* something is in the memo */
  bool named;        /* something was imported */
  bool called;       /* by an opcode that calls what was imported */
  bool stopped;      /* the last opcode was STOP */
};

static struct lexer lexer_of(const struct probe *p) {
  return (struct lexer){.in = reader_of(p->file, 0), .line_bytes = LINES_SEEN};
}

static bool next_line(struct lexer *l, struct span *line) {
  struct reader seen = reader_of(span_first(l->in.left, l->line_bytes), 0);
  if (reader_line(&seen, line)) {
    l->line_bytes -= line->n + 1;
    return reader_skip(&l->in, line->n + 1);
  }
  l->cut = l->in.left.n > l->line_bytes && printable(seen.left) == PLAIN;
  return false;
}

static bool argument(struct lexer *l, uint8_t op) {
  static const uint8_t widths[] = {
      [ARG_U1] = 1, [ARG_U2] = 2, [ARG_U4] = 4, [ARG_I4] = 4,  [ARG_U8] = 8,   [ARG_F8] = 8,
      [ARG_L1] = 1, [ARG_L4] = 4, [ARG_L8] = 8, [ARG_L4S] = 4, [ARG_LINES] = 0};
  enum arg_kind arg = (enum arg_kind)rows[op].arg;
  struct span s;
  uint64_t n = 0;
  uint32_t lines = arg == ARG_LINES ? 2 : arg == ARG_LINE;
  bool first = l->num_opcodes == 0;
  for (uint32_t i = 0; i < lines; i++) {
    if (!next_line(l, &s)) return false;
    enum grammar grammar = judge_line(op, first, s);
    if (grammar == BAD) return false;
    l->odd = l->odd || grammar == ODD;
    l->misnamed = l->misnamed || (grammar == ODD && arg == ARG_LINES);
  }
  if (!reader_take(&l->in, widths[arg], &s)) return false;
  if (arg != ARG_L1 && arg != ARG_L4 && arg != ARG_L8 && arg != ARG_L4S) return true;
  for (size_t i = s.n; i > 0; i--) n = n << 8 | s.p[i - 1];
  return reader_skip(&l->in, n);
}

static uint32_t fence(const struct lexer *l) { return l->num_marks ? l->marks[l->num_marks - 1] : 0; }

/* Takes and gives what the row says. POP is the irregular one: a mark with nothing above it goes first. */
static bool values(struct lexer *l, uint8_t op) {
  const struct row *row = &rows[op];
  bool pops_mark = op == '0' && l->num_marks && fence(l) == l->height;
  if (row->takes == TO_MARK || pops_mark) {
    if (l->num_marks == 0) return false;
    l->height = l->marks[--l->num_marks];
    if (l->height - fence(l) < row->below) return false;
  } else {
    uint32_t taken = op == '0' ? 1 : row->takes;
    if (l->height - fence(l) < taken + row->below) return false;
    l->height -= taken;
  }
  if (op == '(') l->marks[l->num_marks++] = l->height;
  l->height += row->gives;
  return true;
}

static bool is_in(uint8_t op, const char *ops) { return op && strchr(ops, op); }

/* False: no unpickler gets past this opcode. */
static bool next_opcode(struct lexer *l) {
  static const char imports[] = "ci\x82\x83\x84\x93", calls[] = "Rbio\x81\x82\x83\x84\x92";
  static const char puts[] = "pqr\x94", gets[] = "ghj";
  uint8_t op;
  if (!reader_u8(&l->in, &op) || !rows[op].known) return false;
  if (op == 0x97 || (is_in(op, gets) && !l->stored)) return false; /* buffers are none at hand */
  if (!argument(l, op) || !values(l, op)) return false;
  l->num_opcodes++;
  l->stored = l->stored || is_in(op, puts);
  l->named = l->named || is_in(op, imports);
  l->called = l->named && is_in(op, calls);
  l->stopped = op == '.';
  return true;
}

/* Every zip archive, and many a text, begins with a PERSID, which hardly a loader takes there: one that calls
 * something behind it, every line as picklers write them, is a program. */
static bool tells_and_calls(const struct probe *p) {
  struct lexer l = lexer_of(p);
  while (l.num_opcodes < LOOSE_OPCODES_SEEN && !l.called && next_opcode(&l)) continue;
  return l.called && !l.odd;
}

/* A program that takes what is not there ends at once: text that happens to begin as one, as a safetensors
 * header of 1,624 bytes does, is none. What called something before is one, whatever follows. */
bool looks_like_pickle(const struct probe *p) {
  struct lexer l = lexer_of(p);
  if (span_starts(p->head, SPAN("P"))) return tells_and_calls(p);
  while (l.num_opcodes < (l.odd ? LOOSE_OPCODES_SEEN : OPCODES_SEEN)) {
    if (l.num_opcodes && reader_done(&l.in)) return !l.odd;
    if (!next_opcode(&l)) return l.cut;
    if (l.called || l.stopped) return l.called || !l.misnamed;
  }
  return true;
}

bool loads_plain_value(const struct probe *p) {
  struct lexer l = lexer_of(p);
  while (l.num_opcodes < OPCODES_SEEN && !l.named && !l.stopped && next_opcode(&l)) continue;
  return l.stopped && !l.named;
}

bool reaches_call(const struct probe *p) {
  struct lexer l = lexer_of(p);
  while (l.num_opcodes < LOOSE_OPCODES_SEEN && !l.called && next_opcode(&l)) continue;
  return l.called;
}
