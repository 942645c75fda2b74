/* Could training go on from here? What an optimizer's state, a scheduler's and the epoch say of one another,
 * whatever the model (format-spec F.1). */
#include "arch/match_parts.h"
#include "model/purpose.h"

struct resume {
  struct matcher *m;
  uint32_t optimizer, scheduler; /* their rows; UINT32_MAX: none */
  struct span path;              /* of the optimizer */
  uint64_t listed, kept;         /* parameters in the groups, and with state */
  double step;                   /* the greatest of the state; negative: none */
};

/* The first value below the root with that purpose. */
static uint32_t find_purpose(const struct plan *p, enum purpose purpose) {
  for (uint32_t i = p->num_values ? 1 : 0; i < p->num_values && i < p->values[0].end; i = p->values[i].end)
    if (purpose_of(p, i) == purpose) return i;
  return UINT32_MAX;
}

static uint32_t child(const struct plan *p, uint32_t row, const char *key) {
  uint32_t i = row == UINT32_MAX ? row : plan_child(p, row, span_str(key));
  return i == UINT32_MAX ? i : plan_resolve(p, i);
}

static bool number_at(struct resume *r, uint32_t row, double *out) {
  struct number number;
  if (row == UINT32_MAX || !match_number(r->m, row, &number)) return false;
  *out = number.value;
  return number.known;
}

/* ---- the state's kind ---- */

/* What only one family of optimizers has: among the keys of a group, and of a parameter's state. */
static const struct {
  const char *family, *group, *state;
} families[] = {
    {"Adam", "betas", "exp_avg"},
    {"SGD", "dampening", "momentum_buffer"},
    {"RMSprop", "centered", "square_avg"},
    {"Adadelta", "rho", "acc_delta"},
    {"Adagrad", "lr_decay", "sum"},
    {"Rprop", "etas", "prev"},
    {"ASGD", "lambd", "ax"},
    {"LBFGS", "history_size", "func_evals"},
};

static const char *family_of_group(const struct plan *p, uint32_t group) {
  for (size_t i = 0; i < ARRAY_LEN(families); i++)
    if (child(p, group, families[i].group) != UINT32_MAX) return families[i].family;
  return NULL;
}

/* RMSprop and Adadelta share square_avg: acc_delta is the one that tells. RMSprop may keep momentum too. */
static const char *family_of_state(const struct plan *p, uint32_t entry) {
  static const size_t order[] = {0, 3, 2, 4, 5, 6, 7, 1};
  for (size_t i = 0; i < ARRAY_LEN(order); i++)
    if (child(p, entry, families[order[i]].state) != UINT32_MAX) return families[order[i]].family;
  return NULL;
}

/* The first parameter's whose state is of another kind is told. */
static void check_kind(struct resume *r, uint32_t group, uint32_t state) {
  const struct plan *p = r->m->plan;
  const char *wants = family_of_group(p, group), *has = NULL;
  for (uint32_t i = state + 1; wants && i < p->values[state].end; i = p->values[i].end) {
    uint32_t entry = plan_resolve(p, i);
    if (p->values[entry].kind == PLAN_VAL_DICT) has = family_of_state(p, entry);
    if (!has || strcmp(wants, has) == 0) continue;
    match_note(r->m, OBS_RESUME_KIND, r->path, 0, "its groups are those of %s, its state is that of %s",
               wants, has);
    return;
  }
}

/* ---- completeness ---- */

static void count_groups(struct resume *r, uint32_t groups) {
  const struct plan *p = r->m->plan;
  for (uint32_t g = groups + 1; g < p->values[groups].end; g = p->values[g].end) {
    uint32_t params = plan_child(p, g, SPAN("params"));
    for (uint32_t i = params == UINT32_MAX ? params : params + 1;
         i != UINT32_MAX && i < p->values[params].end; i = p->values[i].end)
      r->listed++;
  }
}

static void walk_state(struct resume *r, uint32_t state) {
  const struct plan *p = r->m->plan;
  for (uint32_t i = state + 1; i < p->values[state].end; i = p->values[i].end) {
    double step;
    if (p->values[i].kind != PLAN_VAL_DICT) continue;
    r->kept++;
    if (number_at(r, child(p, i, "step"), &step) && step > r->step) r->step = step;
  }
}

static bool is_cut(const struct plan *p, uint32_t row) {
  uint32_t end = p->values[row].end;
  return end > row + 1 && p->values[end - 1].kind == PLAN_VAL_CUT;
}

/* A scheduler that goes on asks for initial_lr, and raises KeyError without it. */
static void check_initial_lr(struct resume *r, uint32_t groups) {
  const struct plan *p = r->m->plan;
  uint64_t without = 0;
  if (r->scheduler == UINT32_MAX) return;
  for (uint32_t g = groups + 1; g < p->values[groups].end; g = p->values[g].end)
    without += p->values[g].kind == PLAN_VAL_DICT && child(p, g, "initial_lr") == UINT32_MAX;
  if (without)
    observe(r->m->o, (struct observation){.kind = OBS_RESUME_LR, .subject = r->path, .got = without});
}

static void check_optimizer(struct resume *r) {
  const struct plan *p = r->m->plan;
  uint32_t groups = child(p, r->optimizer, "param_groups"), state = child(p, r->optimizer, "state");
  if (groups == UINT32_MAX || state == UINT32_MAX || is_cut(p, state) || is_cut(p, groups)) return;
  count_groups(r, groups);
  walk_state(r, state);
  uint32_t first = state + 1 < p->values[state].end ? plan_resolve(p, state + 1) : UINT32_MAX;
  bool whole = child(p, first, "func_evals") != UINT32_MAX; /* LBFGS: one entry for all */
  if (r->kept && r->kept < r->listed && !whole)
    observe(r->m->o, (struct observation){
                         .kind = OBS_RESUME_PARTIAL, .subject = r->path, .got = r->kept, .want = r->listed});
  if (groups + 1 < p->values[groups].end) check_kind(r, groups + 1, state);
  check_initial_lr(r, groups);
}

/* ---- how far it went ---- */

static void check_progress(struct resume *r) {
  double epoch = -1, last = -1;
  bool has_epoch = number_at(r, child(r->m->plan, 0, "epoch"), &epoch) && epoch > 0;
  bool has_last = number_at(r, child(r->m->plan, r->scheduler, "last_epoch"), &last) && last >= 0;
  /* Saved in an epoch or behind it: one less is no contradiction. */
  if (has_epoch && r->step >= 0 && r->step < epoch)
    match_note(r->m, OBS_RESUME_PROGRESS, SPAN("epoch"), 0, "%.0f, but the optimizer's step is %.0f", epoch,
               r->step);
  if (has_epoch && has_last && last + 1 < epoch)
    match_note(r->m, OBS_RESUME_PROGRESS, SPAN("epoch"), 0, "%.0f, but the scheduler's last_epoch is %.0f",
               epoch, last);
  if (has_last && r->step >= 0 && r->step < last)
    match_note(r->m, OBS_RESUME_PROGRESS, SPAN("last_epoch"), 0, "%.0f, but the optimizer's step is %.0f",
               last, r->step);
}

void match_resume(struct matcher *m) {
  const struct plan *p = m->plan;
  struct span path = m->model->arch->optimizer_path;
  struct resume r = {.m = m, .step = -1, .path = path};
  if (p->num_values == 0 || p->values[0].kind != PLAN_VAL_DICT) return;
  r.scheduler = find_purpose(p, PURPOSE_SCHEDULER);
  r.optimizer = path.n ? plan_find(p, path) : find_purpose(p, PURPOSE_OPTIMIZER);
  if (r.optimizer != UINT32_MAX && !path.n) r.path = plan_span(p, p->values[r.optimizer].key);
  if (r.optimizer != UINT32_MAX) {
    r.optimizer = plan_resolve(p, r.optimizer);
    check_optimizer(&r);
  }
  check_progress(&r);
}
