/* One line of the annotated disassembly, or of the decompiled program, as an event. Knows the plan and the
 * opcode table, nothing of jobs. */
#ifndef CKPTLINT_API_INSN_H
#define CKPTLINT_API_INSN_H

#include "model/plan.h"
#include "report/report.h"

void emit_insn(const struct plan *p, const struct plan_insn *insn, struct report *report);
void emit_statement(const struct plan *p, const struct plan_line *line, struct report *report);

#endif
