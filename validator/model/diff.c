#include "model/diff_parts.h"

static const uint8_t magic[8] = {'C', 'K', 'L', 'D', 'I', 'F', 0, 1};

const struct diff_kind_row diff_kinds[DIFF_KINDS] = {
#define DIFF(id, word, table, differs) {word, DIFF_OF_##table, differs},
#include "model/diff_kinds.def"
#undef DIFF
};

struct diff_row *diff_add(struct differ *d, enum diff_kind kind, uint32_t a, uint32_t b) {
  d->report->count[kind]++;
  if (d->report->num_rows == d->max_rows) return NULL;
  struct diff_row *row = &d->report->rows[d->report->num_rows++];
  *row = (struct diff_row){.kind = kind, .a = a, .b = b};
  return row;
}

/* ---- the weights ---- */

static void compare_pair(struct differ *d, uint32_t a, uint32_t b) {
  struct diff_row found = {0};
  enum diff_answer answer = diff_tensors(d, a, b, &found);
  d->report->equal += answer == DIFF_EQUAL;
  d->report->within += answer == DIFF_WITHIN;
  if (answer == DIFF_EQUAL) return;
  enum diff_kind kind = answer == DIFF_UNKNOWN ? DIFF_UNREAD : (enum diff_kind)found.kind;
  struct diff_row *row = diff_add(d, kind, a + 1, b + 1);
  if (!row || answer == DIFF_UNKNOWN) return;
  found.a = a + 1;
  found.b = b + 1;
  *row = found;
}

static void compare_weights(struct differ *d) {
  const struct diff_names *a = &d->side[0], *b = &d->side[1];
  for (uint32_t i = 0; i < a->n; i++) {
    if (d->pair[i])
      compare_pair(d, a->tensor[i], b->tensor[d->pair[i] - 1]);
    else
      diff_add(d, DIFF_REMOVED, a->tensor[i] + 1, 0);
  }
  for (uint32_t i = 0; i < b->n; i++)
    if (!diff_find_name(d, 0, b->name[i])) diff_add(d, DIFF_ADDED, 0, b->tensor[i] + 1);
}

/* ---- ties: tensors of one storage and view ---- */

/* `firsts`, by plan_tensor.tied: the first name of that group, 1-based. */
static uint32_t first_of(uint32_t *firsts, const struct diff_names *s, uint32_t tensor, uint32_t name) {
  uint32_t *first = &firsts[s->plan->tensors[tensor].tied];
  if (!*first) *first = name;
  return *first;
}

/* Both sides' groups are named by their first member in the order of a's names. */
static bool compare_ties(struct differ *d) {
  const struct diff_names *a = &d->side[0], *b = &d->side[1];
  uint32_t *x = arena_array(d->arena, a->plan->num_tensors, uint32_t);
  uint32_t *y = arena_array(d->arena, b->plan->num_tensors, uint32_t);
  if (!x || !y) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    if (!d->pair[i]) continue;
    uint32_t s = a->tensor[i], t = b->tensor[d->pair[i] - 1];
    uint32_t with_a = first_of(x, a, s, i + 1), with_b = first_of(y, b, t, i + 1);
    if (with_a == with_b) continue;
    struct diff_row *row = with_a != i + 1 ? diff_add(d, DIFF_UNTIED, s + 1, t + 1) : NULL;
    if (row) row->partner = a->tensor[with_a - 1] + 1;
    row = with_b != i + 1 ? diff_add(d, DIFF_TIED, s + 1, t + 1) : NULL;
    if (row) row->partner = b->tensor[d->pair[with_b - 1] - 1] + 1;
  }
  return true;
}

/* ---- the whole ---- */

static bool choose_dict(struct differ *d, uint32_t side, uint32_t *number) {
  const struct diff_side *s = &d->request->side[side];
  const struct plan_dict *best = s->plan->num_dicts ? s->plan->dicts : NULL;
  const struct plan_dict *dict = s->key.n ? plan_dict_at(s->plan, s->key) : best;
  d->side[side] = (struct diff_names){.plan = s->plan, .dict = dict};
  if (dict) *number = (uint32_t)(dict - s->plan->dicts) + 1;
  if (dict || !s->key.n) return true;
  return refuse(
      d->o, (struct observation){
                .kind = OBS_DIFF_KEY, .subject = s->key, .detail = side ? SPAN("second") : SPAN("first")});
}

static bool open_bytes(struct differ *d) {
  for (uint32_t i = 0; i < ARRAY_LEN(d->side); i++)
    if (!plan_bytes_open(&d->side[i].bytes, d->side[i].plan, d->request->side[i].file, d->arena, d->o))
      return false;
  return true;
}

/* "2 changed, 1 added" */
static struct span differences(struct differ *d) {
  struct span text = {0};
  for (int kind = 0; kind < DIFF_KINDS; kind++)
    if (diff_kinds[kind].differs && d->report->count[kind])
      text = arena_printf(d->arena, "%.*s%s%u %s", (int)text.n, (const char *)text.p, text.n ? ", " : "",
                          d->report->count[kind], diff_kinds[kind].word);
  return text;
}

static void tell(struct differ *d) {
  const struct diff_report *r = d->report;
  if (r->count[DIFF_UNREAD])
    observe(d->o, (struct observation){.kind = OBS_DIFF_UNREAD, .got = r->count[DIFF_UNREAD]});
  if (diff_differs(r))
    observe(d->o, (struct observation){.kind = OBS_DIFF_DIFFERS, .detail = differences(d), .got = r->equal});
}

bool diff_run(const struct diff_request *request, void *region, size_t size, struct arena *a,
              struct observations *o) {
  struct differ d = {.request = request, .arena = a, .o = o, .report = region};
  if (size < sizeof *d.report) return false;
  d.max_rows = (uint32_t)min_u64((size - sizeof *d.report) / sizeof(struct diff_row), request->max->tensors);
  uint64_t both = request->side[0].file.n + request->side[1].file.n;
  if (!try_mul(both, UINT64_C(4), &d.bytes_left)) d.bytes_left = UINT64_MAX;
  memcpy(d.report->magic, magic, sizeof magic);
  if (!choose_dict(&d, 0, &d.report->dict_a) || !choose_dict(&d, 1, &d.report->dict_b) || !open_bytes(&d) ||
      !diff_read_names(&d))
    return false;
  compare_weights(&d);
  if (!compare_ties(&d) || !diff_globals(&d) || !diff_values(&d)) return false;
  tell(&d);
  d.report->complete = 1;
  return true;
}

/* ---- reading ---- */

static bool row_ok(const struct diff_row *row, const struct plan *a, const struct plan *b) {
  if (row->kind >= DIFF_KINDS || row->within > 1 || row->figures > 1 || (!row->a && !row->b)) return false;
  uint32_t most_a = 0, most_b = 0, partners = 0;
  switch (diff_kinds[row->kind].table) {
  case DIFF_OF_tensors:
    most_a = a->num_tensors;
    most_b = b->num_tensors;
    break;
  case DIFF_OF_globals:
    most_a = a->num_globals;
    most_b = b->num_globals;
    break;
  case DIFF_OF_values:
    most_a = a->num_values;
    most_b = b->num_values;
    break;
  }
  if (row->kind == DIFF_UNTIED) partners = a->num_tensors;
  if (row->kind == DIFF_TIED) partners = b->num_tensors;
  return row->a <= most_a && row->b <= most_b && row->partner <= partners &&
         (row->partner > 0) == (partners > 0);
}

const struct diff_report *diff_open(const void *region, size_t size, const struct plan *a,
                                    const struct plan *b, const char **why) {
  const struct diff_report *r = region;
  *why = "the header";
  if (size < sizeof *r || memcmp(r->magic, magic, sizeof magic) != 0 || r->complete != 1) return NULL;
  if (r->dict_a > a->num_dicts || r->dict_b > b->num_dicts || r->prefix_of_b > 1 || r->prefix_n > DIFF_PREFIX)
    return NULL;
  if (r->num_rows > (size - sizeof *r) / sizeof(struct diff_row)) return NULL;
  *why = "a row";
  for (uint32_t i = 0; i < r->num_rows; i++)
    if (!row_ok(&r->rows[i], a, b)) return NULL;
  *why = NULL;
  return r;
}

bool diff_differs(const struct diff_report *r) {
  uint64_t differing = 0;
  for (int kind = 0; kind < DIFF_KINDS; kind++)
    if (diff_kinds[kind].differs) differing += r->count[kind];
  return differing > r->within; /* rows within the tolerances are counted among the changed and retyped */
}
