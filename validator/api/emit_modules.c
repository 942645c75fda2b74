#include "api/emit.h"

enum { TEXT_CAP = 1100 };

/* Does no row behind it stand in the same module? */
static bool is_last(const struct job *job, uint32_t i) {
  uint32_t depth = job->described.p[i].depth;
  for (uint32_t k = i + 1; k < job->described.n; k++) {
    if (job->described.p[k].depth == depth) return false;
    if (job->described.p[k].depth < depth) return true;
  }
  return true;
}

enum { MAX_DEPTH = 256 };

void emit_modules(const struct job *job, struct report *report) {
  static const char *const words[MODE_COUNT] = {NULL, "eval", "training"};
  enum described_mode above[MAX_DEPTH + 1] = {MODE_UNKNOWN}; /* of the module at each depth, from 1 */
  for (uint32_t i = 0; i < job->described.n; i++) {
    const struct described *row = &job->described.p[i];
    uint32_t depth = (uint32_t)min_size(row->depth, MAX_DEPTH - 1);
    cJSON *e = event_new("module");
    event_u64(e, "depth", row->depth);
    event_bool(e, "last", is_last(job, i));
    event_bytes(e, "name", row->name, TEXT_CAP);
    event_bool(e, "known", row->leaf);
    if (row->line.n) event_text(e, "line", row->line, TEXT_CAP);
    if (row->open.n) event_text(e, "open", row->open, TEXT_CAP);
    event_u64(e, "params", row->params);
    if (row->mode != above[depth] && words[row->mode]) event_str(e, "mode", words[row->mode]);
    above[depth + 1] = row->mode == MODE_UNKNOWN ? above[depth] : row->mode;
    report_event(report, e);
  }
}
