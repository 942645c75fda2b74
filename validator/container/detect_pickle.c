/* Is this the beginning of a pickle? A lexer of opcodes and their arguments, nothing more: what the program
 * does is for pickle/ to find out. The forms of the arguments are those of pickletools. */
#include "base/reader.h"
#include "container/detect.h"

enum form {
  NOT_AN_OPCODE,
  PLAIN, /* no argument */
  BYTES_1,
  BYTES_2,
  BYTES_4,
  BYTES_8, /* fixed */
  COUNTED_1,
  COUNTED_4,
  COUNTED_8, /* a length, then so many bytes */
  LINE,
  LINE_NUMBER,
  LINE_QUOTED,
  LINE_TEXT,
  LINE_NAMES, /* text up to a newline; NAMES are two lines */
};

static const uint8_t forms[256] = {
    ['('] = PLAIN,       ['.'] = PLAIN,       ['0'] = PLAIN,      ['1'] = PLAIN,       ['2'] = PLAIN,
    ['F'] = LINE_NUMBER, ['I'] = LINE_NUMBER, ['J'] = BYTES_4,    ['K'] = BYTES_1,     ['L'] = LINE_NUMBER,
    ['M'] = BYTES_2,     ['N'] = PLAIN,       ['P'] = LINE,       ['Q'] = PLAIN,       ['R'] = PLAIN,
    ['S'] = LINE_QUOTED, ['T'] = COUNTED_4,   ['U'] = COUNTED_1,  ['V'] = LINE_TEXT,   ['X'] = COUNTED_4,
    ['a'] = PLAIN,       ['b'] = PLAIN,       ['c'] = LINE_NAMES, ['d'] = PLAIN,       ['}'] = PLAIN,
    ['e'] = PLAIN,       ['g'] = LINE_NUMBER, ['h'] = BYTES_1,    ['i'] = LINE_NAMES,  ['j'] = BYTES_4,
    ['l'] = PLAIN,       [']'] = PLAIN,       ['o'] = PLAIN,      ['p'] = LINE_NUMBER, ['q'] = BYTES_1,
    ['r'] = BYTES_4,     ['s'] = PLAIN,       ['t'] = PLAIN,      [')'] = PLAIN,       ['u'] = PLAIN,
    ['G'] = BYTES_8,     ['B'] = COUNTED_4,   ['C'] = COUNTED_1,  [0x80] = BYTES_1,    [0x81] = PLAIN,
    [0x82] = BYTES_1,    [0x83] = BYTES_2,    [0x84] = BYTES_4,   [0x85] = PLAIN,      [0x86] = PLAIN,
    [0x87] = PLAIN,      [0x88] = PLAIN,      [0x89] = PLAIN,     [0x8a] = COUNTED_1,  [0x8b] = COUNTED_4,
    [0x8c] = COUNTED_1,  [0x8d] = COUNTED_8,  [0x8e] = COUNTED_8, [0x8f] = PLAIN,      [0x90] = PLAIN,
    [0x91] = PLAIN,      [0x92] = PLAIN,      [0x93] = PLAIN,     [0x94] = PLAIN,      [0x95] = BYTES_8,
    [0x96] = COUNTED_8,  [0x97] = PLAIN,      [0x98] = PLAIN,
};

/* Opcodes that find something to work on although nothing was pushed yet. PERSID, 'P', is left out: every zip
 * archive would begin with it, and no loader takes one there. */
static const char starters[] = "(FIJKLMNSTUVXc})]GBC\x80\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96";

enum { OPCODES_SEEN = 16 };

static bool is_letter(uint8_t byte) { return ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '_'; }
static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* What has control characters is binary, at the beginning. */
static bool is_printable(struct span line) {
  for (size_t i = 0; i < line.n; i++)
    if (line.p[i] < 0x20 && line.p[i] != '\t' && line.p[i] != '\r') return false;
  return true;
}

/* Python escapes these two of the control characters in a UNICODE and, in its line, the newline. */
static bool is_escaped(struct span line) {
  return line.n == 0 || (!memchr(line.p, 0, line.n) && !memchr(line.p, 0x1a, line.n));
}

/* Dotted identifiers; dill and others also write <lambda> and <locals>. */
static bool is_name(struct span line) {
  for (size_t i = 0; i < line.n; i++)
    if (!is_letter(line.p[i]) && !is_digit(line.p[i]) && !is_one_of(line.p[i], SPAN(".<>"))) return false;
  return line.n > 0;
}

/* Begins as a number: 0x1F, 12L, -1.5e3, inf, nan. What follows is for int() and float() to judge. */
static bool is_number(struct span line) {
  size_t sign = line.n && (line.p[0] == '-' || line.p[0] == '+');
  if (line.n <= sign) return false;
  if (!is_digit(line.p[sign]) && line.p[sign] != '.' && !span_is(span_from(line, sign), "inf") &&
      !span_is(span_from(line, sign), "nan"))
    return false;
  for (size_t i = sign; i < line.n; i++)
    if (!is_letter(line.p[i]) && !is_digit(line.p[i]) && !is_one_of(line.p[i], SPAN(".+-"))) return false;
  return true;
}

static bool is_quoted(struct span line) {
  return line.n >= 2 && (line.p[0] == '\'' || line.p[0] == '"') && line.p[line.n - 1] == line.p[0];
}

/* The bytes to skip, which may lie behind the copy but not behind the file: `left` is what the file still
 * has. */
static bool skip(struct reader *r, uint64_t n, uint64_t left) {
  if (n > left) return false;
  return reader_skip(r, min_u64(n, r->left.n));
}

static bool counted(struct reader *r, uint64_t length_bytes, uint64_t left) {
  struct span s;
  uint64_t n = 0;
  if (!reader_take(r, length_bytes, &s)) return left >= length_bytes;
  for (size_t i = s.n; i > 0; i--) n = n << 8 | s.p[i - 1];
  return skip(r, n, left - length_bytes);
}

/* A line that the copy cuts off counts as far as it can be seen. */
static bool line(struct reader *r, bool (*good)(struct span line)) {
  struct span s;
  if (reader_line(r, &s)) return good(s);
  bool cut = r->at + r->left.n == PROBE_BYTES;
  return cut && good(r->left) && reader_skip(r, r->left.n);
}

static bool argument(struct reader *r, enum form form, uint64_t size) {
  uint64_t left = size - r->at;
  switch (form) {
  case NOT_AN_OPCODE: return false;
  case PLAIN: return true;
  case BYTES_1: return skip(r, 1, left);
  case BYTES_2: return skip(r, 2, left);
  case BYTES_4: return skip(r, 4, left);
  case BYTES_8: return skip(r, 8, left);
  case COUNTED_1: return counted(r, 1, left);
  case COUNTED_4: return counted(r, 4, left);
  case COUNTED_8: return counted(r, 8, left);
  case LINE: return line(r, is_printable);
  case LINE_TEXT: return line(r, r->at == 1 ? is_printable : is_escaped);
  case LINE_NUMBER: return line(r, is_number);
  case LINE_QUOTED: return line(r, is_quoted);
  case LINE_NAMES: return line(r, is_name) && (reader_done(r) || line(r, is_name));
  }
  return false;
}

/* Opcodes that take what lies above the last mark, and those after which code may have run. */
static const char mark_takers[] = "1deiltou\x90\x91";
static const char actors[] = "bcioPQR\x81\x82\x83\x84\x92\x93";

static bool is_in(uint8_t op, const char *ops) { return strchr(ops, op) != NULL && op != 0; }

/* A program that takes a mark which is not there ends at once: text that happens to begin as one, as a
 * safetensors header of 1,624 bytes does, is none. What called something before is one all the same. */
bool looks_like_pickle(const struct probe *p) {
  struct reader r = reader_of(p->head, 0);
  uint32_t marks = 0;
  bool acted = false;
  uint8_t op;
  if (p->head.n == 0 || !memchr(starters, p->head.p[0], sizeof starters - 1)) return false;
  for (int i = 0; i < OPCODES_SEEN && reader_u8(&r, &op) && op != '.'; i++) {
    bool takes = is_in(op, mark_takers);
    if ((takes && !marks && !acted) || !argument(&r, forms[op], p->file.n)) return false;
    marks += op == '(';
    marks -= takes && marks;
    acted = acted || is_in(op, actors);
  }
  return true;
}
