/* A pickle program beside the records that it names, taken through checkpoint_load as the object pickle of a
 * torch zip, and as far as the plan if asked. Programs are C strings: the text forms of the opcodes hold no
 * NUL, so the place of an opcode is the length of what stands before it. */
#ifndef CKPTLINT_TESTS_UNIT_PROGRAM_BENCH_H
#define CKPTLINT_TESTS_UNIT_PROGRAM_BENCH_H

#include "model/call.h"
#include "rules/finding.h"
#include "rules/globals.h"
#include "tests/unit/check.h"

#define PROTO2                               "\x80\x02"
#define G(m, n)                              "c" m "\n" n "\n" /* GLOBAL */
#define S(text)                              "V" text "\n"     /* UNICODE */
#define I(n)                                 "I" n "\n"        /* INT */
#define F(n)                                 "F" n "\n"        /* FLOAT */
#define NONE                                 "N"
#define TRUE_                                "\x88"
#define FALSE_                               "\x89"
#define T(items)                             "(" items "t"
#define T1                                   "\x85"
#define T2                                   "\x86"
#define LIST(items)                          "(" items "l"
#define DICT(pairs)                          "(" pairs "d"
#define PUT(i)                               "p" #i "\n"
#define GET(i)                               "g" #i "\n"
#define BUILD                                "b"
#define NEWOBJ                               "\x81"
#define NEWOBJ_EX                            "\x92"
#define REDUCE                               "R"
#define CALL(m, n, args)                     G(m, n) T(args) REDUCE
#define ODICT                                CALL("collections", "OrderedDict", "")
#define STORAGE_AT(class, key, place, numel) T(S("storage") G("torch", class) S(key) S(place) I(numel)) "Q"
#define STORAGE(class, key, numel)           STORAGE_AT(class, key, "cpu", numel)
#define FLOATS                               STORAGE("FloatStorage", "0", "6") /* bench_open stores them */
#define UTILS(name, args)                    CALL("torch._utils", name, args)
/* Of storage 0: two times three float32. */
#define REST   FALSE_ ODICT
#define TENSOR UTILS("_rebuild_tensor_v2", FLOATS I("0") T(I("2") I("3")) T(I("3") I("1")) REST)

/* `before`, `each` n times with its number for #, `after`. Free it. */
static inline char *repeated(const char *before, const char *each, uint32_t n, const char *after) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  fputs(before, out);
  for (uint32_t i = 0; i < n; i++)
    for (const char *c = each; *c; c++) *c == '#' ? fprintf(out, "%u", i) : fputc(*c, out);
  fputs(after, out);
  assert_int_equal(fclose(out), 0);
  return text;
}

struct record {
  const char *name; /* "data/0" */
  size_t bytes;
};

struct bench {
  struct arena arena;
  struct observations obs;
  struct limits max;
  struct span file;
  struct container container;
  struct checkpoint cp;
  uint8_t *region;
  size_t region_bytes;
  struct plan_writer w;
  struct plan plan;
};

static inline void bench_member(struct bench *b, uint8_t *file, size_t *at, const char *name,
                                struct span data) {
  assert_non_null(container_append(&b->container, &b->arena, &b->max, span_str(name), *at, data.n));
  if (data.p && data.n) memcpy(file + *at, data.p, data.n);
  *at += data.n;
}

/* `records` end with a NULL name; the bytes of a record count up from 0. */
static inline void bench_open(struct bench *b, struct span program, const struct record *records) {
  size_t total = program.n, at = 0;
  memset(b, 0, sizeof *b);
  b->max = limits_default();
  arena_init(&b->arena, (size_t)1 << 30);
  observations_init(&b->obs, &b->arena, 200);
  for (const struct record *r = records; r->name; r++) total += r->bytes;
  uint8_t *file = malloc(total + 1);
  assert_non_null(file);
  for (size_t i = 0; i <= total; i++) file[i] = (uint8_t)(i & 0x3f);
  b->file = span_of(file, total);
  b->container = (struct container){.kind = CONTAINER_TORCH_ZIP, .file = b->file, .usable = true};
  bench_member(b, file, &at, "data.pkl", program);
  for (const struct record *r = records; r->name; r++)
    bench_member(b, file, &at, r->name, span_of(NULL, r->bytes));
}

static inline void bench_load(struct bench *b) {
  const struct global_policy policy = {.lookup = globals_lookup, .torch = torch_newest()};
  checkpoint_init(&b->cp, &b->arena, &b->obs, &b->max, &b->container, &policy);
  checkpoint_load(&b->cp);
}

/* Of the only program. */
static inline const struct machine *bench_machine(const struct bench *b) {
  assert_int_equal(b->cp.programs.n, 1);
  return &b->cp.programs.p[0]->machine;
}

/* PROTO 2, both pieces of a program, STOP, beside six float32 in data/0 and eight bytes in data/1. */
static inline void bench_run2(struct bench *b, const char *before, const char *after) {
  static const struct record records[] = {{"data/0", 24}, {"data/1", 8}, {NULL, 0}};
  char *program = NULL;
  size_t n;
  FILE *out = open_memstream(&program, &n);
  assert_non_null(out);
  fprintf(out, "%s%s%s.", PROTO2, before, after);
  assert_int_equal(fclose(out), 0);
  bench_open(b, span_of(program, n), records);
  free(program);
  bench_load(b);
}
static inline void bench_run(struct bench *b, const char *program) { bench_run2(b, program, ""); }

/* The plan of what was loaded, in a region of so many bytes; false when the broker would not take it. */
static inline bool bench_plan(struct bench *b, size_t region_bytes) {
  const char *why;
  b->region = calloc(1, region_bytes);
  assert_non_null(b->region);
  b->region_bytes = region_bytes;
  plan_begin(&b->w, b->region, region_bytes);
  plan_emit(&b->cp, &b->w, NULL, 0);
  plan_end(&b->w, checkpoint_is_read(&b->cp));
  return plan_open(&b->plan, b->region, region_bytes, b->file.n, &why);
}

static inline void bench_close(struct bench *b) {
  free(b->region);
  exact_free(b->file);
  arena_free(&b->arena);
}

/* ---- what was seen ---- */

static inline const char *obs_name(enum obs_kind kind) { return reason_table[kind].id; }

static inline uint32_t count_effect(const struct observations *o, enum effect effect) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < o->n; i++) n += reason_effect(o->list[i].kind) == effect;
  return n;
}

/* Only the one observation of effect unsafe, at this place. */
static inline void assert_refused(const struct bench *b, const char *name, enum obs_kind kind, uint64_t at) {
  for (uint32_t i = 0; i < b->obs.n; i++) {
    const struct observation *o = &b->obs.list[i];
    bool about_writing =
        o->kind == OBS_PKL_OP_NEWER; /* programs here declare protocol 2, whatever they use */
    if (o->kind != kind && !about_writing && reason_effect(o->kind) == EFFECT_UNSAFE)
      fail_msg("%s: %s at %llu, expected %s", name, obs_name(o->kind), (unsigned long long)o->at,
               obs_name(kind));
  }
  if (b->obs.seen[kind] != 1) fail_msg("%s: %s was seen %u times", name, obs_name(kind), b->obs.seen[kind]);
  uint64_t seen_at = first_of(&b->obs, kind)->at;
  if (seen_at != at)
    fail_msg("%s: %s at %llu, expected at %llu", name, obs_name(kind), (unsigned long long)seen_at,
             (unsigned long long)at);
}

static inline void assert_none_of(const struct bench *b, const char *name, enum effect effect) {
  for (uint32_t i = 0; i < b->obs.n; i++)
    if (reason_effect(b->obs.list[i].kind) == effect)
      fail_msg("%s: %s at %llu", name, obs_name(b->obs.list[i].kind), (unsigned long long)b->obs.list[i].at);
}

/* What the program's result was read as. */
static inline enum built_kind result_kind(const struct bench *b) {
  const struct machine *m = bench_machine(b);
  const struct built *x = built_of(&b->cp, m, m->result);
  return x ? (enum built_kind)x->kind : BUILT_NOTHING;
}

#endif
