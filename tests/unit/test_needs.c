/* What loading needs: the table's facts against what the packages' own documents say, and that each row can
 * be found. */
#include "rules/needs.h"

#include "rules/globals.h"
#include "tests/unit/check.h"

static struct span text(const char *s) { return span_str(s); }

/* From the release notes of numpy, the documentation of Python, and torch's own source of that version. */
static const struct {
  const char *module, *name;
  enum need_package package;
  const char *least; /* NULL: nothing is needed */
} names[] = {
    {"numpy._core.multiarray", "_reconstruct", NEED_NUMPY, "1.26.1"},
    {"numpy._core.multiarray", "scalar", NEED_NUMPY, "1.26.1"},
    {"numpy._core.numeric", "_frombuffer", NEED_NUMPY, "2.0"},
    {"numpy.core.multiarray", "_reconstruct", NEED_NUMPY, NULL},
    {"numpy.core.numeric", "_frombuffer", NEED_NUMPY, "1.16"},
    {"numpy.random._pickle", "__generator_ctor", NEED_NUMPY, "1.17"},
    {"numpy.random._pcg64", "PCG64DXSM", NEED_NUMPY, "1.21"},
    {"numpy.random._pcg64", "PCG64", NEED_NUMPY, "1.17"},
    {"numpy.dtypes", "Float64DType", NEED_NUMPY, "1.25"},
    {"pathlib._local", "PosixPath", NEED_PYTHON, "3.13"},
    {"pathlib", "PosixPath", NEED_PYTHON, "3.4"},
    {"types", "NoneType", NEED_PYTHON, "3.10"},
    {"types", "SimpleNamespace", NEED_PYTHON, "3.3"},
    {"argparse", "Namespace", NEED_PYTHON, NULL},
    {"torch._utils", "_rebuild_tensor_v2", NEED_TORCH, "0.4"},
    {"torch._utils", "_rebuild_tensor_v3", NEED_TORCH, "2.1"},
    {"torch._utils", "_rebuild_parameter_with_state", NEED_TORCH, "2.0"},
    {"torch._utils", "_rebuild_tensor", NEED_TORCH, NULL},
    {"torch", "int4", NEED_TORCH, "2.6"},
    {"torch", "uint4", NEED_TORCH, "2.3"},
    {"torch", "int64", NEED_TORCH, NULL},
};

static void check_need(const struct need *need, enum need_package package, const char *least,
                       const char *what) {
  char room[NEED_VERSION_ROOM];
  if (!need != !least) fail_msg("%s: %s", what, need ? "a need too many" : "no need");
  if (!need) return;
  assert_int_equal(need->package, package);
  assert_string_equal(need_version_text(need->version, room), least);
  assert_true(need->source[0]);
}

static void names_need_what_the_documents_say(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(names); i++)
    check_need(need_of_name(text(names[i].module), text(names[i].name)), names[i].package, names[i].least,
               names[i].name);
}

static void dtypes_need_their_torch(void **state) {
  (void)state;
  check_need(need_of_dtype(DTYPE_F8E4M3FN), NEED_TORCH, "2.1", "float8_e4m3fn");
  check_need(need_of_dtype(DTYPE_F8E8M0FNU), NEED_TORCH, "2.7", "float8_e8m0fnu");
  check_need(need_of_dtype(DTYPE_F4X2), NEED_TORCH, "2.8", "float4_e2m1fn_x2");
  check_need(need_of_dtype(DTYPE_U16), NEED_TORCH, "2.3", "uint16");
  check_need(need_of_dtype(DTYPE_F32), NEED_TORCH, NULL, "float32");
}

/* PEP 3154 and PEP 574; protocol 2 is Python 2.3's. */
static void protocols_need_their_python(void **state) {
  (void)state;
  static const char *const least[] = {NULL, NULL, NULL, "3.0", "3.4", "3.8"};
  for (uint32_t p = 0; p < ARRAY_LEN(least); p++)
    check_need(need_of_protocol(p), NEED_PYTHON, least[p], "a protocol");
  check_need(need_of_protocol(UINT32_MAX), NEED_PYTHON, "3.8", "a protocol of the future");
}

static void containers_need_their_torch(void **state) {
  (void)state;
  const char *what;
  check_need(need_of_kind(CONTAINER_TORCH_ZIP, &what), NEED_TORCH, "1.6", "zip");
  assert_string_equal(what, "the zip container");
  check_need(need_of_kind(CONTAINER_TORCH_LEGACY, &what), NEED_TORCH, NULL, "legacy");
  check_need(need_of_big_endian(&what), NEED_TORCH, "2.1", "big endian");
}

static void versions_compare_as_numbers(void **state) {
  (void)state;
  assert_true(NEED_VERSION(1, 26, 1) > NEED_VERSION(1, 26, 0));
  assert_true(NEED_VERSION(2, 10, 0) > NEED_VERSION(2, 9, 9));
  assert_true(NEED_VERSION(3, 0, 0) > NEED_VERSION(2, 255, 255));
}

/* A row that stands for a name which no list of globals has is a slip of the pen: it would never be met in a
 * file that is not refused. "*" stands for any name of a module. */
struct table_row {
  const char *module, *name;
};
static const struct table_row rows[] = {
#define NEED_NAME(package, version, module, name, source) {module, name},
#include "rules/needs.def"
#define TIED(module, name, systems, source) {module, name},
#include "rules/needs.def"
#define ALIAS(module, name, why) {module, name},
#include "rules/needs.def"
#define STATE_AS(module, name, class) {module, name},
#include "rules/needs.def"
};

static bool is_listed(const struct table_row *row) {
  for (size_t i = 0; globals_row(i); i++) {
    const struct global_row *g = globals_row(i);
    bool any = strcmp(row->name, "*") == 0 && !global_is_refused(g->cls);
    if (strcmp(g->module, row->module) == 0 && (any || strcmp(g->name, row->name) == 0)) return true;
  }
  return false;
}

static void rows_are_of_listed_names(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++)
    if (!is_listed(&rows[i])) fail_msg("%s.%s is on no list of globals", rows[i].module, rows[i].name);
}

static void moved_objects_are_told_by_name(void **state) {
  (void)state;
  assert_true(need_alias(text("numpy.core.multiarray"), text("scalar")));
  assert_true(need_alias(text("pathlib._local"), text("PosixPath")));
  assert_false(need_alias(text("pathlib"), text("PosixPath")));
  assert_false(need_alias(text("numpy"), text("dtype")));
  assert_string_equal(need_systems(text("pathlib"), text("WindowsPath")), "Windows");
  assert_null(need_systems(text("pathlib"), text("PurePosixPath")));
  assert_string_equal(need_state_class(text("numpy.random._pickle"), text("__randomstate_ctor")),
                      "numpy.random.RandomState");
  assert_null(need_state_class(text("argparse"), text("Namespace")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_need_what_the_documents_say), cmocka_unit_test(dtypes_need_their_torch),
      cmocka_unit_test(protocols_need_their_python),       cmocka_unit_test(containers_need_their_torch),
      cmocka_unit_test(versions_compare_as_numbers),       cmocka_unit_test(rows_are_of_listed_names),
      cmocka_unit_test(moved_objects_are_told_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
