/* The decompiled programs, as rows of the plan. */
#include "model/checkpoint.h"
#include "pickle/decompile.h"

struct lines {
  struct plan_writer *w;
  uint32_t member;
};

static void put_line(void *ctx, const struct statement *s) {
  const struct lines *l = ctx;
  struct plan_line *row = plan_row(l->w, PLAN_lines, sizeof *row);
  if (!row) return;
  *row = (struct plan_line){.at = s->at,
                            .member = l->member,
                            .kind = (uint16_t)s->kind,
                            .reason = (uint16_t)s->reason,
                            .count = (uint32_t)min_u64(s->count, UINT32_MAX)};
  row->code = plan_put(l->w, s->code, s->code.n);
  row->comment = plan_put(l->w, s->comment, s->comment.n);
}

/* The second run has an arena of its own: it says nothing about the first, which was judged. */
static void put_program(struct checkpoint *cp, struct plan_writer *w, const struct program *p) {
  struct arena own;
  struct lines lines = {.w = w, .member = p->machine.member};
  arena_init(&own, cp->arena->budget - cp->arena->used);
  decompile(&(struct decompile){.arena = &own,
                                .max = cp->max,
                                .program = p->bytes,
                                .ran = &p->machine,
                                .bytes = cp->max->decompile_bytes,
                                .line = put_line,
                                .ctx = &lines});
  arena_free(&own);
}

void plan_emit_lines(struct checkpoint *cp, struct plan_writer *w) {
  for (uint32_t i = 0; i < cp->programs.n; i++) put_program(cp, w, cp->programs.p[i]);
}
