/* The match: what load_state_dict would say, what it would not say, and how long that takes. */
#include <math.h>

#include "tests/unit/match_bench.h"

static const char two_layers[] =
    "{'arch': 1, 'modules': {'layer1': 'Linear(3, 4)', 'layer2': 'Linear(4, 2, bias=False)'}}";
#define TWO_KEYS "layer1.weight[4,3] layer1.bias[4] layer2.weight[2,4]"

/* ---- keys ---- */

/* What was renamed is named where shapes and order agree, and nowhere else. */
static void names_that_changed_are_noticed(void **state) {
  static const struct {
    const char *keys, *subject; /* subject "": no note */
    uint64_t got;
  } rows[] = {
      {"fc1.weight[4,3] fc1.bias[4] fc2.weight[2,4]", "fc1.weight", 3},
      {"layer1.weight[4,3] x.bias[4] x.weight[2,4]", "x.bias", 2},
      {"layer1.weight[4,3] layer1.bias[4] x.weight[2,4]", "", 0}, /* one key alone may be anything */
      {"fc1.weight[4,3] fc1.bias[4] fc2.weight[4,2]", "", 0},
      {"fc1.weight[4,3] fc2.weight[2,4] fc1.bias[4]", "", 0},
      {"fc1.weight[4,3] fc1.shift[4] fc2.weight[2,4]", "", 0},
      {"fc1.weight[4,3] fc1.bias[4] fc2.weight[2,4] more[1]", "", 0},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    const struct observation *found = NULL;
    bench_open(&x, two_layers);
    root_dict(&x, rows[i].keys, "");
    bench_run(&x);
    for (uint32_t k = 0; k < x.b.o.n; k++)
      if (x.b.o.list[k].kind == OBS_MATCH_ORDER) found = &x.b.o.list[k];
    if ((found != NULL) != (rows[i].got != 0)) fail_msg("%s", rows[i].keys);
    if (found) assert_true(span_is(found->subject, rows[i].subject) && found->got == rows[i].got);
    bench_close(&x);
  }
}

static void a_fitting_checkpoint_is_silent(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, two_layers);
  root_dict(&x, TWO_KEYS, "");
  bench_run(&x);
  assert_int_equal(x.b.o.n, 0);
  assert_true(x.m.found && x.m.loads_strict && x.m.loads_loose && x.m.loads_after_fix);
  assert_true(x.m.matched == 3 && x.m.missing == 0 && x.m.unexpected == 0 && x.m.params_loaded == 24 &&
              x.m.params_missing == 0);
  for (uint32_t i = 0; i < 3; i++) assert_int_equal(x.m.tensor[i], i);
  bench_close(&x);
}

static void order_in_the_file_does_not_matter(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, two_layers);
  root_dict(&x, "layer2.weight[2,4] layer1.bias[4] layer1.weight[4,3]", "");
  bench_run(&x);
  assert_true(x.m.loads_strict && x.m.tensor[0] == 2 && x.m.tensor[2] == 0);
  bench_close(&x);
}

/* What torch's load_state_dict says of the same (torch/nn/modules/module.py, load_state_dict): strict and
 * not. */
static void differences_are_judged_as_torch_does(void **state) {
  static const struct {
    const char *keys;
    enum obs_kind seen;
    bool strict, loose;
    const char *detail;
  } rows[] = {
      {"layer1.weight[4,3] layer2.weight[2,4]", OBS_MATCH_MISSING, false, true, "[4] (Linear)"},
      {TWO_KEYS " extra[7]", OBS_MATCH_UNEXPECTED, false, true, " (float32 [7])"},
      {TWO_KEYS " !epoch[]", OBS_MATCH_UNEXPECTED, false, true, " (no tensor)"},
      {"layer1.weight[3,4] layer1.bias[4] layer2.weight[2,4]", OBS_MATCH_SHAPE, false, false,
       "[3, 4], the architecture expects [4, 3] (Linear)"},
      {"layer1.weight[4,3] layer1.bias[5] layer2.weight[2,4]", OBS_MATCH_SHAPE, false, false,
       "[5], the architecture expects [4] (Linear)"},
      {"layer1.weight[4,3] layer1.bias[4,1] layer2.weight[2,4]", OBS_MATCH_SHAPE, false, false, "[4, 1]"},
      {"layer1.weight[4,3] layer1.bias[] layer2.weight[2,4]", OBS_MATCH_SHAPE, false, false,
       "[], the architecture expects [4]"},
      {"layer1.weight[4,3] !layer1.bias[] layer2.weight[2,4]", OBS_MATCH_NOT_TENSOR, false, false,
       "no tensor"},
      {"layer1.weight[4,3] ~layer1.bias[4] layer2.weight[2,4]", OBS_MATCH_DTYPE, true, true,
       "int64, the architecture expects a floating dtype"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, two_layers);
    root_dict(&x, rows[i].keys, "");
    bench_run(&x);
    if (x.b.o.n != 1 || x.m.loads_strict != rows[i].strict || x.m.loads_loose != rows[i].loose)
      fail_msg("%s: %u observations", rows[i].keys, x.b.o.n);
    struct span detail = first_of(&x.b.o, rows[i].seen)->detail;
    if (!says(detail, rows[i].detail))
      fail_msg("%s: %.*s", rows[i].keys, (int)detail.n, (const char *)detail.p);
    bench_close(&x);
  }
}

/* 16 times 2^62 elements: the sums saturate. */
static void claimed_sizes_do_not_wrap(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, "{'arch': 1, 'modules': {'p.{i < 16}': 'Parameter(4611686018427387904)'}}");
  root_dict(&x, "q[1]", "");
  bench_run(&x);
  assert_true(x.m.params_missing == UINT64_MAX && x.b.model.parameters == UINT64_MAX && x.m.missing == 16);
  bench_close(&x);
}

static void half_is_a_float_and_double_is_noted(void **state) {
  static const struct {
    enum dtype dtype;
    enum obs_kind seen;
  } rows[] = {
      {DTYPE_F16, OBS_NONE},
      {DTYPE_BF16, OBS_NONE},
      {DTYPE_F64, OBS_MATCH_WIDE_DTYPE},
      {DTYPE_F8E5M2, OBS_MATCH_WIDE_DTYPE},
      {DTYPE_BOOL, OBS_MATCH_DTYPE},
      {DTYPE_C64, OBS_MATCH_DTYPE},
      {DTYPE_QI8, OBS_MATCH_DTYPE},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, "{'arch': 1, 'modules': {'p': 'Parameter(3)'}}");
    root_dict(&x, "", "");
    tensor_named(&x, "p", rows[i].dtype, 1, SIZES(3));
    bench_run(&x);
    if (rows[i].seen == OBS_NONE)
      assert_int_equal(x.b.o.n, 0);
    else
      assert_int_equal(seen(&x.b.o, rows[i].seen), 1);
    bench_close(&x);
  }
}

/* torch 1.13: a vector for a 0-D buffer is taken by its first element, whatever its length. */
static void vectors_for_scalars_load_but_are_told(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, "{'arch': 1, 'modules': {'p': 'Parameter(())'}}");
  root_dict(&x, "p[3]", "");
  bench_run(&x);
  assert_int_equal(seen(&x.b.o, OBS_MATCH_SCALAR), 1);
  assert_true(x.m.loads_strict);
  bench_close(&x);
}

/* ---- systematic prefixes ---- */

static const char deep[] =
    "{'arch': 1, 'base_prefix': 'bert.', 'modules': {'bert.enc': 'Linear(3, 4)', 'bert.out': 'Linear(4, 4)', "
    "'head': 'Linear(4, 2)'}}";

static void prefixes_are_found_and_removed(void **state) {
  static const struct {
    const char *arch, *keys, *prefix, *removed, *added;
    enum obs_kind seen;
    uint64_t got;
    const char *fix;
    uint32_t others;
  } rows[] = {
      {two_layers, TWO_KEYS, "module.", "module.", "", OBS_MATCH_PREFIX_EXTRA, 3, "removeprefix(\"module.\")",
       0},
      {two_layers, TWO_KEYS, "_orig_mod.", "", "", OBS_MATCH_WRAPPER, 3, "k.replace(\"_orig_mod.\", \"\")",
       0},
      {two_layers, TWO_KEYS, "model.", "model.", "", OBS_MATCH_PREFIX_EXTRA, 3, "model.", 0},
      {two_layers, TWO_KEYS, "module._orig_mod.", "module.", "", OBS_MATCH_WRAPPER, 3, "_orig_mod.", 1},
      {two_layers,
       "layer1._fsdp_wrapped_module.weight[4,3] layer1._fsdp_wrapped_module.bias[4] layer2.weight[2,4]",
       "_fsdp_wrapped_module.", "", "", OBS_MATCH_WRAPPER, 3, "_fsdp_wrapped_module.", 0},
      {two_layers,
       "layer1._fpw_module.weight[4,3] layer1._checkpoint_wrapped_module.bias[4] layer2.weight[2,4]", "", "",
       "", OBS_MATCH_WRAPPER, 1, "_fpw_module.", 1},
      {two_layers, TWO_KEYS, "net.backbone.", "net.backbone.", "", OBS_MATCH_PREFIX_EXTRA, 3, "net.backbone.",
       0},
      {two_layers, TWO_KEYS " extra[1]", "module.", "module.", "", OBS_MATCH_PREFIX_EXTRA, 4, "module.", 1},
      {"{'arch': 1, 'modules': {'net.a': 'Linear(3, 4)', 'net.b': 'Linear(4, 2)'}}",
       "a.weight[4,3] a.bias[4] b.weight[2,4] b.bias[2]", "", "", "net.", OBS_MATCH_PREFIX_LACKING, 4,
       "\"net.\" + k", 0},
      /* the base model's weights for a model with a head: the head is missing, and said so */
      {deep, "enc.weight[4,3] enc.bias[4] out.weight[4,4] out.bias[4]", "", "", "bert.",
       OBS_MATCH_BASE_LACKING, 4, "\"bert.\" + k", 1},
      {"{'arch': 1, 'base_prefix': 'bert.', 'modules': {'enc': 'Linear(3, 4)'}}",
       "enc.weight[4,3] enc.bias[4]", "bert.", "bert.", "", OBS_MATCH_BASE_EXTRA, 2, "bert.", 0},
      /* both: a wrapper's prefix before the base model's keys; what has no base prefix stays */
      {deep, "enc.weight[4,3] enc.bias[4] out.weight[4,4] out.bias[4] head.weight[2,4] head.bias[2]",
       "module.", "module.", "bert.", OBS_MATCH_PREFIX_EXTRA, 6, "module.", 1},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, rows[i].arch);
    root_dict(&x, rows[i].keys, rows[i].prefix);
    bench_run(&x);
    const struct observation *o = first_of(&x.b.o, rows[i].seen);
    if (!span_is(x.m.prefix_removed, rows[i].removed) || !span_is(x.m.prefix_added, rows[i].added) ||
        o->got != rows[i].got || !says(o->detail, rows[i].fix))
      fail_msg("row %zu: %.*s", i, (int)o->detail.n, (const char *)o->detail.p);
    if (x.b.o.n != 1 + rows[i].others) fail_msg("row %zu: %u", i, x.b.o.n);
    assert_false(x.m.loads_strict || x.m.loads_loose);
    assert_int_equal(x.m.loads_after_fix, x.m.missing + x.m.unexpected == 0);
    bench_close(&x);
  }
}

static void no_prefix_is_invented(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, two_layers);
  root_dict(&x, "conv.weight[3] conv.bias[3] other.layer1.weight[4,3]", "");
  bench_run(&x);
  assert_int_equal(x.m.prefix_removed.n + x.m.prefix_added.n, 0);
  assert_true(x.m.missing == 3 && x.m.unexpected == 3);
  bench_close(&x);
}

/* Two keys that a prefix makes one: the first fills the place, the other is unexpected. */
static void one_place_is_filled_once(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, two_layers);
  root_dict(&x, TWO_KEYS, "module.");
  add_tensors(&x, "layer1.bias[4]", "");
  bench_run(&x);
  assert_int_equal(seen(&x.b.o, OBS_MATCH_UNEXPECTED), 1);
  assert_int_equal(x.m.matched, 3);
  bench_close(&x);
}

/* ---- what a file may forgive ---- */

static void optional_ignored_renamed_and_tied_keys(void **state) {
  static const struct {
    const char *arch, *keys;
    uint32_t observations;
    bool strict, loose; /* load_state_dict */
  } rows[] = {
      {"{'arch': 1, 'modules': {'a': 'Parameter(2)', 'b': 'Buffer(3, optional=True)'}}", "a[2]", 0, true,
       true},
      {"{'arch': 1, 'modules': {'a': 'Parameter(2)', 'b': 'Buffer(3, optional=True)'}}", "a[2] b[3]", 0, true,
       true},
      {"{'arch': 1, 'modules': {'a': 'Parameter(2)', 'b': 'Buffer(3, optional=True)'}}", "a[2] b[4]", 1,
       false, false},
      {"{'arch': 1, 'modules': {'a': 'Parameter(2)'}, 'ignore': ['*.inv_freq', 'x?']}",
       "a[2] l.0.rope.inv_freq[4] x1[1]", 0, false, true},
      {"{'arch': 1, 'modules': {'a': 'Parameter(2)'}, 'ignore': ['*.inv_freq']}",
       "a[2] l.0.rope.inv_freqs[4]", 1, false, true},
      {"{'arch': 1, 'modules': {'n': 'LayerNorm(2)'}, 'rename': {'n.gamma': 'n.weight', 'n.beta': 'n.bias'}}",
       "n.gamma[2] n.beta[2]", 2, false, false},
      {"{'arch': 1, 'modules': {'e': 'Embedding(3, 2)', 'h': 'Linear(2, 3, False)'}, 'tie': [['h.weight', "
       "'e.weight']]}",
       "e.weight[3,2]", 0, false, true},
      {"{'arch': 1, 'modules': {'e': 'Embedding(3, 2)', 'h': 'Linear(2, 3, False)'}, 'tie': [['h.weight', "
       "'e.weight']]}",
       "e.weight[3,2] h.weight[3,2]", 0, true, true},
      {"{'arch': 1, 'config': {'t': false}, 'modules': {'e': 'Embedding(3, 2)', 'h': 'Linear(2, 3, False)'}, "
       "'tie': [['h.weight', 'e.weight', 't']]}",
       "e.weight[3,2]", 1, false, true},
      {"{'arch': 1, 'modules': {'e': 'Embedding(3, 2)'}, 'tie': [['alias.weight', 'e.weight']]}",
       "e.weight[3,2] alias.weight[3,2]", 0, true, true},
      {"{'arch': 1, 'modules': {'e': 'Embedding(3, 2)'}, 'tie': [['alias.weight', 'e.weight']]}",
       "e.weight[3,2]", 0, false, true},
      {"{'arch': 1, 'modules': {'e': 'Embedding(3, 2)', 'h': 'Linear(2, 3, False)'}, 'tie': [['h.weight', "
       "'e.weight']]}",
       "h.weight[3,2]", 1, false, true}, /* the target itself */
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, rows[i].arch);
    root_dict(&x, rows[i].keys, "");
    bench_run(&x);
    if (x.b.o.n != rows[i].observations) fail_msg("row %zu: %u observations", i, x.b.o.n);
    if (x.m.loads_strict != rows[i].strict || x.m.loads_loose != rows[i].loose) fail_msg("row %zu loads", i);
    bench_close(&x);
  }
}

static void an_absent_alias_has_its_targets_tensor(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x,
             "{'arch': 1, 'modules': {'h': 'Linear(2, 3, False)', 'e': 'Embedding(3, 2)'}, 'tie': "
             "[['h.weight', 'e.weight']]}");
  root_dict(&x, "e.weight[3,2]", "");
  bench_run(&x);
  assert_int_equal(x.m.tensor[0], 0);
  assert_int_equal(x.b.model.parameters, 6);
  bench_close(&x);
}

static void tied_tensors_must_hold_the_same_bytes(void **state) {
  static const float one[2] = {1, 2}, two[2] = {1, 3};
  static const struct {
    const float *a, *b;
    uint64_t n;
    enum obs_kind seen;
  } rows[] = {{one, one, 2, OBS_NONE}, {one, two, 2, OBS_TIE_DIFFERS}, {one, two, 1, OBS_TIE_UNLIKE}};
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, "{'arch': 1, 'modules': {'a': 'Parameter(2)'}, 'tie': [['b', 'a']]}");
    root_dict(&x, "", "");
    plan_entry(&x.p, 1, "a", DTYPE_F32, 1, SIZES(2), rows[i].a);
    plan_entry(&x.p, 1, "b", DTYPE_F32, 1, &rows[i].n, rows[i].b);
    bench_run(&x);
    assert_int_equal(x.b.o.n, rows[i].seen != OBS_NONE);
    if (rows[i].seen != OBS_NONE) assert_int_equal(seen(&x.b.o, rows[i].seen), 1);
    bench_close(&x);
  }
}

/* At --depth quick no bytes are read: what they would have told is counted, and said. */
static void without_bytes_what_is_not_compared_is_said(void **state) {
  static const float one[2] = {1, 2}, two[2] = {1, 3}, step[1] = {-1};
  (void)state;
  for (int quick = 0; quick < 2; quick++) {
    struct match_bench x;
    bench_open(
        &x,
        "{'arch': 1, 'modules': {'a': 'Parameter(2)', 'p': 'Buffer(2, value=arange(2))'}, 'tie': [['b', "
        "'a']], 'checkpoint': {'fields': {'step': 'number > 0'}}}");
    root_dict(&x, "", "");
    plan_entry(&x.p, 1, "a", DTYPE_F32, 1, SIZES(2), one);
    plan_entry(&x.p, 1, "b", DTYPE_F32, 1, SIZES(2), two);
    plan_entry(&x.p, 1, "p", DTYPE_F32, 1, SIZES(2), two);
    plan_entry(&x.p, 1, "step", DTYPE_F32, 1, SIZES(1), step);
    x.options.metadata_only = quick != 0;
    bench_run(&x);
    assert_int_equal(seen(&x.b.o, OBS_TIE_DIFFERS), !quick);
    assert_int_equal(seen(&x.b.o, OBS_CONSTANT_DIFFERS), !quick);
    assert_int_equal(seen(&x.b.o, OBS_FIELD_RANGE), !quick);
    assert_int_equal(seen(&x.b.o, OBS_MATCH_UNREAD), quick);
    if (quick)
      assert_true(span_is(first_of(&x.b.o, OBS_MATCH_UNREAD)->detail,
                          "1 tied tensor, 1 constant buffer, 1 training-state number"));
    bench_close(&x);
  }
}

/* The same numbers under another stride are the same; one that differs is found. */
static void strided_ties_are_compared_by_element(void **state) {
  static const float rows[6] = {1, 2, 3, 4, 5, 6}, columns[6] = {1, 4, 2, 5, 3, 6},
                     wrong[6] = {1, 4, 2, 5, 3, 7};
  (void)state;
  for (int bad = 0; bad < 2; bad++) {
    struct match_bench x;
    bench_open(&x, "{'arch': 1, 'modules': {'a': 'Parameter((2, 3))'}, 'tie': [['b', 'a']]}");
    root_dict(&x, "", "");
    plan_entry(&x.p, 1, "a", DTYPE_F32, 2, SIZES(2, 3), rows);
    plan_entry(&x.p, 1, "b", DTYPE_F32, 2, SIZES(2, 3), bad ? wrong : columns);
    struct plan_tensor *t = &x.p.tensors.p[1];
    t->flags = 0;
    x.p.dims.p[t->first_dim + 2] = 1; /* a transposed view */
    x.p.dims.p[t->first_dim + 3] = 2;
    bench_run(&x);
    assert_int_equal(seen(&x.b.o, OBS_TIE_DIFFERS), bad);
    bench_close(&x);
  }
}

/* The same numbers in the other byte order are the same; one that differs is found. */
static void ties_are_compared_in_their_byte_orders(void **state) {
  static const float rows[2] = {1, 2};
  static const uint8_t turned[8] = {0x3f, 0x80, 0, 0, 0x40, 0, 0, 0},
                       wrong[8] = {0x3f, 0x80, 0, 0, 0x40, 0x40, 0, 0};
  (void)state;
  for (int bad = 0; bad < 2; bad++) {
    struct match_bench x;
    bench_open(&x, "{'arch': 1, 'modules': {'a': 'Parameter(2)'}, 'tie': [['b', 'a']]}");
    root_dict(&x, "", "");
    plan_entry(&x.p, 1, "a", DTYPE_F32, 1, SIZES(2), rows);
    plan_entry(&x.p, 1, "b", DTYPE_F32, 1, SIZES(2), bad ? wrong : turned);
    x.p.storages.p[1].big_endian = 1;
    bench_run(&x);
    assert_int_equal(seen(&x.b.o, OBS_TIE_DIFFERS), bad);
    bench_close(&x);
  }
}

/* define_relative_position_index([2, 2]) of torchvision's Swin Transformer. */
static void patterns_are_what_their_models_hold(void **state) {
  static const int64_t index[2][16] = {{4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4},
                                       {4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 5}};
  (void)state;
  for (int bad = 0; bad < 2; bad++) {
    struct match_bench x;
    bench_open(&x, "{'arch': 1, 'modules': {'i': 'Buffer(16, int64, value=relative_position_index(2))'}}");
    root_dict(&x, "", "");
    plan_entry(&x.p, 1, "i", DTYPE_I64, 1, SIZES(16), index[bad]);
    bench_run(&x);
    assert_int_equal(seen(&x.b.o, OBS_CONSTANT_DIFFERS), bad);
    if (bad) assert_int_equal(first_of(&x.b.o, OBS_CONSTANT_DIFFERS)->got, 15);
    bench_close(&x);
  }
}

static void an_exact_dtype_is_named(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, "{'arch': 1, 'modules': {'i': 'Buffer(3, int64)'}}");
  root_dict(&x, "i[3]", "");
  bench_run(&x);
  assert_true(says(first_of(&x.b.o, OBS_MATCH_DTYPE)->detail, "float32, the architecture expects int64"));
  bench_close(&x);
}

/* Four times the file's bytes are read: eight ties of the whole file are more. */
static void ties_are_read_within_a_budget(void **state) {
  static const float numbers[2][1000] = {{0}};
  struct match_bench x;
  (void)state;
  bench_open(&x,
             "{'arch': 1, 'modules': {'a': 'Parameter(1000)'}, 'tie': [['b', 'a'], ['b', 'a'], ['b', 'a'], "
             "['b', 'a'], "
             "['b', 'a'], ['b', 'a'], ['b', 'a'], ['b', 'a']]}");
  root_dict(&x, "", "");
  plan_entry(&x.p, 1, "a", DTYPE_F32, 1, SIZES(1000), numbers[0]);
  plan_entry(&x.p, 1, "b", DTYPE_F32, 1, SIZES(1000), numbers[1]);
  bench_run(&x);
  assert_true(seen(&x.b.o, OBS_LIMIT_MATCH) > 0);
  assert_int_equal(seen(&x.b.o, OBS_TIE_DIFFERS), 0);
  bench_close(&x);
}

/* torch/nn/modules/batchnorm.py, _load_from_state_dict: with _metadata of version 2 torch demands the
 * counters, without it does not. */
static void batch_counters_may_be_absent(void **state) {
  (void)state;
  for (uint32_t metadata = 0; metadata < 2; metadata++) {
    struct match_bench x;
    bench_open(&x, "{'arch': 1, 'modules': {'bn': 'BatchNorm2d(2)', 'bm': 'BatchNorm2d(2)'}}");
    root_dict(&x,
              "bn.weight[2] bn.bias[2] bn.running_mean[2] bn.running_var[2] bm.weight[2] bm.bias[2] "
              "bm.running_mean[2] bm.running_var[2]",
              "");
    x.p.dicts.p[0].metadata = metadata;
    bench_run(&x);
    assert_int_equal(x.b.o.n, 1);
    assert_int_equal(first_of(&x.b.o, OBS_MATCH_BATCHES_TRACKED)->got, 2);
    assert_int_equal(x.m.loads_strict, !metadata);
    bench_close(&x);
  }
}

static void constants_must_be_held(void **state) {
  static const int64_t good[3] = {0, 1, 2}, bad[3] = {0, 1, 1};
  (void)state;
  for (int tampered = 0; tampered < 2; tampered++) {
    struct match_bench x;
    bench_open(&x,
               "{'arch': 1, 'modules': {'ids': 'Buffer((1, 3), int64, optional=True, value=arange(3))'}}");
    root_dict(&x, "", "");
    plan_entry(&x.p, 1, "ids", DTYPE_I64, 2, SIZES(1, 3), tampered ? bad : good);
    bench_run(&x);
    assert_int_equal(x.b.o.n, tampered);
    if (tampered) assert_int_equal(first_of(&x.b.o, OBS_CONSTANT_DIFFERS)->got, 2);
    bench_close(&x);
  }
}

/* What config.json says of the weights themselves. */
static void the_configs_words_on_the_weights_are_held(void **state) {
  static const struct {
    const char *config, *keys;
    enum obs_kind seen;
    uint64_t got;
    const char *words;
  } rows[] = {
      {"{'torch_dtype': 'float32'}", TWO_KEYS, OBS_NONE, 0, ""},
      {"{'dtype': 'torch.float32', 'torch_dtype': 'float16'}", TWO_KEYS, OBS_NONE, 0,
       ""}, /* version 5 wins */
      {"{'torch_dtype': 'auto'}", TWO_KEYS, OBS_NONE, 0, ""},
      {"{'torch_dtype': null}", TWO_KEYS, OBS_NONE, 0, ""},
      {"{'torch_dtype': 'bfloat16'}", TWO_KEYS, OBS_MATCH_CONFIG_DTYPE, 3, "float32"},
      {"{'quantization_config': {'quant_method': 'gptq'}}", TWO_KEYS, OBS_NONE, 0, ""},
      {"{'quantization_config': {'quant_method': 'gptq'}}",
       "layer1.qweight[4,3] layer1.bias[4] layer2.weight[2,4]", OBS_MATCH_QUANTIZED, 0, ""},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, two_layers);
    x.b.sources.file = (struct text_file){SPAN("config.json"), as_json(&x.b.arena, rows[i].config)};
    root_dict(&x, rows[i].keys, "");
    bench_run(&x);
    for (enum obs_kind k = OBS_MATCH_CONFIG_DTYPE; k <= OBS_MATCH_QUANTIZED; k++)
      if (seen(&x.b.o, k) != (k == rows[i].seen)) fail_msg("row %zu", i);
    if (rows[i].seen != OBS_NONE) {
      const struct observation *o = first_of(&x.b.o, rows[i].seen);
      assert_true(o->got == rows[i].got && says(o->detail, rows[i].words));
    }
    bench_close(&x);
  }
}

/* ---- which state dict ---- */

static void add_dict(struct match_bench *x, const char *key, const char *path) {
  plan_value(&x->p, 1, key, PLAN_VAL_DICT);
  plan_dict_here(&x->p, path);
  add_tensors(x, TWO_KEYS, "");
}

static void the_state_dict_is_found_or_asked_for(void **state) {
  static const struct {
    const char *wanted, *key, *dicts;
    bool found;
    enum obs_kind seen;
    const char *words;
  } rows[] = {
      {"model", "", "model", true, OBS_DICT_WRAPPED,
       "torch.load(FILE, map_location=\"cpu\", weights_only=True)[\"model\"]"},
      {"", "", "model", true, OBS_DICT_WRAPPED, "[\"model\"]"},
      {"state_dict", "", "model", true, OBS_DICT_ELSEWHERE, "[\"model\"]"},
      {"state_dict", "model", "model", true, OBS_DICT_WRAPPED, "[\"model\"]"},
      {"", "ema", "model ema", true, OBS_DICT_WRAPPED, "[\"ema\"]"},
      {"", "", "model ema", true, OBS_DICT_SEVERAL, "ema"},
      {"state_dict", "", "model ema", false, OBS_DICT_ABSENT, "model (3 keys), ema (3 keys)"},
      {"model", "x", "model ema", false, OBS_DICT_ABSENT, "model (3 keys), ema (3 keys)"},
      {"model", "x", "model", false, OBS_DICT_ABSENT, "model (3 keys)"},
      {"model", "", "", false, OBS_DICT_OTHER, "an empty dict"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x, two_layers);
    x.b.arch.state_dict_path = span_str(rows[i].wanted);
    x.options.key = span_str(rows[i].key);
    plan_value(&x.p, 0, "", PLAN_VAL_DICT);
    if (strstr(rows[i].dicts, "model")) add_dict(&x, "model", "model");
    if (strstr(rows[i].dicts, "ema")) add_dict(&x, "ema", "ema");
    bench_run(&x);
    if ((x.dict != NULL) != rows[i].found || seen(&x.b.o, rows[i].seen) != 1) fail_msg("row %zu", i);
    assert_true(says(first_of(&x.b.o, rows[i].seen)->detail, rows[i].words));
    if (x.dict) assert_true(x.m.loads_strict);
    bench_close(&x);
  }
}

static void a_whole_module_is_matched_and_answered(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, two_layers);
  root_dict(&x, TWO_KEYS, "");
  x.p.dicts.p[0].module = 1;
  bench_run(&x);
  assert_true(x.m.loads_strict);
  assert_true(says(first_of(&x.b.o, OBS_DICT_MODULE)->detail, "state_dict()"));
  assert_int_equal(x.b.o.n, 1);
  bench_close(&x);
}

/* ---- checks ---- */

static void numbers_are_held_against_the_checks(void **state) {
  static const struct {
    const char *check;
    struct plan_stats stats;
    enum obs_kind seen;
  } rows[] = {
      {"{'finite': true}", {.done = 1, .count = 3, .finite = 3}, OBS_NONE},
      {"{'finite': true}", {.done = 1, .count = 3, .finite = 2, .nan_count = 1}, OBS_CHECK_NAN},
      {"{'finite': true}", {.done = 1, .count = 3, .finite = 2, .inf_count = 1}, OBS_CHECK_INF},
      {"{'finite': false}", {.done = 1, .count = 3, .finite = 2, .nan_count = 1}, OBS_NONE},
      {"{'min': 0}", {.done = 1, .count = 3, .finite = 3, .min = 0}, OBS_NONE},
      {"{'min': 0}", {.done = 1, .count = 3, .finite = 3, .min = -0.5}, OBS_CHECK_RANGE},
      {"{'max': 1}", {.done = 1, .count = 3, .finite = 3, .max = 1}, OBS_NONE},
      {"{'max': 1}", {.done = 1, .count = 3, .finite = 3, .max = 1.5}, OBS_CHECK_RANGE},
      {"{'absmax': 1}", {.done = 1, .count = 3, .finite = 3, .absmax = 1.5}, OBS_CHECK_RANGE},
      {"{'nonzero': true}", {.done = 1, .count = 3, .finite = 3, .zero_count = 2}, OBS_NONE},
      {"{'nonzero': true}", {.done = 1, .count = 3, .finite = 3, .zero_count = 3}, OBS_CHECK_ZERO},
      {"{'dtype': ['float16']}", {.done = 1}, OBS_CHECK_DTYPE},
      {"{'dtype': ['float16', 'float32']}", {.done = 0}, OBS_NONE},
      {"{'finite': true}", {.done = 0}, OBS_CHECK_SKIPPED},
      {"{'min': 0}",
       {.done = 1, .count = 3, .nan_count = 3},
       OBS_NONE}, /* no finite number: min means nothing */
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    char arch[200];
    snprintf(arch, sizeof arch,
             "{'arch': 1, 'modules': {'bn.w': 'Parameter(3)'}, 'checks': {'*.w': %s, 'no.*': {'max': -9}}}",
             rows[i].check);
    bench_open(&x, arch);
    root_dict(&x, "bn.w[3]", "");
    x.p.stats.p[0] = rows[i].stats;
    bench_run(&x);
    if (x.b.o.n != (rows[i].seen != OBS_NONE) || (x.b.o.n && x.b.o.list[0].kind != rows[i].seen))
      fail_msg("row %zu", i);
    bench_close(&x);
  }
}

static void a_negative_variance_has_its_own_rule(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(
      &x,
      "{'arch': 1, 'modules': {'running_var': 'Buffer(3, float)'}, 'checks': {'*running_var': {'min': 0}}}");
  root_dict(&x, "running_var[3]", "");
  x.p.stats.p[0].min = -1;
  bench_run(&x);
  assert_int_equal(seen(&x.b.o, OBS_CHECK_NEGATIVE_VAR), 1);
  bench_close(&x);
}

/* ---- fields ---- */

static void fields_have_their_types(void **state) {
  static const struct {
    const char *type;
    enum plan_value_kind kind;
    int64_t number;
    double real;
    enum obs_kind seen;
  } rows[] = {
      {"int >= 0", PLAN_VAL_INT, 3, 0, OBS_NONE},
      {"int >= 0", PLAN_VAL_INT, 0, 0, OBS_NONE},
      {"int >= 0", PLAN_VAL_INT, -1, 0, OBS_FIELD_RANGE},
      {"int < 2 * 2", PLAN_VAL_INT, 4, 0, OBS_FIELD_RANGE},
      {"int", PLAN_VAL_FLOAT, 0, 3, OBS_FIELD_TYPE_DIFFERS},
      {"int", PLAN_VAL_BOOL, 1, 0, OBS_FIELD_TYPE_DIFFERS},
      {"int", PLAN_VAL_NONE, 0, 0, OBS_FIELD_TYPE_DIFFERS},
      {"int?", PLAN_VAL_NONE, 0, 0, OBS_NONE},
      {"int", PLAN_VAL_KINDS, 0, 0, OBS_FIELD_ABSENT},
      {"int?", PLAN_VAL_KINDS, 0, 0, OBS_NONE},
      {"number", PLAN_VAL_INT, 3, 0, OBS_NONE},
      {"number", PLAN_VAL_FLOAT, 0, 0.5, OBS_NONE},
      {"number?", PLAN_VAL_FLOAT, 0, (double)NAN, OBS_FIELD_NONFINITE},
      {"number", PLAN_VAL_FLOAT, 0, (double)-INFINITY, OBS_FIELD_NONFINITE},
      {"number <= 1", PLAN_VAL_FLOAT, 0, 1.5, OBS_FIELD_RANGE},
      {"number", PLAN_VAL_TEXT, 0, 0, OBS_FIELD_TYPE_DIFFERS},
      {"str", PLAN_VAL_TEXT, 0, 0, OBS_NONE},
      {"str", PLAN_VAL_INT, 0, 0, OBS_FIELD_TYPE_DIFFERS},
      {"bool", PLAN_VAL_BOOL, 1, 0, OBS_NONE},
      {"list", PLAN_VAL_LIST, 0, 0, OBS_NONE},
      {"list", PLAN_VAL_TUPLE, 0, 0, OBS_NONE},
      {"dict?", PLAN_VAL_NONE, 0, 0, OBS_NONE},
      {"dict", PLAN_VAL_LIST, 0, 0, OBS_FIELD_TYPE_DIFFERS},
      {"tensor", PLAN_VAL_INT, 0, 0, OBS_FIELD_TYPE_DIFFERS},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    char arch[200];
    snprintf(arch, sizeof arch,
             "{'arch': 1, 'modules': {'layer1': 'Linear(3, 4)', 'layer2': 'Linear(4, 2, False)'},"
             " 'checkpoint': {'state_dict': 'm', 'fields': {'f': '%s'}}}",
             rows[i].type);
    bench_open(&x, arch);
    plan_value(&x.p, 0, "", PLAN_VAL_DICT);
    add_dict(&x, "m", "m");
    if (rows[i].kind != PLAN_VAL_KINDS) {
      struct plan_value *v = plan_value(&x.p, 1, "f", rows[i].kind);
      if (rows[i].kind == PLAN_VAL_FLOAT)
        v->real = rows[i].real;
      else
        v->number = rows[i].number;
    }
    bench_run(&x);
    bool ok = rows[i].seen == OBS_NONE
                  ? x.b.o.n == 1
                  : x.b.o.n == 2 && seen(&x.b.o, rows[i].seen) == 1; /* one: the dict is wrapped */
    if (!ok) fail_msg("row %zu: %u observations", i, x.b.o.n);
    bench_close(&x);
  }
}

/* The fault of the architecture file: a limit that no number can be compared with. */
static void a_limit_of_another_kind_is_told(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x,
             "{'arch': 1, 'config': {'n': 'a'}, 'modules': {}, 'checkpoint': {'fields': {'f': 'int < n'}}}");
  root_dict(&x, "", "");
  plan_value(&x.p, 1, "f", PLAN_VAL_INT)->number = 3;
  x.plan = plan_bench_done(&x.p);
  assert_true(arch_bench_build(&x.b, "", 1));
  x.dict = match_choose(&x.b.arch, x.plan, &x.options, NULL, &x.b.arena, &x.b.o);
  assert_non_null(x.dict);
  assert_true(match_run(&x.m, &x.b.model, x.plan, x.dict, &x.options, &x.b.arena, &x.b.o));
  assert_int_equal(seen(&x.b.o, OBS_ARCH_EVAL), 1);
  bench_close(&x);
}

/* loss = torch.tensor(0.5), epoch = torch.tensor(3): 0-D tensors count as numbers. */
static void scalar_tensors_are_numbers(void **state) {
  static const float half = 0.5f, nan_ = NAN;
  static const int64_t three = 3;
  static const struct {
    const char *type;
    enum dtype dtype;
    const void *bytes;
    enum obs_kind seen;
  } rows[] = {
      {"number < 1", DTYPE_F32, &half, OBS_NONE},        {"number < 0.25", DTYPE_F32, &half, OBS_FIELD_RANGE},
      {"number", DTYPE_F32, &nan_, OBS_FIELD_NONFINITE}, {"int == 3", DTYPE_I64, &three, OBS_NONE},
      {"int", DTYPE_F32, &half, OBS_FIELD_TYPE_DIFFERS}, {"tensor", DTYPE_F32, &half, OBS_NONE},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    char arch[200];
    snprintf(arch, sizeof arch, "{'arch': 1, 'modules': {}, 'checkpoint': {'fields': {'f': '%s'}}}",
             rows[i].type);
    bench_open(&x, arch);
    root_dict(&x, "", "");
    plan_value(&x.p, 1, "f", PLAN_VAL_TENSOR)->number = 0;
    plan_bytes(&x.p, rows[i].dtype, 0, NULL, rows[i].bytes);
    bench_run(&x);
    bool ok = rows[i].seen == OBS_NONE ? x.b.o.n == 0 : x.b.o.n == 1 && seen(&x.b.o, rows[i].seen) == 1;
    if (!ok) fail_msg("row %zu", i);
    bench_close(&x);
  }
}

/* ---- optimizer ---- */

struct optimizer_case {
  const char *params; /* indices, one group */
  const char *state;  /* "index:name[sizes] …" */
  enum obs_kind seen;
};

static void add_optimizer(struct match_bench *x, const struct optimizer_case *c) {
  plan_value(&x->p, 1, "opt", PLAN_VAL_DICT);
  plan_value(&x->p, 2, "state", PLAN_VAL_DICT);
  for (const char *w = c->state; *w;) {
    char index[8] = {*w}, name[32];
    size_t n = strcspn(w + 2, "[");
    snprintf(name, sizeof name, "%.*s", (int)n, w + 2);
    plan_value(&x->p, 3, index, PLAN_VAL_DICT);
    uint64_t sizes[8];
    w += 2 + n;
    uint32_t ndim = read_sizes(&w, sizes);
    plan_value(&x->p, 4, name, PLAN_VAL_TENSOR)->number = x->p.tensors.n;
    plan_bytes(&x->p, DTYPE_F32, ndim, sizes, NULL);
    w += w[1] == ' ' ? 2 : 1;
  }
  plan_value(&x->p, 2, "param_groups", PLAN_VAL_LIST);
  plan_value(&x->p, 3, "0", PLAN_VAL_DICT);
  plan_value(&x->p, 4, "lr", PLAN_VAL_FLOAT);
  plan_value(&x->p, 4, "params", PLAN_VAL_LIST);
  for (const char *w = c->params; *w; w++) plan_value(&x->p, 5, "", PLAN_VAL_INT)->number = *w - '0';
}

static void optimizer_state_fits_the_parameters(void **state) {
  static const struct optimizer_case rows[] = {
      {"012", "", OBS_NONE},
      {"012", "0:exp_avg[4,3] 1:exp_avg[4] 2:exp_avg[2,4]", OBS_NONE},
      {"012", "0:step[] 1:step[] 2:step[]", OBS_NONE},
      {"012", "0:step[] 2:step[]", OBS_RESUME_PARTIAL},
      {"012", "0:exp_avg[3,4]", OBS_OPTIMIZER_SHAPE},
      {"012", "1:exp_avg[4,3]", OBS_OPTIMIZER_SHAPE},
      {"012", "3:exp_avg[4]", OBS_OPTIMIZER_INDEX},
      {"01", "", OBS_OPTIMIZER_COUNT},
      {"0123", "", OBS_OPTIMIZER_COUNT},
      {"013", "", OBS_OPTIMIZER_INDEX},
      {"011", "", OBS_OPTIMIZER_INDEX},
      {"210", "", OBS_NONE}, /* any order, each once */
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x,
               "{'arch': 1, 'modules': {'layer1': 'Linear(3, 4)', 'layer2': 'Linear(4, 2, False)'}, "
               "'checkpoint': {'state_dict': 'm', 'optimizer': 'opt'}}");
    plan_value(&x.p, 0, "", PLAN_VAL_DICT);
    add_dict(&x, "m", "m");
    add_optimizer(&x, &rows[i]);
    bench_run(&x);
    bool ok = rows[i].seen == OBS_NONE ? x.b.o.n == 1 : seen(&x.b.o, rows[i].seen) >= 1;
    if (!ok)
      fail_msg("row %zu: %u observations, kind %d", i, x.b.o.n, x.b.o.n > 1 ? (int)x.b.o.list[1].kind : -1);
    bench_close(&x);
  }
}

/* A plan of an optimizer that torch never wrote, a line a value: depth by dots, key, then i (int), d (dict),
 * l (list), c (left out of the plan). */
static void add_values(struct match_bench *x, const char *lines) {
  for (; *lines; lines += strcspn(lines, ",") + (lines[strcspn(lines, ",")] == ',')) {
    char key[40];
    uint32_t depth = (uint32_t)strspn(lines, ".");
    size_t n = strcspn(lines + depth, " ");
    snprintf(key, sizeof key, "%.*s", (int)n, lines + depth);
    const char kind = lines[depth + n + 1];
    plan_value(&x->p, 1 + depth, key,
               kind == 'i'   ? PLAN_VAL_INT
               : kind == 'd' ? PLAN_VAL_DICT
               : kind == 'l' ? PLAN_VAL_LIST
               : kind == 'c' ? PLAN_VAL_CUT
                             : PLAN_VAL_TEXT);
  }
}

static void what_is_no_optimizer_is_told(void **state) {
  static const struct {
    const char *values;
    const char *what; /* "": nothing */
  } rows[] = {
      {"opt d,.state d", "param_groups is missing"},
      {"opt d,.param_groups l,..0 d,...params l,....0 i", "state is missing"},
      {"opt d,.state d,.param_groups l,..0 d,...lr i", "a group has no params"},
      {"opt d,.state d,.param_groups l,..0 d,...params l,....0 t", "a parameter index is no integer"},
      {"opt d,.state d,..x d,.param_groups l,..0 d,...params l,....0 i",
       "a key of state is no parameter index"},
      {"opt d,.state d,..4294967296 d,.param_groups l,..0 d,...params l,....0 i",
       "a key of state is no parameter index"},
      {"opt d,.state d,.. d,.param_groups l,..0 d,...params l,....0 i",
       "a key of state is no parameter index"},
      {"opt d,.state d,.param_groups l,..0 d,...params l,....0 i", ""},
      {"opt d,.state d,.param_groups l,..0 d,...params l,....0 c",
       ""}, /* the plan had no room for the rest */
      {"opt d,.state d,.param_groups l,..0 c", ""},
      {"opt d,.state d,..x c,.param_groups l,..0 d,...params l,....0 i", ""},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct match_bench x;
    bench_open(&x,
               "{'arch': 1, 'modules': {'p': 'Parameter(2)'}, 'checkpoint': "
               "{'state_dict': 'm', 'optimizer': 'opt'}}");
    plan_value(&x.p, 0, "", PLAN_VAL_DICT);
    plan_value(&x.p, 1, "m", PLAN_VAL_DICT);
    plan_dict_here(&x.p, "m");
    add_tensors(&x, "p[2]", "");
    add_values(&x, rows[i].values);
    bench_run(&x);
    const struct observation *found =
        seen(&x.b.o, OBS_OPTIMIZER_FORM) ? first_of(&x.b.o, OBS_OPTIMIZER_FORM) : NULL;
    if (!found != !rows[i].what[0] || (found && !says(found->detail, rows[i].what))) fail_msg("row %zu", i);
    bench_close(&x);
  }
}

/* What is tied is optimized once. */
static void an_alias_is_no_parameter_of_its_own(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(
      &x,
      "{'arch': 1, 'modules': {'a': 'Parameter(2)', 'b': 'Parameter(2)'}, 'tie': [['b', 'a']], 'checkpoint': "
      "{'state_dict': 'm', 'optimizer': 'opt'}}");
  plan_value(&x.p, 0, "", PLAN_VAL_DICT);
  plan_value(&x.p, 1, "m", PLAN_VAL_DICT);
  plan_dict_here(&x.p, "m");
  add_tensors(&x, "a[2] b[2]", "");
  add_values(&x, "opt d,.state d,.param_groups l,..0 d,...params l,....0 i");
  bench_run(&x);
  assert_int_equal(seen(&x.b.o, OBS_OPTIMIZER_COUNT), 0);
  bench_close(&x);
}

static void an_optimizer_that_is_not_there_is_told(void **state) {
  struct match_bench x;
  (void)state;
  bench_open(&x, "{'arch': 1, 'modules': {}, 'checkpoint': {'optimizer': 'opt'}}");
  root_dict(&x, "", "");
  bench_run(&x);
  assert_int_equal(seen(&x.b.o, OBS_OPTIMIZER_ABSENT), 1);
  bench_close(&x);
}

/* ---- size ---- */

static void many_keys(bool fitting) {
  struct match_bench x;
  char name[60];
  const uint32_t layers = 25000;
  bench_open(
      &x,
      "{'arch': 1, 'modules': {'h.{i < 25000}': {'modules': {'a': 'Linear(1, 1)', 'b': 'Linear(1, 1)'}}}}");
  root_dict(&x, "", "");
  for (uint32_t i = 0; i < layers; i++)
    for (uint32_t k = 0; k < 4; k++) {
      snprintf(name, sizeof name, fitting ? "module.h.%u.%s.%s" : "q%u_%s_%s", i, k / 2 ? "b" : "a",
               k % 2 ? "bias" : "weight");
      plan_entry(&x.p, 1, name, DTYPE_F32, k % 2 ? 1 : 2, SIZES(1, 1), NULL);
    }
  x.plan = plan_bench_done(&x.p);
  double start = cpu_milliseconds();
  assert_true(arch_bench_build(&x.b, "", x.plan->num_tensors));
  x.dict = match_choose(&x.b.arch, x.plan, &x.options, NULL, &x.b.arena, &x.b.o);
  assert_true(match_run(&x.m, &x.b.model, x.plan, x.dict, &x.options, &x.b.arena, &x.b.o));
  double took = cpu_milliseconds() - start;
  print_message("100,000 keys, %s: %.0f ms, %zu MiB\n", fitting ? "with a prefix" : "all different", took,
                x.b.arena.used >> 20);
  assert_true(took < 3000); /* under sanitizers; the release build takes a tenth */
  assert_int_equal(x.m.matched, fitting ? 100000 : 0);
  assert_int_equal(x.m.missing, fitting ? 0 : 100000);
  assert_true(x.b.o.n <= 2 * x.b.o.per_kind_max);
  bench_close(&x);
}

static void a_hundred_thousand_keys_are_matched_in_linear_time(void **state) {
  (void)state;
  many_keys(true);
  many_keys(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_that_changed_are_noticed),
      cmocka_unit_test(a_fitting_checkpoint_is_silent),
      cmocka_unit_test(order_in_the_file_does_not_matter),
      cmocka_unit_test(differences_are_judged_as_torch_does),
      cmocka_unit_test(claimed_sizes_do_not_wrap),
      cmocka_unit_test(half_is_a_float_and_double_is_noted),
      cmocka_unit_test(vectors_for_scalars_load_but_are_told),
      cmocka_unit_test(prefixes_are_found_and_removed),
      cmocka_unit_test(no_prefix_is_invented),
      cmocka_unit_test(one_place_is_filled_once),
      cmocka_unit_test(optional_ignored_renamed_and_tied_keys),
      cmocka_unit_test(an_absent_alias_has_its_targets_tensor),
      cmocka_unit_test(tied_tensors_must_hold_the_same_bytes),
      cmocka_unit_test(without_bytes_what_is_not_compared_is_said),
      cmocka_unit_test(strided_ties_are_compared_by_element),
      cmocka_unit_test(batch_counters_may_be_absent),
      cmocka_unit_test(constants_must_be_held),
      cmocka_unit_test(ties_are_compared_in_their_byte_orders),
      cmocka_unit_test(patterns_are_what_their_models_hold),
      cmocka_unit_test(an_exact_dtype_is_named),
      cmocka_unit_test(ties_are_read_within_a_budget),
      cmocka_unit_test(the_configs_words_on_the_weights_are_held),
      cmocka_unit_test(the_state_dict_is_found_or_asked_for),
      cmocka_unit_test(a_whole_module_is_matched_and_answered),
      cmocka_unit_test(numbers_are_held_against_the_checks),
      cmocka_unit_test(a_negative_variance_has_its_own_rule),
      cmocka_unit_test(fields_have_their_types),
      cmocka_unit_test(scalar_tensors_are_numbers),
      cmocka_unit_test(optimizer_state_fits_the_parameters),
      cmocka_unit_test(a_limit_of_another_kind_is_told),
      cmocka_unit_test(what_is_no_optimizer_is_told),
      cmocka_unit_test(an_alias_is_no_parameter_of_its_own),
      cmocka_unit_test(an_optimizer_that_is_not_there_is_told),
      cmocka_unit_test(a_hundred_thousand_keys_are_matched_in_linear_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
