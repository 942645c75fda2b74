/* The value tree of the plan: what a program built, as rows in preorder. Expected trees are Python's view of
 * the same program. */
#include "tests/unit/program_bench.h"

enum { ROOM = 1 << 20 };

static void plan_of(struct bench *b, const char *program) {
  bench_run(b, program);
  if (!bench_machine(b)->stopped) fail_msg("does not run: %s", program);
  if (!bench_plan(b, ROOM)) fail_msg("is no plan: %s", program);
}

static void show_text(FILE *out, struct span s) {
  for (size_t i = 0; i < s.n; i++) fprintf(out, s.p[i] >= ' ' && s.p[i] < 0x7f ? "%c" : "\\x%02x", s.p[i]);
}

static void show_value(FILE *out, const struct plan *p, const struct plan_value *v) {
  static const char *const kinds[PLAN_VAL_KINDS] = {
      [PLAN_VAL_NONE] = "None",     [PLAN_VAL_BIGINT] = "big ",      [PLAN_VAL_TEXT] = "'",
      [PLAN_VAL_BYTES] = "b'",      [PLAN_VAL_TUPLE] = "tuple",      [PLAN_VAL_LIST] = "list",
      [PLAN_VAL_DICT] = "dict",     [PLAN_VAL_SET] = "set",          [PLAN_VAL_RECORD] = "obj ",
      [PLAN_VAL_TENSOR] = "tensor", [PLAN_VAL_STORAGE] = "storage ", [PLAN_VAL_GLOBAL] = "global ",
      [PLAN_VAL_DTYPE] = "dtype ",  [PLAN_VAL_DEVICE] = "device ",   [PLAN_VAL_SIZE] = "size",
      [PLAN_VAL_ARRAY] = "array ",  [PLAN_VAL_SHARED] = "= ",        [PLAN_VAL_CUT] = "cut"};
  if (kinds[v->kind]) fputs(kinds[v->kind], out);
  if (v->kind == PLAN_VAL_BOOL) fputs(v->number ? "True" : "False", out);
  if (v->kind == PLAN_VAL_INT || v->kind == PLAN_VAL_STORAGE || v->kind == PLAN_VAL_SHARED)
    fprintf(out, "%lld", (long long)v->number);
  if (v->kind == PLAN_VAL_FLOAT) fprintf(out, "%g", v->real);
  if (v->kind == PLAN_VAL_RECORD || v->kind == PLAN_VAL_GLOBAL) show_text(out, plan_span(p, v->cls));
  show_text(out, plan_span(p, v->text));
}

/* "list[0:1 1:'a']": the tree below row i, with keys. */
static char *tree_text(const struct plan *p) {
  char *text = NULL;
  size_t n;
  uint32_t open = 0;
  FILE *out = open_memstream(&text, &n);
  assert_non_null(out);
  for (uint32_t i = 0; i < p->num_values; i++) {
    const struct plan_value *v = &p->values[i];
    for (; open > v->depth; open--) fputs("]", out);
    if (i) fputs(i == v->parent + 1 ? "[" : " ", out);
    if (i && i == v->parent + 1) open = v->depth;
    if (i) {
      show_text(out, plan_span(p, v->key));
      fputs(":", out);
    }
    show_value(out, p, v);
  }
  for (; open > 0; open--) fputs("]", out);
  assert_int_equal(fclose(out), 0);
  return text;
}

#define NAMESPACE    G("argparse", "Namespace") ")" NEWOBJ
#define LONG1(n, b)  "\x8a" n b
#define LATIN1(text) CALL("_codecs", "encode", S(text) S("latin1"))
#define NP_DTYPE(code, order, flags)           \
  CALL("numpy", "dtype", S(code) FALSE_ TRUE_) \
  T(I("3") S(order) NONE NONE NONE I("-1") I("-1") I(flags)) BUILD
#define ND_ARRAY(state) \
  CALL("numpy.core.multiarray", "_reconstruct", G("numpy", "ndarray") T(I("0")) LATIN1("b")) state BUILD
#define NP(code, order, data) CALL("numpy.core.multiarray", "scalar", NP_DTYPE(code, order, "0") LATIN1(data))

static const struct tree {
  const char *name, *program, *want;
} trees[] = {
    {"constants", T(NONE TRUE_ FALSE_ I("-5") F("0.5") S("a\\u000a")),
     "tuple[0:None 1:True 2:False 3:-5 4:0.5 5:'a\\x0a]"},
    {"containers", LIST(T("") LIST("") DICT("") CALL("__builtin__", "set", LIST(I("1")))),
     "list[0:tuple 1:list 2:dict 3:set[0:1]]"},
    {"keys of all kinds",
     DICT(S("a") NONE I("1") NONE I("-1") NONE FALSE_ NONE F("2.5") NONE NONE NONE T(I("1") I("2"))
              NONE G("torch", "float32") NONE),
     "dict[a:None 1:None -1:None False:None 2.5:None None:None (\\xe2\\x80\\xa6):None torch.float32:None]"},
    {"OrderedDict", ODICT "(" S("a") I("1") S("b") I("2") "u", "dict[a:1 b:2]"},
    {"OrderedDict of pairs, and an item more",
     CALL("collections", "OrderedDict", LIST(LIST(S("a") I("1")))) S("b") I("2") "s", "dict[a:1 b:2]"},
    {"Counter", CALL("collections", "Counter", DICT(I("30") I("1"))), "dict[30:1]"},
    {"deque", CALL("collections", "deque", T("") I("3")) "(I1\nI2\ne", "list[0:1 1:2]"},
    {"bytes", CALL("_codecs", "encode", S("a\\u00ff") S("latin1")), "b'a\\xff"},
    {"size, device, dtype, layout",
     T(CALL("torch", "Size", T(I("2"))) CALL("torch", "device", S("cuda") I("1")) G("torch", "float16")
           CALL("torch.serialization", "_get_layout", S("torch.strided"))),
     "tuple[0:size[0:2] 1:device cuda:1 2:dtype float16 3:'torch.strided]"},
    {"complex", CALL("__builtin__", "complex", F("1.5") F("-2.0")),
     "obj builtins.complex[__arg0:1.5 __arg1:-2]"},
    {"record", NAMESPACE DICT(S("lr") F("0.5")) BUILD, "obj argparse.Namespace[lr:0.5]"},
    {"record with slots", NAMESPACE DICT(S("a") I("1")) DICT(S("b") I("2")) T2 BUILD,
     "obj argparse.Namespace[a:1 b:2]"},
    {"record, slots alone", NAMESPACE NONE DICT(S("b") I("2")) T2 BUILD, "obj argparse.Namespace[b:2]"},
    {"record whose state is a dict made by a call", NAMESPACE ODICT S("a") TENSOR "s" BUILD,
     "obj argparse.Namespace[a:tensor]"},
    {"record whose state is a tensor", NAMESPACE TENSOR BUILD, "obj argparse.Namespace[__state:tensor]"},
    {"record whose state is a number", NAMESPACE I("7") BUILD, "obj argparse.Namespace[__state:7]"},
    {"record with arguments", CALL("__builtin__", "slice", NONE I("1") NONE),
     "obj builtins.slice[__arg0:None __arg1:1 __arg2:None]"},
    {"reconstructed",
     CALL("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "object") NONE)
         DICT(S("a") I("1")) BUILD,
     "obj argparse.Namespace[a:1]"},
    {"reconstructed from a dict",
     CALL("copy_reg", "_reconstructor",
          G("easydict", "EasyDict") G("__builtin__", "dict") DICT(S("a") I("1"))),
     "obj easydict.EasyDict[a:1]"},
    {"reconstructed from a list",
     CALL("copy_reg", "_reconstructor",
          G("omegaconf.listconfig", "ListConfig") G("__builtin__", "list") LIST(I("4"))),
     "obj omegaconf.listconfig.ListConfig[0:4]"},
    {"reconstructed from a tuple",
     CALL("copy_reg", "_reconstructor",
          G("torch.nn.utils.rnn", "PackedSequence") G("__builtin__", "tuple") T(I("4") TENSOR)),
     "obj torch.nn.utils.rnn.PackedSequence[0:4 1:tensor]"},
    {"class as a value", G("argparse", "Namespace"), "global argparse.Namespace"},
    {"bare storage", FLOATS, "storage 1"},
    {"numpy arrays",
     LIST(ND_ARRAY(
         T(I("1") T(I("2") I("1")) NP_DTYPE("i2", "<", "0") I("01") LATIN1("abcd"))) /* column-major */
          ND_ARRAY(T(T("") NP_DTYPE("i2", ">", "0") I("00") LATIN1("ab")))           /* numpy 1.0 */
          ND_ARRAY(T(I("1") T(I("2")) NP_DTYPE("O", "|", "63") I("00") LIST(S("x") TENSOR)))),
     "list[0:array int16 [2, 1], column-major[data:b'abcd] 1:array int16 [], big-endian[data:b'ab] "
     "2:array object [2][0:'x 1:tensor]]"},
    {"numpy numbers",
     T(NP("f8", "<", "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u00e0\\u003f")
           NP("i2", ">", "\\u00ff\\u00fe") NP("u1", "|", "\\u00ff") NP("b1", "|", "\\u0001")
               NP("u8", "<", "\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff")),
     "tuple[0:0.5 1:-2 2:255 3:True 4:big 18446744073709551615]"},
    {"large numbers", /* 2^64, -2^64, 2^127 - 1, -2^127 */
     T(I("18446744073709551616") I("-18446744073709551616") I("170141183460469231731687303715884105727")
           I("-170141183460469231731687303715884105728")),
     "tuple[0:big 18446744073709551616 1:big -18446744073709551616 "
     "2:big 170141183460469231731687303715884105727 3:big -170141183460469231731687303715884105728]"},
    {"larger numbers", /* 2^128, -2^136 */
     T(I("340282366920938463463374607431768211456") I("-87112285931760246646623899502532662132736")),
     "tuple[0:big 0x0100000000000000000000000000000000 1:big -0x010000000000000000000000000000000000]"},
    {"an extension", "\x82\x05", "cut"},
};

static void trees_are_pythons(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
    struct bench b;
    plan_of(&b, trees[i].program);
    char *text = tree_text(&b.plan);
    if (strcmp(text, trees[i].want) != 0) fail_msg("%s: %s, expected %s", trees[i].name, text, trees[i].want);
    free(text);
    bench_close(&b);
  }
}

/* ---- what is shared ---- */

static const struct tree shared[] = {
    {"a container twice", LIST(LIST(I("1")) PUT(0) GET(0)), "list[0:list[0:1] 1:= 1]"},
    {"a record twice", LIST(NAMESPACE PUT(0) GET(0)), "list[0:obj argparse.Namespace 1:= 1]"},
    {"empty ones stand for themselves", LIST(LIST("") PUT(0) GET(0)), "list[0:list 1:list]"},
    {"a list in itself", "]" PUT(0) GET(0) "a", "list[0:= 0]"},
    {"a dict below itself", "}" PUT(0) S("a") LIST(GET(0)) "s", "dict[a:list[0:= 0]]"},
    {"a record that its state names", NAMESPACE PUT(0) DICT(S("me") GET(0)) BUILD,
     "obj argparse.Namespace[me:= 0]"},
    {"tensors once more at each path", LIST(DICT(S("w") TENSOR) PUT(0) GET(0)),
     "list[0:dict[w:tensor] 1:dict[w:tensor]]"},
    {"a tensor twice", LIST(TENSOR PUT(0) GET(0)), "list[0:tensor 1:tensor]"},
    {"a cycle with a tensor", "]" PUT(0) "(" TENSOR GET(0) "e", "list[0:tensor 1:= 0]"},
};

static void shared_values_are_references(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
    struct bench b;
    plan_of(&b, shared[i].program);
    char *text = tree_text(&b.plan);
    if (strcmp(text, shared[i].want) != 0)
      fail_msg("%s: %s, expected %s", shared[i].name, text, shared[i].want);
    assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 0);
    free(text);
    bench_close(&b);
  }
}

/* x = (x, x), sixty times: 2^60 paths to one tensor. Without tensors a shared tuple is one reference. */
static void doubling_graphs_end_early(void **state) {
  (void)state;
  struct bench b;
  char *with = repeated(TENSOR, "2" T2, 60, ""), *without = repeated("N", "2" T2, 60, "");
  plan_of(&b, with);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 1);
  assert_true(b.plan.num_values < 10000);
  bench_close(&b);
  plan_of(&b, without);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 0);
  assert_int_equal(b.plan.num_values, 61 + 60);
  bench_close(&b);
  free(with);
  free(without);
}

/* Values that repeat are one value of the machine: a list of a hundred thousand zeros is whole. */
static void long_lists_of_one_value_are_whole(void **state) {
  (void)state;
  struct bench b;
  char *program = repeated("(", I("0"), 100000, "l");
  bench_run(&b, program);
  assert_true(bench_plan(&b, (size_t)1 << 24));
  assert_int_equal(b.plan.num_values, 100001);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 0);
  free(program);
  bench_close(&b);
}

/* ---- limits ---- */

/* Each list is put into the one made before it, so that none is deep when it is built. */
static void depth_that_grows_later_is_a_limit(void **state) {
  (void)state;
  enum { DEEP = 30 };
  struct bench b;
  char *lists = repeated("", "]p#\n0", DEEP + 1, ""), *program = repeated(lists, "g#\n", 0, "");
  char *whole = NULL;
  size_t n;
  FILE *out = open_memstream(&whole, &n);
  assert_non_null(out);
  fputs(program, out);
  for (int i = 0; i < DEEP; i++) fprintf(out, "g%d\ng%d\na0", i, i + 1);
  fprintf(out, "g%d\n%sa0g0\n", DEEP, TENSOR);
  assert_int_equal(fclose(out), 0);
  static const struct record records[] = {{"data/0", 24}, {NULL, 0}};
  char *program2 = NULL;
  out = open_memstream(&program2, &n);
  assert_non_null(out);
  fprintf(out, PROTO2 "%s.", whole);
  assert_int_equal(fclose(out), 0);
  bench_open(&b, span_of(program2, n), records);
  b.max.value_depth = 20;
  bench_load(&b);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_VALUE_DEPTH), 0);
  assert_true(bench_plan(&b, ROOM));
  assert_int_equal(seen(&b.obs, OBS_LIMIT_VALUE_DEPTH), 1);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 0);
  assert_int_equal(b.plan.num_values, 21);
  bench_close(&b);
  free(lists);
  free(program);
  free(program2);
  free(whole);
}

/* A long key matters where it is part of a tensor's name, and only there. */
static void long_keys_matter_to_tensors(void **state) {
  (void)state;
  struct bench b;
  char *number = repeated("(V", "k", 5000, "\nI1\nd"), *tensor = repeated("(V", "k", 5000, "\n" TENSOR "d");
  plan_of(&b, number);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 0);
  assert_int_equal(b.plan.values[1].key.n, 4096);
  bench_close(&b);
  plan_of(&b, tensor);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_PLAN), 1);
  bench_close(&b);
  free(number);
  free(tensor);
}

/* Whatever does not fit: said, never read past, and what is left opens. */
static void any_region_is_enough_or_said(void **state) {
  (void)state;
  static const char program[] =
      DICT(S("model") ODICT "(" S("a") TENSOR S("b") TENSOR "u" S("n") LIST(I("1") S("x")));
  struct bench b;
  plan_of(&b, program);
  size_t all = b.w.low + (b.w.cap - b.w.high);
  bench_close(&b);
  for (size_t size = sizeof(struct plan_header); size < all + 64; size += 8) {
    bench_run(&b, program);
    bool opens = bench_plan(&b, size), fits = size >= all;
    if (!opens) fail_msg("%zu bytes: does not open", size);
    if (fits != (seen(&b.obs, OBS_LIMIT_PLAN) == 0)) fail_msg("%zu of %zu bytes", size, all);
    if (fits != (b.plan.header->complete != 0))
      fail_msg("%zu of %zu bytes: complete %u", size, all, b.plan.header->complete);
    bench_close(&b);
  }
}

/* ---- tables ---- */

static void tied_tensors_name_the_first(void **state) {
  (void)state;
#define VIEW(offset, sizes, strides) UTILS("_rebuild_tensor_v2", FLOATS I(offset) T(sizes) T(strides) REST)
#define ROW_0                        VIEW("0", I("3"), I("1"))
#define ROW_1                        VIEW("3", I("3"), I("1"))
  static const uint32_t want[] = {0, 1, 2, 1, 2, 0, 6, 7};
  struct bench b;
  plan_of(&b, LIST(TENSOR ROW_0 ROW_1 ROW_0 ROW_1 TENSOR VIEW("0", I("3") I("2"), I("1") I("3")) UTILS(
                  "_rebuild_tensor_v2", STORAGE("LongStorage", "1", "1") I("0") T("") T("") REST)));
  assert_int_equal(b.plan.num_tensors, ARRAY_LEN(want));
  for (uint32_t i = 0; i < ARRAY_LEN(want); i++)
    if (b.plan.tensors[i].tied != want[i])
      fail_msg("tensor %u is tied to %u, expected %u", i, b.plan.tensors[i].tied, want[i]);
  bench_close(&b);
}

static void a_parameter_is_tied_to_its_data(void **state) {
  (void)state;
  struct bench b;
  plan_of(&b, T(UTILS("_rebuild_parameter", TENSOR PUT(0) TRUE_ ODICT) GET(0)));
  const struct plan_tensor *t = b.plan.tensors;
  assert_int_equal(b.plan.num_tensors, 2);
  assert_true(t[0].flags & PLAN_PARAMETER && t[0].flags & PLAN_REQUIRES_GRAD);
  assert_false(t[1].flags & (PLAN_PARAMETER | PLAN_REQUIRES_GRAD));
  assert_int_equal(t[1].tied, 0);
  bench_close(&b);
}

static void globals_storages_and_members_are_listed(void **state) {
  (void)state;
  struct bench b;
  plan_of(&b, T(TENSOR TENSOR G("mylib", "Thing")));
  const struct plan *p = &b.plan;
  assert_int_equal(p->num_members, 3);
  assert_true(p->members[0].used && p->members[1].used && !p->members[2].used);
  assert_int_equal(p->num_storages, 1);
  assert_true(span_is(plan_span(p, p->storages[0].key), "0"));
  assert_int_equal(p->storages[0].bytes, 24);
  assert_true(span_is(plan_span(p, p->storages[0].location), "cpu"));
  uint32_t thing = p->num_globals - 1;
  assert_true(span_is(plan_span(p, p->globals[thing].name), "Thing"));
  assert_int_equal(p->globals[thing].cls, GLOBAL_UNKNOWN);
  assert_int_equal(p->globals[0].cls, GLOBAL_CORE);
  assert_int_equal(p->globals[0].count, 2);
  bench_close(&b);
}

static const struct plan_global *global_named(const struct plan *p, const char *name) {
  for (uint32_t i = 0; i < p->num_globals; i++)
    if (span_is(plan_span(p, p->globals[i].name), name)) return &p->globals[i];
  fail_msg("no global %s", name);
  return NULL;
}

/* What weights_only must be told follows from it (its unpickler has a check for each of these opcodes). */
static void globals_say_what_is_done_with_them(void **state) {
  (void)state;
  static const struct {
    const char *name, *program;
    uint32_t uses;
  } rows[] = {
      {"Namespace", G("argparse", "Namespace"), 0},
      {"Namespace", NAMESPACE, USED_CALLED | USED_INSTANCE},
      {"Namespace", NAMESPACE DICT(S("lr") F("0.5")) BUILD, USED_CALLED | USED_INSTANCE | USED_STATE},
      {"EasyDict", G("easydict", "EasyDict") ")" NEWOBJ S("a") I("1") "s",
       USED_CALLED | USED_INSTANCE | USED_ITEMS},
      {"ListConfig", G("omegaconf.listconfig", "ListConfig") ")" NEWOBJ I("1") "a",
       USED_CALLED | USED_INSTANCE | USED_APPENDED},
      {"system", CALL("os", "system", S("true")), USED_CALLED | USED_REFUSED},
      {"Namespace",
       CALL("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "object") NONE)
           DICT(S("a") I("1")) BUILD,
       USED_INSTANCE | USED_STATE},
      {"_reconstructor",
       CALL("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "object") NONE)
           DICT(S("a") I("1")) BUILD,
       USED_CALLED | USED_INSTANCE},
      {"dtype", NP("f8", "<", "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u00e0\\u003f"),
       USED_CALLED | USED_STATE},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct bench b;
    plan_of(&b, rows[i].program);
    if (global_named(&b.plan, rows[i].name)->uses != rows[i].uses)
      fail_msg("row %zu, %s: %u", i, rows[i].name, global_named(&b.plan, rows[i].name)->uses);
    bench_close(&b);
  }
}

static void dtypes_with_a_state_are_named_once(void **state) {
  (void)state;
  struct bench b;
  plan_of(&b, T(NP("i2", ">", "\\u00ff\\u00fe") NP("u1", "|", "\\u00ff") NP("i2", "<", "\\u00ff\\u00fe")
                    CALL("numpy", "dtype", S("f4") FALSE_ TRUE_)));
  const struct plan_global *dtype = global_named(&b.plan, "dtype");
  struct span codes = plan_span(&b.plan, dtype->codes);
  assert_true(span_is(codes, "i2 u1"));
  assert_int_equal(global_named(&b.plan, "scalar")->codes.n, 0);
  bench_close(&b);
}

/* Keys are ends of their members' names in the pool, and a place is written where it changes. */
static void storages_keep_their_keys_and_places(void **state) {
  static const struct {
    const char *key, *place;
    uint32_t member;
  } want[] = {{"0", "cpu", 2}, {"1", "cuda:0", 3}, {"5", "cuda:0", 0}, {"7", "meta", 0}, {"8", "cpu", 0}};
  (void)state;
  struct bench b;
  plan_of(&b,
          T(FLOATS STORAGE_AT("LongStorage", "1", "cuda:0", "1") STORAGE_AT("LongStorage", "5", "cuda:0", "1")
                STORAGE_AT("LongStorage", "7", "meta", "1") STORAGE("LongStorage", "8", "1")));
  assert_int_equal(b.plan.num_storages, ARRAY_LEN(want));
  for (uint32_t i = 0; i < ARRAY_LEN(want); i++) {
    const struct plan_storage *s = &b.plan.storages[i];
    assert_true(span_is(plan_span(&b.plan, s->key), want[i].key));
    assert_true(span_is(plan_span(&b.plan, s->location), want[i].place));
    assert_int_equal(s->member, want[i].member);
  }
  bench_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trees_are_pythons),
      cmocka_unit_test(globals_say_what_is_done_with_them),
      cmocka_unit_test(dtypes_with_a_state_are_named_once),
      cmocka_unit_test(shared_values_are_references),
      cmocka_unit_test(doubling_graphs_end_early),
      cmocka_unit_test(long_lists_of_one_value_are_whole),
      cmocka_unit_test(depth_that_grows_later_is_a_limit),
      cmocka_unit_test(long_keys_matter_to_tensors),
      cmocka_unit_test(any_region_is_enough_or_said),
      cmocka_unit_test(tied_tensors_name_the_first),
      cmocka_unit_test(a_parameter_is_tied_to_its_data),
      cmocka_unit_test(globals_storages_and_members_are_listed),
      cmocka_unit_test(storages_keep_their_keys_and_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
