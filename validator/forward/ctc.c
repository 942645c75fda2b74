/* ctc(log_probs, targets, input_lengths, target_lengths, …): the loss of each sequence, by the forward
 * variables of Graves et al. 2006, equations 6 to 8, as torch's LossCTC.cpp has them; sums in double. */
#include <math.h>

#include "forward/families.h"

enum { LOG_PROBS, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS, BLANK, ZERO_INFINITY, PER_TARGET };

static uint64_t count_of(const struct op_value *lengths) {
  return lengths->kind == OPV_TENSOR ? lengths->tensor->numel : lengths->kind == OPV_INTS ? lengths->n : 1;
}
static int64_t length_of(const struct op_value *lengths, uint64_t i) {
  return lengths->kind == OPV_TENSOR ? ft_i64(lengths->tensor)[i]
         : lengths->kind == OPV_INTS ? lengths->ints[i]
                                     : lengths->i;
}

static bool fits_lengths(struct op_call *c, const char *what, const struct op_value *lengths, uint64_t n) {
  if (lengths->kind == OPV_TENSOR && lengths->tensor->type != FT_I64)
    return op_error(c, "%s are %s, expected int64", what, ft_name(lengths->tensor->type));
  return count_of(lengths) == n ||
         op_error(c, "%llu %s for %llu sequences", (unsigned long long)count_of(lengths), what,
                  (unsigned long long)n);
}

/* log_probs [T, N, C] with targets [N, S] or all in one row, or without a batch. */
bool ctc_shape(struct op_call *c) {
  const struct ftensor *p = op_tensor(c, LOG_PROBS), *targets = op_tensor(c, TARGETS);
  if (!op_wants_f32(c, "log_probs", p)) return false;
  if (p->ndim != 2 && p->ndim != 3)
    return op_error(c, "log_probs %s, expected [T, N, C] or [T, C]", ft_shape_text(c->arena, p));
  const bool batched = p->ndim == 3;
  const uint64_t n = batched ? p->size[1] : 1, classes = p->size[p->ndim - 1];
  if (targets->type != FT_I64) return op_error(c, "targets are %s, expected int64", ft_name(targets->type));
  if (batched ? targets->ndim != 1 && (targets->ndim != 2 || targets->size[0] != n) : targets->ndim != 1)
    return op_error(c, "targets %s for %llu sequences", ft_shape_text(c->arena, targets),
                    (unsigned long long)n);
  if (c->arg[BLANK].i < 0 || (uint64_t)c->arg[BLANK].i >= classes)
    return op_error(c, "blank is %lld of %llu classes", (long long)c->arg[BLANK].i,
                    (unsigned long long)classes);
  return fits_lengths(c, "input_lengths", &c->arg[INPUT_LENGTHS], n) &&
         fits_lengths(c, "target_lengths", &c->arg[TARGET_LENGTHS], n) && op_result(c, FT_F32, &n, batched);
}

/* States of the longest sequence: its targets, with blanks around each. */
static uint64_t most_states(const struct op_call *c) {
  const struct ftensor *targets = op_tensor(c, TARGETS);
  return 2 * (targets->ndim == 2 ? targets->size[1] : targets->numel) + 1;
}

uint64_t ctc_cost(const struct op_call *c) {
  const struct ftensor *p = op_tensor(c, LOG_PROBS);
  const uint64_t frames = saturating_mul(p->size[0], p->ndim == 3 ? p->size[1] : 1);
  return saturating_mul(saturating_mul(frames, most_states(c)), 32);
}

struct sequence {
  const float *log_probs; /* of the first frame */
  uint64_t step;          /* to the next frame */
  const int64_t *targets;
  uint64_t frames, length;
  int64_t blank;
};

static int64_t symbol(const struct sequence *s, uint64_t state) {
  return state % 2 ? s->targets[state / 2] : s->blank;
}

static double log_sum(double a, double b, double c) {
  const double most = fmax(a, fmax(b, c));
  if (isinf(most) && most < 0) return most;
  return most + log(exp(a - most) + exp(b - most) + exp(c - most));
}

/* `now` and `next` have a place for each state. */
static double loss_of(const struct sequence *s, double *now, double *next) {
  const uint64_t states = 2 * s->length + 1;
  if (s->frames == 0) return s->length ? HUGE_VAL : 0;
  for (uint64_t i = 0; i < states; i++) now[i] = i < 2 ? (double)s->log_probs[symbol(s, i)] : -HUGE_VAL;
  for (uint64_t t = 1; t < s->frames; t++) {
    for (uint64_t i = 0; i < states; i++) {
      const bool skips = i > 1 && symbol(s, i) != symbol(s, i - 2);
      next[i] = log_sum(now[i], i ? now[i - 1] : -HUGE_VAL, skips ? now[i - 2] : -HUGE_VAL) +
                (double)s->log_probs[t * s->step + (uint64_t)symbol(s, i)];
    }
    double *last = now;
    now = next;
    next = last;
  }
  return -log_sum(now[states - 1], s->length ? now[states - 2] : -HUGE_VAL, -HUGE_VAL);
}

/* The targets of a sequence, which begin at `start`; each names a class. */
static bool take_targets(struct op_call *c, struct sequence *s, uint64_t start, uint64_t classes) {
  s->targets = ft_i64(op_tensor(c, TARGETS)) + start;
  for (uint64_t i = 0; i < s->length; i++)
    if (s->targets[i] < 0 || (uint64_t)s->targets[i] >= classes)
      return op_error(c, "target %lld of %llu classes", (long long)s->targets[i],
                      (unsigned long long)classes);
  return true;
}

static bool take_sequence(struct op_call *c, uint64_t i, uint64_t *used, struct sequence *s) {
  const struct ftensor *p = op_tensor(c, LOG_PROBS), *targets = op_tensor(c, TARGETS);
  const int64_t frames = length_of(&c->arg[INPUT_LENGTHS], i), length = length_of(&c->arg[TARGET_LENGTHS], i);
  const uint64_t classes = p->size[p->ndim - 1],
                 room = targets->ndim == 2 ? targets->size[1] : targets->numel - *used;
  if (frames < 0 || (uint64_t)frames > p->size[0])
    return op_error(c, "input length %lld of %llu frames", (long long)frames, (unsigned long long)p->size[0]);
  if (length < 0 || (uint64_t)length > room)
    return op_error(c, "target length %lld of %llu", (long long)length, (unsigned long long)room);
  *s = (struct sequence){ft_f32(p) + i * classes,
                         p->ndim == 3 ? p->size[1] * classes : classes,
                         NULL,
                         (uint64_t)frames,
                         (uint64_t)length,
                         c->arg[BLANK].i};
  const uint64_t start = targets->ndim == 2 ? i * targets->size[1] : *used;
  *used += s->length;
  return take_targets(c, s, start, classes);
}

bool ctc_run(struct op_call *c) {
  const uint64_t states = most_states(c);
  double *places = fpool_take(c->pool, 2 * states * sizeof *places);
  if (!places) return op_no_memory(c);
  bool done = true;
  uint64_t used = 0;
  for (uint64_t i = 0; done && i < c->out->numel; i++) {
    struct sequence s;
    done = take_sequence(c, i, &used, &s);
    if (!done) break;
    double loss = loss_of(&s, places, places + states);
    if (c->arg[ZERO_INFINITY].i && isinf(loss) && loss > 0) loss = 0;
    if (c->arg[PER_TARGET].i && s.length) loss /= (double)s.length;
    ft_f32_out(c->out)[i] = (float)loss;
  }
  fpool_give(c->pool, places);
  if (done && op_tensor(c, LOG_PROBS)->ndim == 3 && op_tensor(c, TARGETS)->ndim == 1 &&
      used != op_tensor(c, TARGETS)->numel)
    return op_error(c, "target_lengths add up to %llu, there are %llu targets", (unsigned long long)used,
                    (unsigned long long)op_tensor(c, TARGETS)->numel);
  return done;
}
