/* einsum('bhid,bhjd->bhij', q, k): sums of products over the labels that the result does not have. Operands
 * are contracted from left to right, each time as matrix products: labels of both that are kept are batch
 * dimensions, those of one side rows or columns, the others are summed. */
#include "forward/families.h"
#include "forward/strided.h"

enum { EQUATION, OPERANDS };
enum {
  LETTERS = 52,
  LABELS = LETTERS + FT_DIMS
}; /* A-Z, a-z as PyTorch orders them, then the dimensions of an ellipsis */

/* A tensor whose dimensions have labels, each once. */
struct term {
  const float *data;
  uint32_t n;
  uint8_t label[STRIDED_DIMS];
  uint64_t size[STRIDED_DIMS];
  int64_t stride[STRIDED_DIMS];
};

struct einsum {
  struct span out; /* what stands behind the arrow */
  bool explicit_out;
  uint32_t ellipsis;     /* dimensions that "..." stands for, at most */
  uint32_t used[LABELS]; /* how often a label stands in the operands */
  uint32_t num_out;
  uint8_t out_label[FT_DIMS];
};

/* ---- the equation ---- */

static bool letter(uint8_t ch, uint8_t *label) {
  const bool upper = ch >= 'A' && ch <= 'Z', lower = ch >= 'a' && ch <= 'z';
  *label = (uint8_t)(upper ? ch - 'A' : lower ? 26 + ch - 'a' : 0);
  return upper || lower;
}

/* The next label of a term, or "..." as its first dimension; spaces are nothing. False: the term ends, or an
 * error. */
enum token { TOKEN_END, TOKEN_LABEL, TOKEN_ELLIPSIS, TOKEN_ERROR };
static enum token next_token(struct span *text, uint8_t *label) {
  while (text->n && text->p[0] == ' ') *text = span_from(*text, 1);
  if (text->n == 0) return TOKEN_END;
  if (text->n >= 3 && memcmp(text->p, "...", 3) == 0) {
    *text = span_from(*text, 3);
    return TOKEN_ELLIPSIS;
  }
  if (!letter(text->p[0], label)) return TOKEN_ERROR;
  *text = span_from(*text, 1);
  return TOKEN_LABEL;
}

/* Takes the part up to `end` (or all) off the front. */
static struct span take_part(struct span *text, const char *end) {
  const uint8_t *at = memmem(text->p, text->n, end, strlen(end));
  struct span part = span_first(*text, at ? (size_t)(at - text->p) : text->n);
  *text = span_from(*text, at ? part.n + strlen(end) : part.n);
  return part;
}

static bool equation_error(struct op_call *c) { return op_error(c, "an equation that can't be read"); }

/* How many dimensions of t "..." stands for. */
static bool count_ellipsis(struct op_call *c, struct span part, const struct ftensor *t, uint32_t *ellipsis) {
  uint32_t labels = 0, ellipses = 0;
  uint8_t label;
  for (enum token k; (k = next_token(&part, &label)) != TOKEN_END;) {
    if (k == TOKEN_ERROR) return equation_error(c);
    labels += k == TOKEN_LABEL;
    ellipses += k == TOKEN_ELLIPSIS;
  }
  if (ellipses > 1) return equation_error(c);
  if (ellipses ? labels > t->ndim : labels != t->ndim)
    return op_error(c, "%u labels for %s", labels, ft_shape_text(c->arena, t));
  *ellipsis = ellipses ? t->ndim - labels : 0;
  return true;
}

static bool add_dimension(struct op_call *c, struct term *t, uint8_t label, uint64_t size, int64_t stride) {
  for (uint32_t i = 0; i < t->n; i++) {
    if (t->label[i] != label) continue;
    if (t->size[i] != size) return op_error(c, "a label twice for dimensions of different size");
    t->stride[i] += stride; /* 'ii': the diagonal */
    return true;
  }
  t->label[t->n] = label;
  t->size[t->n] = size;
  t->stride[t->n++] = stride;
  return true;
}

/* One operand under its labels. An ellipsis is aligned at its last dimension. */
static bool read_term(struct op_call *c, struct einsum *e, struct span part, const struct ftensor *x,
                      struct term *t) {
  struct strided dense;
  uint32_t own = 0, d = 0;
  uint8_t label = 0;
  if (!op_wants_f32(c, "an operand", x) || !count_ellipsis(c, part, x, &own)) return false;
  *t = (struct term){.data = x->data.in};
  strided_dense(&dense, x);
  for (enum token k; (k = next_token(&part, &label)) != TOKEN_END;) {
    for (uint32_t i = 0; k == TOKEN_ELLIPSIS && i < own; i++, d++)
      if (!add_dimension(c, t, (uint8_t)(LETTERS + e->ellipsis - own + i), dense.size[d], dense.stride[d]))
        return false;
    if (k != TOKEN_LABEL) continue;
    e->used[label]++;
    if (!add_dimension(c, t, label, dense.size[d], dense.stride[d])) return false;
    d++;
  }
  return true;
}

static bool add_output(struct op_call *c, struct einsum *e, uint8_t label) {
  for (uint32_t i = 0; i < e->num_out; i++)
    if (e->out_label[i] == label) return op_error(c, "a label twice in the result");
  if (e->num_out == FT_DIMS) return op_unsupported(c, "a result of more than %d dimensions", FT_DIMS);
  e->out_label[e->num_out++] = label;
  return true;
}

static bool read_output(struct op_call *c, struct einsum *e) {
  bool ellipsis = !e->explicit_out;
  uint8_t label = 0;
  for (uint32_t i = 0; !e->explicit_out && i < e->ellipsis; i++)
    if (!add_output(c, e, (uint8_t)(LETTERS + i))) return false;
  for (uint8_t i = 0; !e->explicit_out && i < LETTERS; i++)
    if (e->used[i] == 1 && !add_output(c, e, i)) return false;
  for (enum token k; (k = next_token(&e->out, &label)) != TOKEN_END;) {
    if (k == TOKEN_ERROR || (k == TOKEN_ELLIPSIS && ellipsis)) return equation_error(c);
    ellipsis = ellipsis || k == TOKEN_ELLIPSIS;
    for (uint32_t i = 0; k == TOKEN_ELLIPSIS && i < e->ellipsis; i++)
      if (!add_output(c, e, (uint8_t)(LETTERS + i))) return false;
    if (k == TOKEN_LABEL && !e->used[label]) return op_error(c, "a label of the result that no operand has");
    if (k == TOKEN_LABEL && !add_output(c, e, label)) return false;
  }
  return true;
}

/* Reads the equation; terms has an element for each operand. */
static bool einsum_read(struct op_call *c, struct einsum *e, struct term *terms) {
  const struct op_value *operands = &c->arg[OPERANDS];
  struct span text = c->arg[EQUATION].text, left = take_part(&text, "->"), rest = left;
  *e = (struct einsum){.out = text, .explicit_out = left.n < c->arg[EQUATION].text.n};
  uint32_t expected = 1;
  for (size_t i = 0; i < left.n; i++) expected += left.p[i] == ',';
  if (expected != operands->n) return op_error(c, "%u operands for %u terms", operands->n, expected);
  for (uint32_t i = 0; i < operands->n; i++) {
    uint32_t own = 0;
    if (!count_ellipsis(c, take_part(&rest, ","), operands->tensors[i], &own)) return false;
    if (own > e->ellipsis) e->ellipsis = own;
  }
  for (uint32_t i = 0; i < operands->n; i++)
    if (!read_term(c, e, take_part(&left, ","), operands->tensors[i], &terms[i])) return false;
  return read_output(c, e);
}

static struct term *make_terms(struct op_call *c) {
  struct term *terms = arena_array(c->arena, c->arg[OPERANDS].n, struct term);
  if (!terms) (void)!op_no_memory(c);
  return terms;
}

/* ---- contracting two terms ---- */

static uint32_t find_label(const struct term *t, uint8_t label) {
  uint32_t i = 0;
  while (i < t->n && t->label[i] != label) i++;
  return i;
}

enum role { BATCH, ROW, COLUMN, SUMMED, ROLES };
struct contraction {
  uint64_t count[ROLES];      /* products of sizes */
  struct strided left, right; /* [batch, row, summed] and [batch, summed, column] */
  struct term result;         /* dense: [batch, row, column]; no data */
};

struct shared_dimension {
  uint8_t label;
  uint64_t size;
  int64_t left, right; /* strides; 0 where an operand has it not, or once for all */
  enum role role;
};

static bool share_dimension(struct op_call *c, const struct term *a, const struct term *b, uint8_t label,
                            bool kept, struct shared_dimension *d) {
  const uint32_t i = find_label(a, label), k = find_label(b, label);
  const bool in_a = i < a->n, in_b = k < b->n;
  const uint64_t size_a = in_a ? a->size[i] : 1, size_b = in_b ? b->size[k] : 1;
  if (size_a != size_b && size_a != 1 && size_b != 1)
    return op_error(c, "a label for %llu and for %llu elements", (unsigned long long)size_a,
                    (unsigned long long)size_b);
  *d = (struct shared_dimension){.label = label,
                                 .size = size_a == 1 ? size_b : size_a,
                                 .left = in_a && size_a != 1 ? a->stride[i] : 0,
                                 .right = in_b && size_b != 1 ? b->stride[k] : 0};
  d->role = !kept ? SUMMED : in_a && in_b ? BATCH : in_a ? ROW : COLUMN;
  return true;
}

static void add_to(struct strided *v, uint64_t size, int64_t stride) {
  strided_insert(v, v->ndim, size, stride);
}

static bool plan_contraction(struct op_call *c, const struct term *a, const struct term *b, const bool *kept,
                             struct contraction *p) {
  static const enum role left[] = {BATCH, ROW, SUMMED}, right[] = {BATCH, SUMMED, COLUMN},
                         result[] = {BATCH, ROW, COLUMN};
  struct shared_dimension all[LABELS];
  uint32_t n = 0;
  *p = (struct contraction){.count = {1, 1, 1, 1}};
  for (uint32_t each = 0; each < LABELS; each++) {
    const uint8_t label = (uint8_t)each;
    if (find_label(a, label) == a->n && find_label(b, label) == b->n) continue;
    if (n == STRIDED_DIMS) return op_unsupported(c, "more than %d labels at once", STRIDED_DIMS);
    if (!share_dimension(c, a, b, label, kept[label], &all[n])) return false;
    if (!try_mul(p->count[all[n].role], all[n].size, &p->count[all[n].role]))
      return op_error(c, "the result has too many elements");
    n++;
  }
  for (uint32_t r = 0; r < 3; r++)
    for (uint32_t i = 0; i < n; i++) {
      if (all[i].role == left[r]) add_to(&p->left, all[i].size, all[i].left);
      if (all[i].role == right[r]) add_to(&p->right, all[i].size, all[i].right);
      if (all[i].role != result[r]) continue;
      p->result.label[p->result.n] = all[i].label;
      p->result.size[p->result.n++] = all[i].size;
    }
  int64_t stride = 1;
  for (uint32_t i = p->result.n; i > 0; i--) {
    p->result.stride[i - 1] = stride;
    if (!try_mul(stride, (int64_t)(p->result.size[i - 1] ? p->result.size[i - 1] : 1), &stride))
      return op_error(c, "the result has too many elements");
  }
  return true;
}

/* Bytes of one side or of the result, in floats of four bytes; at least one element. */
static bool float_bytes(struct op_call *c, uint64_t a, uint64_t b, uint64_t d, uint64_t *bytes) {
  uint64_t n;
  if (!try_mul(a, b, &n) || !try_mul(n, d, &n) || !try_mul(n, sizeof(float), bytes) ||
      *bytes > UINT64_MAX / 32)
    return op_error(c, "an intermediate result has too many elements");
  return true;
}

/* The elements of one side in the order of its view: as they lie, or copied. */
static bool lay_out(struct op_call *c, const struct term *t, const struct strided *v, uint64_t bytes,
                    const float **out, float **owned) {
  const struct ftensor from = {.type = FT_F32, .numel = 1, .data.in = t->data};
  *owned = NULL;
  *out = t->data;
  if (strided_is_dense(v)) return true;
  *out = *owned = fpool_take(c->pool, bytes);
  if (!*owned) return op_no_memory(c);
  strided_copy(*owned, &from, v);
  return true;
}

static bool multiply(struct op_call *c, const struct contraction *p, const float *a, const float *b,
                     float *out) {
  const uint64_t m = p->count[ROW], n = p->count[COLUMN], k = p->count[SUMMED];
  for (uint64_t i = 0; m && n && i < p->count[BATCH]; i++)
    if (!gemm_multiply(c->gemm, m, n, k, (struct gemm_operand){a + i * m * k, k, false},
                       (struct gemm_operand){b + i * k * n, n, false}, out + i * m * n, n))
      return op_unsupported(c, "a matrix with 2^31 or more rows or columns");
  return true;
}

/* *result is memory of the pool; a's, if it is such, is still there. */
static bool contract(struct op_call *c, const struct term *a, const struct term *b, struct contraction *p,
                     float **result) {
  uint64_t left = 0, right = 0, bytes = 0;
  const float *pa = NULL, *pb = NULL;
  float *own_a = NULL, *own_b = NULL;
  *result = NULL;
  if (!float_bytes(c, p->count[BATCH], p->count[ROW], p->count[SUMMED], &left) ||
      !float_bytes(c, p->count[BATCH], p->count[SUMMED], p->count[COLUMN], &right) ||
      !float_bytes(c, p->count[BATCH], p->count[ROW], p->count[COLUMN], &bytes))
    return false;
  *result = fpool_take(c->pool, bytes);
  bool done = *result ? lay_out(c, a, &p->left, left, &pa, &own_a) &&
                            lay_out(c, b, &p->right, right, &pb, &own_b) && multiply(c, p, pa, pb, *result)
                      : op_no_memory(c);
  fpool_give(c->pool, own_b);
  fpool_give(c->pool, own_a);
  return done;
}

/* ---- all of them ---- */

/* Labels that the result or a later operand has. */
static void keep_labels(const struct einsum *e, const struct term *terms, uint32_t from, uint32_t n,
                        bool *kept) {
  memset(kept, 0, LABELS * sizeof *kept);
  for (uint32_t i = 0; i < e->num_out; i++) kept[e->out_label[i]] = true;
  for (uint32_t t = from; t < n; t++)
    for (uint32_t i = 0; i < terms[t].n; i++) kept[terms[t].label[i]] = true;
}

/* Contracts one after the other; without `run` only shapes and cost. *memory: of the last result. */
static bool walk(struct op_call *c, const struct einsum *e, struct term *terms, bool run, struct term *last,
                 uint64_t *cost, float **memory) {
  static const float one = 1;
  const struct term unit = {.data = &one};
  const uint32_t n = c->arg[OPERANDS].n;
  *last = terms[0];
  *memory = NULL;
  for (uint32_t i = 1; i < (n == 1 ? 2 : n); i++) {
    bool kept[LABELS];
    struct contraction p;
    float *result = NULL;
    keep_labels(e, terms, i + 1, n, kept);
    const struct term *other = n == 1 ? &unit : &terms[i];
    if (!plan_contraction(c, last, other, kept, &p)) return false;
    uint64_t operations = 2;
    for (uint32_t r = 0; r < ROLES; r++) operations = saturating_mul(operations, p.count[r]);
    *cost = saturating_add(*cost, operations);
    bool done = !run || contract(c, last, other, &p, &result);
    fpool_give(c->pool, *memory);
    *memory = result;
    *last = p.result;
    last->data = result;
    if (!done) return false;
  }
  return true;
}

/* The last result in the order of the output. */
static void order_output(const struct einsum *e, const struct term *last, struct strided *v) {
  *v = (struct strided){.ndim = 0};
  for (uint32_t i = 0; i < e->num_out; i++) {
    const uint32_t at = find_label(last, e->out_label[i]);
    add_to(v, last->size[at], last->stride[at]);
  }
}

bool einsum_shape(struct op_call *c) {
  struct einsum e;
  struct term *terms = make_terms(c), last;
  struct strided v;
  uint64_t cost = 0;
  float *memory;
  if (!terms || !einsum_read(c, &e, terms) || !walk(c, &e, terms, false, &last, &cost, &memory)) return false;
  order_output(&e, &last, &v);
  return op_result(c, FT_F32, v.size, v.ndim);
}

uint64_t einsum_cost(const struct op_call *c) {
  struct op_call copy = *c;
  struct einsum e;
  struct term *terms = make_terms(&copy), last;
  uint64_t cost = 0;
  float *memory;
  if (!terms || !einsum_read(&copy, &e, terms) || !walk(&copy, &e, terms, false, &last, &cost, &memory))
    return UINT64_MAX;
  return cost;
}

bool einsum_run(struct op_call *c) {
  struct einsum e;
  struct term *terms = make_terms(c), last;
  uint64_t cost = 0;
  float *memory = NULL;
  if (!terms || !einsum_read(c, &e, terms)) return false;
  if (c->out->numel == 0) return true;
  bool done = walk(c, &e, terms, true, &last, &cost, &memory);
  if (done) {
    const struct ftensor from = {.type = FT_F32, .numel = 1, .data.in = memory};
    struct strided v;
    order_output(&e, &last, &v);
    strided_copy(c->out->data.out, &from, &v);
  }
  fpool_give(c->pool, memory);
  return done;
}
