/* The lists of globals: their order, what is found and what must not be, and the user's own names. */
#include "rules/globals.h"

#include <stdio.h>

#include "tests/unit/check.h"

static const struct global_row *look(const struct globals *g, const char *module, const char *name) {
  struct span m = exact_copy(module, strlen(module)), n = exact_copy(name, strlen(name));
  const struct global_row *row = globals_lookup(g, m, n);
  exact_free(m);
  exact_free(n);
  return row;
}

static enum global_class class_of(const char *module, const char *name) {
  const struct global_row *row = look(NULL, module, name);
  return row ? row->cls : GLOBAL_UNKNOWN;
}

static size_t count_rows(void) {
  size_t n = 0;
  while (globals_row(n)) n++;
  return n;
}

static int by_pair(const void *a, const void *b) {
  const struct global_row *const *x = a, *const *y = b;
  int c = strcmp((*x)->module, (*y)->module);
  return c ? c : strcmp((*x)->name, (*y)->name);
}

/* Bisection finds each row only if its list is sorted; it finds the row itself only if no other list has the
 * pair. */
static void every_row_is_found(void **state) {
  (void)state;
  assert_true(count_rows() > 2000);
  for (size_t i = 0; globals_row(i); i++) {
    const struct global_row *row = globals_row(i);
    if (look(NULL, row->module, row->name) != row)
      fail_msg("%s %s is out of order or twice", row->module, row->name);
  }
}

static void no_pair_is_listed_twice(void **state) {
  (void)state;
  size_t n = count_rows();
  const struct global_row **sorted = malloc(n * sizeof *sorted);
  assert_non_null(sorted);
  for (size_t i = 0; i < n; i++) sorted[i] = globals_row(i);
  qsort(sorted, n, sizeof *sorted, by_pair);
  for (size_t i = 1; i < n; i++)
    if (by_pair(&sorted[i - 1], &sorted[i]) == 0)
      fail_msg("%s %s is listed twice", sorted[i]->module, sorted[i]->name);
  free(sorted);
}

static bool is_whole(const struct global_row *row) { return row->name[0] == '*'; }

static void rows_keep_the_rules_of_their_class(void **state) {
  (void)state;
  for (size_t i = 0; globals_row(i); i++) {
    const struct global_row *row = globals_row(i);
    bool refused = global_is_refused(row->cls);
    if (row->why[0] == '\0' || row->cls == GLOBAL_UNKNOWN)
      fail_msg("%s %s has no reason", row->module, row->name);
    bool partial = strcmp(row->module, "functools") == 0 && row->builder == BUILD_PARTIAL;
    if (refused && row->builder != BUILD_NONE && !partial)
      fail_msg("%s %s is refused and built", row->module, row->name);
    if (is_whole(row) && !refused) fail_msg("%s is trusted as a whole", row->module);
    bool data = row->cls == GLOBAL_RECORD || row->cls == GLOBAL_DCP || row->cls == GLOBAL_MODULE;
    bool joblib = row->builder == BUILD_JOBLIB_ARRAY || row->builder == BUILD_JOBLIB_FILE;
    if (data && row->builder != BUILD_NONE && row->builder != BUILD_PLAIN && row->builder != BUILD_OWN &&
        row->builder != BUILD_FIELDS && row->builder != BUILD_ZONE && row->builder != BUILD_LITERAL &&
        row->builder != BUILD_SHARED && row->builder != BUILD_COMPARED && row->builder != BUILD_COUNTED &&
        row->builder != BUILD_CRITERION && row->builder != BUILD_NP_MASKED && !joblib)
      fail_msg("%s %s is a record with a builder", row->module, row->name);
  }
}

/* Every name of torch's weights_only list (torch/_weights_only_unpickler.py, 2.10) with the builder that must
 * check its arguments; written from that source, by hand. */
static const struct core {
  const char *module, *name;
  enum builder builder;
} core[] = {
    {"collections", "OrderedDict", BUILD_ORDERED_DICT},
    {"collections", "Counter", BUILD_COUNTER},
    {"torch.nn.parameter", "Parameter", BUILD_PARAMETER_CLASS},
    {"torch.serialization", "_get_layout", BUILD_LAYOUT},
    {"torch", "Size", BUILD_SIZE},
    {"torch", "Tensor", BUILD_TENSOR_CLASS},
    {"torch", "device", BUILD_DEVICE},
    {"_codecs", "encode", BUILD_CODECS_ENCODE},
    {"builtins", "bytearray", BUILD_BYTEARRAY},
    {"builtins", "set", BUILD_SET},
    {"builtins", "complex", BUILD_COMPLEX},
    {"torch", "FloatTensor", BUILD_TENSOR_CLASS},
    {"torch.cuda", "HalfTensor", BUILD_TENSOR_CLASS},
    {"torch.sparse", "DoubleTensor", BUILD_TENSOR_CLASS},
    {"torch.cuda.sparse", "BFloat16Tensor", BUILD_TENSOR_CLASS},
    {"torch", "FloatStorage", BUILD_STORAGE_CLASS},
    {"torch", "QUInt2x4Storage", BUILD_STORAGE_CLASS},
    {"torch.cuda", "ComplexFloatStorage", BUILD_STORAGE_CLASS},
    {"torch.storage", "TypedStorage", BUILD_STORAGE_CLASS},
    {"torch.storage", "UntypedStorage", BUILD_STORAGE_CLASS},
    {"torch", "per_tensor_affine", BUILD_QSCHEME},
    {"torch", "per_tensor_symmetric", BUILD_QSCHEME},
    {"torch", "per_channel_affine", BUILD_QSCHEME},
    {"torch", "per_channel_symmetric", BUILD_QSCHEME},
    {"torch", "per_channel_affine_float_qparams", BUILD_QSCHEME},
    {"torch._utils", "_rebuild_parameter", BUILD_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", BUILD_PARAMETER_STATE},
    {"torch._utils", "_rebuild_qtensor", BUILD_QTENSOR},
    {"torch._utils", "_rebuild_tensor", BUILD_TENSOR},
    {"torch._utils", "_rebuild_tensor_v2", BUILD_TENSOR_V2},
    {"torch._utils", "_rebuild_tensor_v3", BUILD_TENSOR_V3},
    {"torch._utils", "_rebuild_sparse_tensor", BUILD_SPARSE},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", BUILD_META},
    {"torch._utils", "_rebuild_nested_tensor", BUILD_NESTED},
    {"torch._utils", "_rebuild_wrapper_subclass", BUILD_WRAPPER},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", BUILD_DEVICE_TENSOR},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", BUILD_DEVICE_TENSOR},
    {"torch._tensor", "_rebuild_from_type_v2", BUILD_FROM_TYPE_V2},
};

static void torch_s_own_list_is_core(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(core); i++) {
    const struct global_row *row = look(NULL, core[i].module, core[i].name);
    if (!row || row->cls != GLOBAL_CORE || row->builder != core[i].builder)
      fail_msg("%s %s is not core, or has another builder", core[i].module, core[i].name);
  }
}

static void dtypes_are_core(void **state) {
  (void)state;
  static const char *const dtypes[] = {
      "float64",         "float32",        "float16",   "bfloat16",      "int64",       "int32",
      "int16",           "int8",           "uint8",     "bool",          "uint16",      "uint32",
      "uint64",          "complex32",      "complex64", "complex128",    "qint8",       "quint8",
      "qint32",          "quint4x2",       "quint2x4",  "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
      "float8_e5m2fnuz", "float8_e8m0fnu", "bits8",     "bits16",        "bits1x8",     "bits2x4",
      "bits4x2",         "int1",           "int7",      "uint1",         "uint7"};
  for (size_t i = 0; i < ARRAY_LEN(dtypes); i++) {
    const struct global_row *row = look(NULL, "torch", dtypes[i]);
    if (!row || row->cls != GLOBAL_CORE || row->builder != BUILD_DTYPE) fail_msg("torch %s", dtypes[i]);
  }
  assert_null(look(NULL, "torch", "double")); /* an alias: never written */
}

static const struct {
  const char *module, *name;
  enum global_class cls;
} classes[] = {
    {"argparse", "Namespace", GLOBAL_MODELLED},
    {"numpy.core.multiarray", "scalar", GLOBAL_MODELLED},
    {"numpy._core.multiarray", "_reconstruct", GLOBAL_MODELLED},
    {"torch.storage", "_load_from_bytes", GLOBAL_MODELLED},
    {"torch.nn.modules.conv", "Conv2d", GLOBAL_MODULE},
    {"torch.nn.modules.normalization", "RMSNorm", GLOBAL_MODULE},
    {"ultralytics.nn.tasks", "DetectionModel", GLOBAL_MODULE},
    {"torch.optim.adamw", "AdamW", GLOBAL_RECORD},
    {"lightning.fabric.utilities.data", "AttributeDict", GLOBAL_RECORD},
    {"os", "system", GLOBAL_DANGEROUS},
    {"posix", "popen", GLOBAL_DANGEROUS},
    {"subprocess", "Popen", GLOBAL_DANGEROUS},
    {"builtins", "eval", GLOBAL_DANGEROUS},
    {"builtins", "getattr", GLOBAL_INDIRECT},
    {"functools", "partial", GLOBAL_INDIRECT},
    {"operator", "attrgetter", GLOBAL_INDIRECT},
    {"_operator", "methodcaller", GLOBAL_INDIRECT},
    {"pkgutil", "resolve_name", GLOBAL_INDIRECT},
    {"torch", "load", GLOBAL_GADGET},
    {"torch.hub", "load", GLOBAL_GADGET},
    {"torch.utils.collect_env", "run", GLOBAL_GADGET},
    {"numpy.testing._private.utils", "runstring", GLOBAL_GADGET},
    {"torch", "os", GLOBAL_GADGET},
    /* whole modules and packages */
    {"sys", "settrace", GLOBAL_DANGEROUS},
    {"asyncio.unix_events", "_UnixSubprocessTransport._start", GLOBAL_DANGEROUS},
    {"asyncio.windows_events", "whatever", GLOBAL_DANGEROUS},
    {"ctypes.macholib.dyld", "dyld_find", GLOBAL_DANGEROUS},
    {"torch._dynamo.guards", "GuardBuilder.get", GLOBAL_GADGET},
    {"torch._dynamo.backends.debugging", "x", GLOBAL_GADGET},
    /* near misses */
    {"", "", GLOBAL_UNKNOWN},
    {"os", "", GLOBAL_DANGEROUS}, /* of the module os, whatever the name */
    {"", "system", GLOBAL_UNKNOWN},
    {"OS", "system", GLOBAL_UNKNOWN},
    {"osx", "system", GLOBAL_UNKNOWN},
    {"asyncio2.x", "y", GLOBAL_UNKNOWN},
    {"mine.os", "system", GLOBAL_UNKNOWN},
    {"torch", "_utils._rebuild_tensor_v2", GLOBAL_UNKNOWN}, /* the joined name is torch's, the pair is not */
    {"torch._utils", "_rebuild_tensor_v2 ", GLOBAL_UNKNOWN},
    {"torch._utils", "_rebuild_tensor_v", GLOBAL_UNKNOWN},
    {"torch._util", "s_rebuild_tensor_v2", GLOBAL_UNKNOWN},
    {"profile.layers", "Block", GLOBAL_UNKNOWN}, /* a module row does not reach below the module */
    {"__main__", "SimpleModel", GLOBAL_UNKNOWN},
    {"torch", "*", GLOBAL_UNKNOWN},
};

static void classes_are_as_listed(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(classes); i++)
    if (class_of(classes[i].module, classes[i].name) != classes[i].cls)
      fail_msg("%s %s is %s", classes[i].module, classes[i].name,
               global_class_name(class_of(classes[i].module, classes[i].name)));
}

/* Below a package as deep and long as any in the list. */
static void packages_reach_below(void **state) {
  (void)state;
  for (size_t i = 0; globals_row(i); i++) {
    const struct global_row *row = globals_row(i);
    char below[256];
    if (strcmp(row->name, "**") != 0) continue;
    (void)snprintf(below, sizeof below, "%s.nosuchmodule.nosuchmodule", row->module);
    if (look(NULL, below, "f") != row) fail_msg("%s is not found for %s", row->module, below);
  }
}

static void names_with_nul_or_of_any_length_are_no_match(void **state) {
  (void)state;
  struct span nul = exact_copy("os\0x", 4), name = exact_copy("system", 6);
  assert_null(globals_lookup(NULL, nul, name));
  exact_free(nul);
  size_t n = 10000000;
  uint8_t *dots = malloc(n);
  assert_non_null(dots);
  memset(dots, '.', n);
  assert_null(globals_lookup(NULL, span_of(dots, n), name));
  memcpy(dots, "asyncio", 7);
  assert_int_equal(globals_lookup(NULL, span_of(dots, n), name)->cls, GLOBAL_DANGEROUS);
  free(dots);
  exact_free(name);
}

static const struct {
  const char *name, *answer;
} allows[] = {
    {"__main__.SimpleModel", NULL},
    {"mycorp.nets.Encoder", NULL},
    {"argparse.Namespace", NULL}, /* listed already: no error, no change */
    {"Encoder", "is not a name of the form module.Class"},
    {"", "is not a name of the form module.Class"},
    {".", "is not a name of the form module.Class"},
    {"a.", "is not a name of the form module.Class"},
    {".a", "is not a name of the form module.Class"},
    {"a..b", "is not a name of the form module.Class"},
    {"a.1b", "is not a name of the form module.Class"},
    {"mycorp.*", "is not a name of the form module.Class"},
    {"mycorp.nets.Enc\xc3\xb6"
     "der",
     "is not a name of the form module.Class"},
    {"os.system", "is always refused: only classes that hold data can be allowed"},
    {"sys.anything", "is always refused: only classes that hold data can be allowed"},
    {"nt.anything", "is always refused: only classes that hold data can be allowed"},
    {"builtins.getattr", "is always refused: only classes that hold data can be allowed"},
    {"functools.partial", "is always refused: only classes that hold data can be allowed"},
    {"torch.hub.load", "is always refused: only classes that hold data can be allowed"},
    {"multiprocessing.pool.Pool", "is always refused: only classes that hold data can be allowed"},
};

static void allow_takes_classes_only(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 20);
  struct globals g = {0};
  for (size_t i = 0; i < ARRAY_LEN(allows); i++) {
    struct span name = exact_copy(allows[i].name, strlen(allows[i].name));
    const char *answer = globals_allow(&g, &a, name, false);
    exact_free(name);
    if (!allows[i].answer)
      assert_null(answer);
    else if (!answer || strcmp(answer, allows[i].answer) != 0)
      fail_msg("%s: %s", allows[i].name, answer);
  }
  assert_int_equal(g.num_allowed, 2);
  assert_int_equal(look(&g, "__main__", "SimpleModel")->cls, GLOBAL_RECORD);
  assert_int_equal(look(&g, "mycorp.nets", "Encoder")->builder, BUILD_PLAIN);
  assert_null(look(&g, "mycorp", "nets.Encoder"));
  assert_null(look(NULL, "mycorp.nets", "Encoder"));
  assert_int_equal(look(&g, "argparse", "Namespace")->cls, GLOBAL_MODELLED);
  arena_free(&a);
}

/* A review marks a name, and changes nothing else of it; for one file it stands before what all files have.
 */
static void reviewed_names_keep_their_class(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 1 << 20);
  struct globals all = {0}, one = {.outer = &all};
  assert_null(globals_allow(&all, &a, SPAN("b.Outer"), false));
  assert_null(globals_allow(&all, &a, SPAN("a.Outer"), false));
  assert_null(globals_allow(&all, &a, SPAN("a.Outer"), false)); /* once is enough */
  assert_null(globals_allow(&one, &a, SPAN("argparse.Namespace"), true));
  assert_null(globals_allow(&one, &a, SPAN("torch.nn.modules.conv.Conv2d"), true));
  assert_null(globals_allow(&one, &a, SPAN("collections.OrderedDict"), true)); /* nothing stops at it */
  assert_null(globals_allow(&one, &a, SPAN("a.Outer"), true));
  assert_int_equal(all.num_allowed, 2);
  assert_string_equal(all.allowed[0].module, "a");
  assert_int_equal(one.num_allowed, 3);
  const struct global_row *listed = look(NULL, "argparse", "Namespace"),
                          *reviewed = look(&one, "argparse", "Namespace");
  assert_true(reviewed->reviewed && !listed->reviewed);
  assert_int_equal(reviewed->cls, listed->cls);
  assert_int_equal(reviewed->builder, listed->builder);
  assert_int_equal(look(&one, "torch.nn.modules.conv", "Conv2d")->cls, GLOBAL_MODULE);
  assert_true(look(&one, "a", "Outer")->reviewed);
  assert_false(look(&one, "b", "Outer")->reviewed);
  assert_false(look(&all, "a", "Outer")->reviewed);
  assert_string_equal(globals_allow(&one, &a, SPAN("os.system"), true),
                      "is always refused: only classes that hold data can be allowed");
  arena_free(&a);
}

static void only_what_may_be_a_class_is_proposed(void **state) {
  (void)state;
  const struct globals g = {.propose = true};
  assert_true(look(&g, "mycorp", "Encoder")->reviewed);
  assert_int_equal(look(&g, "mycorp", "_Config")->cls, GLOBAL_RECORD);
  assert_null(look(&g, "mycorp", "encode"));
  assert_null(look(&g, "mycorp", "_"));
  assert_int_equal(look(&g, "subprocess", "Popen")->cls, GLOBAL_DANGEROUS);
  assert_int_equal(look(&g, "os", "Anything")->cls, GLOBAL_DANGEROUS);
  assert_false(look(&g, "argparse", "Namespace")->reviewed);
}

static void allow_says_when_memory_ends(void **state) {
  (void)state;
  struct arena a;
  arena_init(&a, 0);
  struct globals g = {0};
  assert_string_equal(globals_allow(&g, &a, SPAN("mycorp.nets.Encoder"), false), "does not fit into memory");
  assert_int_equal(g.num_allowed, 0);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row_is_found),
      cmocka_unit_test(no_pair_is_listed_twice),
      cmocka_unit_test(rows_keep_the_rules_of_their_class),
      cmocka_unit_test(torch_s_own_list_is_core),
      cmocka_unit_test(dtypes_are_core),
      cmocka_unit_test(classes_are_as_listed),
      cmocka_unit_test(packages_reach_below),
      cmocka_unit_test(names_with_nul_or_of_any_length_are_no_match),
      cmocka_unit_test(allow_takes_classes_only),
      cmocka_unit_test(reviewed_names_keep_their_class),
      cmocka_unit_test(only_what_may_be_a_class_is_proposed),
      cmocka_unit_test(allow_says_when_memory_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
