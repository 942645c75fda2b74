/* One line of the annotated disassembly, or of the decompiled program. */
#include "api/insn.h"

#include "pickle/decompile.h"
#include "pickle/disasm.h"
#include "pickle/python_text.h"
#include "rules/finding.h"

enum { LINE = 400 };

static void add_argument(cJSON *e, const struct plan *p, const struct plan_insn *i) {
  char text[64];
  int n = 0;
  if (i->flags & INSN_NUMBER) n = snprintf(text, sizeof text, "%lld", (long long)i->number);
  if (i->flags & INSN_REAL) n = snprintf(text, sizeof text, "%.17g", i->real);
  if (n > 0) event_text(e, "argument", span_of(text, (size_t)n), sizeof text);
  if (i->flags & (INSN_TEXT | INSN_NAME)) event_text(e, "argument", plan_span(p, i->text), LINE);
}

/* What it means, or what is wrong with it. */
static void add_raw(cJSON *e, uint64_t count) {
  char text[96];
  int n = snprintf(text, sizeof text, "%llu bytes that are no opcodes: an array", (unsigned long long)count);
  event_text(e, "comment", span_of(text, n > 0 ? (size_t)n : 0), sizeof text);
}

static void add_comment(cJSON *e, const struct plan_insn *i) {
  char text[128];
  int n = 0;
  if (i->flags & INSN_UNDERFLOW)
    n = snprintf(text, sizeof text, "needs more values than there are: a loader fails here");
  else if (i->flags & INSN_MEMO)
    n = snprintf(text, sizeof text, "memo %u", i->memo);
  else if (i->flags & INSN_MARK)
    n = snprintf(text, sizeof text, "from MARK at %#x", i->mark_at);
  if (n > 0) event_text(e, "comment", span_of(text, (size_t)n), sizeof text);
}

static const char *bad_end(int64_t end) {
  static const char *const words[] = {[DISASM_TRUNCATED] = "the program ends before STOP",
                                      [DISASM_NOT_AN_OPCODE] = "not an opcode",
                                      [DISASM_BAD_LENGTH] = "a length that the program can't hold",
                                      [DISASM_LIMIT] = "a limit was hit: not disassembled further"};
  return end > 0 && end < (int64_t)ARRAY_LEN(words) && words[end] ? words[end] : "the program ends here";
}

void emit_insn(const struct plan *p, const struct plan_insn *i, struct report *report) {
  cJSON *e = event_new("insn");
  const char *name = opcode_table[i->opcode].name;
  if (i->member) event_text(e, "member", plan_span(p, p->members[i->member - 1].name), LINE);
  event_u64(e, "offset", i->at);
  event_str(e, "opcode", i->flags & (INSN_BAD_END | INSN_RAW) || !name ? "?" : name);
  event_u64(e, "code", i->opcode);
  add_argument(e, p, i);
  event_u64(e, "depth", i->depth);
  if (i->flags & INSN_BAD_END)
    event_str(e, "comment", bad_end(i->number));
  else if (i->flags & INSN_RAW)
    add_raw(e, (uint64_t)i->number);
  else
    add_comment(e, i);
  report_event(report, e);
}

/* ---- decompiled ---- */

static void add_end(cJSON *e, enum obs_kind reason) {
  const struct reason *r = &reason_table[reason];
  bool ours = reason_effect(reason) == EFFECT_UNCHECKED;
  char text[128];
  int n = snprintf(text, sizeof text, "%s (%s/%s)",
                   ours ? "a limit was hit: not decompiled further" : "a loader fails here",
                   rule_table[r->rule].id, r->slug);
  event_text(e, "comment", span_of(text, n > 0 ? min_size((size_t)n, sizeof text - 1) : 0), sizeof text);
}

static void add_cut(cJSON *e, uint32_t count) {
  char text[64];
  int n = snprintf(text, sizeof text, "%u more statements are left out", count);
  event_text(e, "comment", span_of(text, n > 0 ? (size_t)n : 0), sizeof text);
}

static void add_statement_comment(cJSON *e, const struct plan *p, const struct plan_line *line) {
  switch ((enum statement_kind)line->kind) {
  case STATEMENT_IMPORT: event_text(e, "comment", plan_span(p, line->comment), LINE); return;
  case STATEMENT_BARE: event_str(e, "comment", "without __init__ if it is a class"); return;
  case STATEMENT_END: add_end(e, (enum obs_kind)line->reason); return;
  case STATEMENT_CUT: add_cut(e, line->count); return;
  case STATEMENT_RAW: add_raw(e, line->count); return;
  case STATEMENT_PLAIN:
  case STATEMENT_RESULT:
  case STATEMENT_KINDS: return;
  }
}

void emit_statement(const struct plan *p, const struct plan_line *line, struct report *report) {
  cJSON *e = event_new("statement");
  if (line->member) event_text(e, "member", plan_span(p, p->members[line->member - 1].name), LINE);
  event_u64(e, "offset", line->at);
  event_text(e, "code", plan_span(p, line->code), PY_LINE_MAX);
  add_statement_comment(e, p, line);
  report_event(report, e);
}
