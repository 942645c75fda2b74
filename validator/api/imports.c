#include "api/imports.h"

#include "base/memory.h"

/* More distinct names than this are no checkpoint that somebody wrote: they are counted, not looked at. */
enum { NAMES_MAX = 10000 };

static int by_name(const void *a, const void *b) {
  const struct import *x = a, *y = b;
  int c = span_cmp(x->module, y->module);
  return c ? c : span_cmp(x->name, y->name);
}

bool imports_collect(const struct job *job, struct imports *out) {
  const struct plan *p = &job->plan;
  *out = (struct imports){0};
  if (p->num_globals > NAMES_MAX) return false;
  out->p = memory_calloc((size_t)p->num_globals + 1, sizeof *out->p);
  if (!out->p) return false;
  for (uint32_t i = 0; i < p->num_globals; i++) {
    const struct plan_global *g = &p->globals[i];
    struct span module = plan_span(p, g->module), name = plan_span(p, g->name);
    const struct global_row *row = job_global(job, module, name);
    out->p[i] = (struct import){.module = module,
                                .name = name,
                                .codes = plan_span(p, g->codes),
                                .row = row,
                                .uses = g->uses,
                                .stops = !row || !global_is_listed(row, job->run->policy.torch)};
  }
  qsort(out->p, p->num_globals, sizeof *out->p, by_name);
  for (uint32_t i = 0; i < p->num_globals; i++) {
    struct import *last = out->n ? &out->p[out->n - 1] : NULL;
    if (last && by_name(last, &out->p[i]) == 0)
      last->uses |= out->p[i].uses;
    else
      out->p[out->n++] = out->p[i];
  }
  return true;
}

void import_write(struct out *o, const struct import *g) {
  out_span(o, g->module);
  out_str(o, ".");
  out_span(o, g->name);
}
