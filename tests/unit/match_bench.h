/* A match in a test: an architecture in JSON against a checkpoint in words, "layer1.weight[4,3]
 * layer1.bias[4]". */
#ifndef CKPTLINT_TESTS_UNIT_MATCH_BENCH_H
#define CKPTLINT_TESTS_UNIT_MATCH_BENCH_H

#include "arch/hint.h"
#include "tests/unit/arch_bench.h"
#include "tests/unit/plan_bench.h"

struct match_bench {
  struct arch_bench b;
  struct plan_bench p;
  const struct plan *plan;
  struct match_options options;
  struct match m;
  const struct plan_dict *dict;
};

static inline void bench_open(struct match_bench *x, const char *arch) {
  memset(x, 0, sizeof *x);
  arch_bench_open(&x->b);
  plan_bench_open(&x->p);
  assert_true(arch_bench_parse(&x->b, as_json(&x->b.arena, arch)));
}

/* Builds the model and runs the match on what plan_* calls have put into x->p. */
static inline void bench_run(struct match_bench *x) {
  x->plan = plan_bench_done(&x->p);
  if (!x->options.file.p) x->options.file = plan_bench_file(&x->p);
  x->b.sources.plan = x->plan;
  if (!arch_bench_build(&x->b, "", x->plan->num_tensors))
    fail_msg("%.*s", (int)x->b.o.list[0].detail.n, (const char *)x->b.o.list[0].detail.p);
  x->dict = match_choose(&x->b.arch, x->plan, &x->options, NULL, &x->b.arena, &x->b.o);
  if (x->dict)
    assert_true(match_run(&x->m, &x->b.model, x->plan, x->dict, &x->options, &x->b.arena, &x->b.o));
}

/* Looks for the config value that fits, after bench_run. */
static inline bool bench_hint(struct match_bench *x) {
  const struct hint_request r = {.arch = &x->b.arch,
                                 .sources = &x->b.sources,
                                 .model = &x->b.model,
                                 .root = x->b.arch.num_roots ? x->b.model.root_name : SPAN(""),
                                 .match = &x->m,
                                 .plan = x->plan,
                                 .max = &x->b.max};
  return hint_run(&r, &x->b.arena, &x->b.o);
}

static inline void bench_close(struct match_bench *x) {
  plan_bench_close(&x->p);
  arch_bench_close(&x->b);
}

#define SIZES(...) \
  (const uint64_t[]) { __VA_ARGS__ }

static inline void tensor_named(struct match_bench *x, const char *name, enum dtype dtype, int ndim,
                                const uint64_t *sizes) {
  plan_entry(&x->p, x->p.dicts.n ? x->p.values.p[x->p.dicts.p[x->p.dicts.n - 1].value].depth + 1 : 1, name,
             dtype, ndim, sizes, NULL);
}

/* "[2,3]" at *text; leaves it at the bracket that closes. */
static inline uint32_t read_sizes(const char **text, uint64_t *sizes) {
  uint32_t n = 0;
  for (++*text; **text != ']'; *text += **text == ',')
    for (sizes[n++] = 0; **text >= '0' && **text <= '9'; ++*text)
      sizes[n - 1] = sizes[n - 1] * 10 + (uint64_t)(**text - '0');
  return n;
}

/* "name[sizes]" words; '~' in front: int64, '!' : no tensor */
static inline void add_tensors(struct match_bench *x, const char *words, const char *prefix) {
  char name[200];
  uint64_t sizes[8];
  while (*words) {
    enum dtype dtype = *words == '~' ? DTYPE_I64 : DTYPE_F32;
    bool none = *words == '!';
    if (*words == '~' || *words == '!') words++;
    size_t n = strcspn(words, "[");
    snprintf(name, sizeof name, "%s%.*s", prefix, (int)n, words);
    words += n;
    int ndim = (int)read_sizes(&words, sizes);
    tensor_named(x, name, dtype, none ? -1 : ndim, sizes);
    words += words[1] == ' ' ? 2 : 1;
  }
}

static inline void root_dict(struct match_bench *x, const char *words, const char *prefix) {
  plan_value(&x->p, 0, "", PLAN_VAL_DICT);
  plan_dict_here(&x->p, "");
  add_tensors(x, words, prefix);
}

#endif
