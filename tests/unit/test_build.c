/* What a call builds: for each builder the forms that torch, numpy and Python write, and each wrong argument
 * with the place of the call. Expected behaviour from format-spec D.3 and D.6 to D.8, threats H. */
#include "tests/unit/program_bench.h"

#define QTENSOR(params)     \
  UTILS("_rebuild_qtensor", \
        STORAGE("QInt8Storage", "1", "8") I("0") T(I("2") I("4")) T(I("4") I("1")) params REST)
#define PER_TENSOR      G("torch", "per_tensor_affine")
#define PER_CHANNEL     G("torch", "per_channel_affine")
#define NP_DTYPE(code)  CALL("numpy", "dtype", S(code) FALSE_ TRUE_)
#define NP_STATE(order) T(I("3") S(order) NONE NONE NONE I("-1") I("-1") I("0")) BUILD
#define NP_F8           NP_DTYPE("f8") NP_STATE("<")
#define NP_OBJECTS      NP_DTYPE("O8") T(I("3") S("|") NONE NONE NONE I("-1") I("-1") I("63")) BUILD
#define NP_RECORD(code, items, names, fields, size, flags) \
  NP_DTYPE(code) T(I("3") S("|") items names fields I(size) I("1") I(flags))
#define RANDOM(name, args)     CALL("numpy.random._pickle", name, args)
#define BIT_CTOR               G("numpy.random._pickle", "__bit_generator_ctor")
#define PARTIAL(function)      CALL("functools", "partial", function)
#define LAYER_NORM             G("torch.nn.modules.normalization", "LayerNorm")
#define EPS                    DICT(S("eps") F("1e-06"))
#define TORCH_RELU             CALL("__builtin__", "getattr", G("torch._C", "_VariableFunctionsClass") S("relu"))
#define LATIN(text)            CALL("_codecs", "encode", S(text) S("latin1"))
#define MULTIARRAY(name, args) CALL("numpy.core.multiarray", name, args)
#define NP_ARRAY               MULTIARRAY("_reconstruct", G("numpy", "ndarray") T(I("0")) LATIN("b"))

#define RECONSTRUCT      G("numpy.core.multiarray", "_reconstruct")
#define RECONSTRUCT_     RECONSTRUCT T(G("numpy", "ndarray") T(I("0")) LATIN("b"))
#define F64_STATE        T(I("1") T(I("1")) NP_F8 FALSE_ LATIN("12345678"))
#define DILL(name, args) CALL("dill._dill", name, args)
#define DILL_MODULE      G("dill._dill", "_get_attr") DILL("_import_module", S("numpy.core.multiarray"))
#define DILL_FUNCTION(name) \
  DILL_MODULE S(name)       \
  T2 REDUCE
#define ATTRIBUTE(m, n, name) CALL("__builtin__", "getattr", G(m, n) S(name))
#define ZONE                  ATTRIBUTE("zoneinfo", "ZoneInfo", "_unpickle")

/* Of storage 1, eight bytes: one index, in two dimensions and in one. */
#define LONGS                   STORAGE("LongStorage", "1", "1")
#define VIEW(s, sizes, strides) UTILS("_rebuild_tensor_v2", s I("0") T(sizes) T(strides) REST)
#define INDICES                 VIEW(LONGS, I("1") I("1"), I("1") I("1"))
#define INDEX                   VIEW(LONGS, I("1"), I("1"))
#define NO_INDEX                VIEW(LONGS, I("0"), I("1"))
#define FLAT                    VIEW(FLOATS, I("6"), I("1"))
#define ONE_ROW                 VIEW(FLOATS, I("1") I("6"), I("6") I("1"))
#define NO_VALUES               VIEW(FLOATS, I("0"), I("1"))
#define META \
  UTILS("_rebuild_meta_tensor_no_storage", G("torch", "int64") T(I("1") I("1")) T(I("1") I("1")) FALSE_)
#define LAYOUT_OF(name) CALL("torch.serialization", "_get_layout", S("torch.sparse_" name))
#define STRIDED         CALL("torch.serialization", "_get_layout", S("torch.strided"))
/* The arguments of _rebuild_from_type_v2. */
#define WRAPPED(module, name, state)                                               \
  G("torch._utils", "_rebuild_wrapper_subclass")                                   \
  G("torch.distributed.tensor", "DTensor")                                         \
  T(G(module, name) G("torch", "float32") T(I("4") I("3")) T(I("3") I("1")) I("0") \
        STRIDED CALL("torch", "device", S("cpu")) FALSE_)                          \
  state
#define JAGGED(keywords)                                    \
  G("torch.nested._internal.nested_tensor", "_rebuild_njt") \
  G("torch.nested._internal.nested_tensor", "NestedTensor") T(DICT(keywords)) NONE
#define SPARSE_ARGS LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("3") I("6")))
#define SPARSE      UTILS("_rebuild_sparse_tensor", SPARSE_ARGS)
#define COMPRESSED(layout, size) \
  UTILS("_rebuild_sparse_tensor", LAYOUT_OF(layout) T(INDEX NO_INDEX NO_VALUES T(size)))

struct accepted {
  const char *name, *program;
  enum built_kind kind;
};

static const struct accepted accepted[] = {
    {"OrderedDict()", ODICT, BUILT_DICT},
    {"OrderedDict of pairs, Python 2", CALL("collections", "OrderedDict", LIST(LIST(S("a") I("1")))),
     BUILT_DICT},
    {"OrderedDict with _metadata", ODICT DICT(S("_metadata") ODICT) BUILD, BUILT_DICT},
    {"OrderedDict by NEWOBJ", G("collections", "OrderedDict") ")" NEWOBJ, BUILT_DICT},
    {"Counter", CALL("collections", "Counter", DICT(I("30") I("1"))), BUILT_DICT},
    {"Counter()", CALL("collections", "Counter", ""), BUILT_DICT},
    {"defaultdict(list)", CALL("collections", "defaultdict", G("__builtin__", "list")), BUILT_DICT},
    {"defaultdict(OrderedDict)", CALL("collections", "defaultdict", G("collections", "OrderedDict")),
     BUILT_DICT},
    {"defaultdict(Counter)", CALL("collections", "defaultdict", G("collections", "Counter")), BUILT_DICT},
    {"defaultdict of a class on no list", CALL("collections", "defaultdict", G("utils", "SmoothedValue")),
     BUILT_DICT},
    {"defaultdict(None)", CALL("collections", "defaultdict", NONE), BUILT_DICT},
    {"deque()", CALL("collections", "deque", ""), BUILT_LIST},
    {"deque((), 3)", CALL("collections", "deque", T("") I("3")) "(I1\nI2\ne", BUILT_LIST},
    {"set([1])", CALL("__builtin__", "set", LIST(I("1"))), BUILT_SET},
    {"tuple((name, array))", CALL("__builtin__", "tuple", T(S("w_0") I("1"))), BUILT_LIST},
    {"frozenset", CALL("__builtin__", "frozenset", LIST(I("1"))), BUILT_SET},
    {"bytes()", CALL("__builtin__", "bytes", ""), BUILT_BYTES},
    {"_codecs.encode", LATIN("\\u00e9"), BUILT_BYTES},
    {"bytearray(bytes)", CALL("__builtin__", "bytearray", LATIN("x")), BUILT_BYTES},
    {"bytearray(str, latin-1)", CALL("__builtin__", "bytearray", S("x") S("latin-1")), BUILT_BYTES},
    {"complex", CALL("__builtin__", "complex", F("1.5") F("-2.0")), BUILT_COMPLEX},
    {"slice", CALL("__builtin__", "slice", NONE I("1") NONE), BUILT_RECORD},
    {"xrange", CALL("__builtin__", "xrange", I("0") I("3") I("1")), BUILT_RECORD},
    {"Namespace", G("argparse", "Namespace") ")" NEWOBJ DICT(S("lr") F("0.1")) BUILD, BUILT_RECORD},
    {"Namespace, called", CALL("argparse", "Namespace", "") DICT(S("lr") F("0.1")) BUILD, BUILT_RECORD},
    {"reconstructed Namespace",
     CALL("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "object") NONE)
         DICT(S("lr") F("0.1")) BUILD,
     BUILT_RECORD},
    {"reconstructed dict",
     CALL("copy_reg", "_reconstructor",
          G("argparse", "Namespace") G("__builtin__", "dict") DICT(S("a") I("1"))),
     BUILT_RECORD},
    {"reconstructed list",
     CALL("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "list") LIST(I("1"))),
     BUILT_RECORD},
    {"reconstructed tuple",
     CALL("copy_reg", "_reconstructor",
          G("torch.nn.utils.rnn", "PackedSequence") G("__builtin__", "tuple") T(I("1"))),
     BUILT_RECORD},
    {"reconstructed text",
     CALL("copy_reg", "_reconstructor",
          G("torch.torch_version", "TorchVersion") G("__builtin__", "unicode") S("1.13")),
     BUILT_RECORD},
    {"reconstructed number",
     CALL("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "float") F("1.5")),
     BUILT_RECORD},
    {"type(None)", CALL("__builtin__", "type", NONE), BUILT_RECORD},
    {"type(Ellipsis)", CALL("__builtin__", "type", G("__builtin__", "Ellipsis")), BUILT_RECORD},
    {"object of a package by its function",
     CALL("sklearn.neighbors._kd_tree", "newObj", G("sklearn.neighbors._kd_tree", "KDTree")), BUILT_RECORD},
    {"torch.relu as a value", TORCH_RELU, BUILT_RECORD},
    {"partial of a module's class", PARTIAL(LAYER_NORM) T(LAYER_NORM T("") EPS NONE) BUILD, BUILT_RECORD},
    {"partial with attributes", PARTIAL(LAYER_NORM) T(LAYER_NORM T("") EPS DICT(S("a") I("1"))) BUILD,
     BUILT_RECORD},
    {"partial of torch.relu", PARTIAL(TORCH_RELU PUT(0)) T(GET(0) T("") DICT("") NONE) BUILD, BUILT_RECORD},
    {"partial of a built-in type",
     PARTIAL(G("__builtin__", "int")) T(G("__builtin__", "int") T("") DICT(S("base") I("2")) NONE) BUILD,
     BUILT_RECORD},
    {"partial of a partial's class",
     PARTIAL(LAYER_NORM) T(LAYER_NORM T(PARTIAL(LAYER_NORM)) DICT("") NONE) BUILD, BUILT_RECORD},
    {"defaultdict of a partial", CALL("collections", "defaultdict", PARTIAL(G("collections", "deque"))),
     BUILT_DICT},
    {"Dict[str, int]",
     CALL("_operator", "getitem", G("typing", "Dict") T(G("__builtin__", "str") G("__builtin__", "int"))),
     BUILT_RECORD},
    {"Callable[[int], List[int]]",
     CALL("_operator", "getitem",
          G("typing", "Callable") T(LIST(G("__builtin__", "int")) CALL(
              "_operator", "getitem", G("typing", "List") G("__builtin__", "int")))),
     BUILT_RECORD},
    {"Literal['a']", CALL("_operator", "getitem", G("typing", "Literal") S("a")), BUILT_RECORD},
    {"QConfig of partials",
     G("torch.ao.quantization.qconfig", "QConfig") T(PARTIAL(LAYER_NORM) PARTIAL(LAYER_NORM)) NEWOBJ,
     BUILT_RECORD},
    {"sparse tensor", SPARSE, BUILT_TENSOR},
    {"coalesced sparse tensor",
     UTILS("_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("3") I("6")) TRUE_)),
     BUILT_TENSOR},
    {"CSR tensor", COMPRESSED("csr", I("0") I("5")), BUILT_TENSOR},
    {"CSC tensor", COMPRESSED("csc", I("5") I("0")), BUILT_TENSOR},
    {"CSR tensor of torch 1.13",
     UTILS("_rebuild_sparse_csr_tensor", LAYOUT_OF("csr") T(INDEX NO_INDEX NO_VALUES T(I("0") I("5")))),
     BUILT_TENSOR},
    {"parameter of a sparse tensor", UTILS("_rebuild_parameter", SPARSE TRUE_ ODICT), BUILT_TENSOR},
    {"sparse tensor with attributes",
     CALL("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_sparse_tensor") G("torch", "Tensor") T(SPARSE_ARGS) NONE),
     BUILT_TENSOR},
    {"nested tensor", UTILS("_rebuild_nested_tensor", FLAT INDICES INDICES INDEX), BUILT_UNREAD},
    {"torch.Size", CALL("torch", "Size", T(I("2") I("3"))), BUILT_SIZE},
    {"torch.device('cuda', 1)", CALL("torch", "device", S("cuda") I("1")), BUILT_DEVICE},
    {"torch.device('cpu')", CALL("torch", "device", S("cpu")), BUILT_DEVICE},
    {"layout", CALL("torch.serialization", "_get_layout", S("torch.sparse_coo")), BUILT_LAYOUT},
    {"tensor up to 0.3", UTILS("_rebuild_tensor", FLOATS I("0") T(I("6")) T(I("1"))), BUILT_TENSOR},
    {"tensor", TENSOR, BUILT_TENSOR},
    {"tensor, hooks None", UTILS("_rebuild_tensor_v2", FLOATS I("0") T(I("6")) T(I("1")) TRUE_ NONE),
     BUILT_TENSOR},
    {"tensor of no dimension", UTILS("_rebuild_tensor_v2", FLOATS I("5") T("") T("") REST), BUILT_TENSOR},
    {"tensor, torch.Size and list",
     UTILS("_rebuild_tensor_v2", FLOATS I("0") CALL("torch", "Size", T(I("6"))) LIST(I("1")) REST),
     BUILT_TENSOR},
    {"tensor with metadata None", UTILS("_rebuild_tensor_v2", FLOATS I("0") T(I("6")) T(I("1")) REST NONE),
     BUILT_TENSOR},
    {"tensor with metadata, all false",
     UTILS("_rebuild_tensor_v2",
           FLOATS I("0") T(I("6")) T(I("1")) REST DICT(S("conj") FALSE_ S("neg") FALSE_)),
     BUILT_TENSOR},
    {"float8 tensor",
     UTILS("_rebuild_tensor_v3", T(S("storage") G("torch.storage", "UntypedStorage") S("1") S("cpu") I(
                                     "8")) "Q" I("0") T(I("8")) T(I("1")) REST G("torch", "float8_e4m3fn")),
     BUILT_TENSOR},
    {"parameter", UTILS("_rebuild_parameter", TENSOR TRUE_ ODICT), BUILT_TENSOR},
    {"parameter with state None", UTILS("_rebuild_parameter_with_state", TENSOR TRUE_ ODICT NONE),
     BUILT_TENSOR},
    {"parameter with attributes",
     UTILS("_rebuild_parameter_with_state", TENSOR TRUE_ ODICT DICT(S("tag") I("1"))), BUILT_TENSOR},
    {"Parameter(tensor)", CALL("torch.nn.parameter", "Parameter", TENSOR), BUILT_TENSOR},
    {"Parameter by NEWOBJ", G("torch.nn.parameter", "Parameter") T(TENSOR TRUE_) NEWOBJ, BUILT_TENSOR},
    {"quantised, per tensor", QTENSOR(T(PER_TENSOR F("0.5") I("3"))), BUILT_TENSOR},
    {"quantised, per channel, in lists",
     QTENSOR(T(PER_CHANNEL LIST(F("0.5") F("0.25")) LIST(I("0") I("1")) I("0"))), BUILT_TENSOR},
    {"meta tensor",
     UTILS("_rebuild_meta_tensor_no_storage", G("torch", "float32") T(I("2")) T(I("1")) FALSE_),
     BUILT_TENSOR},
    {"tensor with a type",
     CALL("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("torch", "Tensor")
              T(FLOATS I("0") T(I("6")) T(I("1")) REST) DICT(S("tag") I("1"))),
     BUILT_TENSOR},
    {"tensor of a listed class",
     CALL("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("monai.data.meta_tensor", "MetaTensor")
              T(FLOATS I("0") T(I("6")) T(I("1")) REST) DICT(S("_meta") DICT(""))),
     BUILT_TENSOR},
    {"tensor class with slots",
     CALL("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("torch", "Tensor")
              T(FLOATS I("0") T(I("6")) T(I("1")) REST) T(DICT(S("tag") I("1")) NONE)),
     BUILT_TENSOR},
    {"distributed tensor",
     CALL("torch._tensor", "_rebuild_from_type_v2",
          WRAPPED("torch.distributed.tensor", "DTensor", T(NONE DICT(S("_local_tensor") TENSOR)))),
     BUILT_RECORD},
    {"jagged tensor",
     CALL("torch._tensor", "_rebuild_from_type_v2", JAGGED(S("values") TENSOR S("offsets") INDICES)),
     BUILT_RECORD},
    {"tensor of another device",
     UTILS("_rebuild_device_tensor_from_cpu_tensor", TENSOR G("torch", "float32") S("xla:0") FALSE_),
     BUILT_TENSOR},
    {"numpy generator, 1.19", RANDOM("__generator_ctor", S("PCG64")), BUILT_RECORD},
    {"numpy generator, 1.24", RANDOM("__generator_ctor", S("PCG64") BIT_CTOR), BUILT_RECORD},
    {"numpy generator, 2.0",
     RANDOM("__generator_ctor", RANDOM("__bit_generator_ctor", G("numpy.random._pcg64", "PCG64"))),
     BUILT_RECORD},
    {"numpy dtype", NP_F8, BUILT_NP_DTYPE},
    {"numpy scalar of a long double",
     MULTIARRAY("scalar", NP_DTYPE("f16") NP_STATE("<") LATIN("1234567812345678")), BUILT_UNREAD},
    {"numpy dtype with its order", NP_DTYPE("<f8") NP_STATE("<"), BUILT_NP_DTYPE},
    {"numpy dtype with the other order", NP_DTYPE(">f8") NP_STATE(">"), BUILT_NP_DTYPE},
    {"numpy dtype, text", NP_DTYPE("U5") T(I("3") S("<") NONE NONE NONE I("20") I("4") I("8")) BUILD,
     BUILT_NP_DTYPE},
    {"parameter before 0.4",
     G("torch.nn.parameter", "Parameter") ")" NEWOBJ T(TENSOR NONE ODICT TRUE_ FALSE_) BUILD, BUILT_RECORD},
    {"numpy datetime",
     MULTIARRAY("scalar", NP_DTYPE("M8") T(I("4") S("<") NONE NONE NONE I("-1") I("-1") I("0"))
                              BUILD LATIN("12345678")),
     BUILT_NP_SCALAR},
    {"numpy scalar", MULTIARRAY("scalar", NP_F8 LATIN("12345678")), BUILT_NP_SCALAR},
    {"numpy matrix",
     MULTIARRAY("_reconstruct", G("numpy", "matrix") T(I("0")) LATIN("b"))
         T(I("1") T(I("1") I("1")) NP_F8 FALSE_ LATIN("12345678")) BUILD,
     BUILT_NP_ARRAY},
    {"array of dill's", DILL("_create_array", RECONSTRUCT_ F64_STATE NONE), BUILT_NP_ARRAY},
    {"array of dill's, without a last argument", DILL("_create_array", RECONSTRUCT_ F64_STATE),
     BUILT_NP_ARRAY},
    {"number of dill's", DILL_FUNCTION("scalar") T(NP_F8 LATIN("12345678")) REDUCE, BUILT_NP_SCALAR},
    {"array of dill's function",
     DILL_FUNCTION("_reconstruct") T(G("numpy", "ndarray") T(I("0")) LATIN("b")) REDUCE, BUILT_NP_ARRAY},
    {"time zone", ZONE T(S("Europe/Berlin") TRUE_) REDUCE, BUILT_RECORD},
    {"numpy array without a version", NP_ARRAY T(T(I("1")) NP_F8 FALSE_ LATIN("12345678")) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of a Python 2 str", NP_ARRAY T(I("1") T(I("1")) NP_F8 FALSE_ S("12345678")) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of objects", NP_ARRAY T(I("1") T(I("1")) NP_OBJECTS FALSE_ LIST(NONE)) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of text",
     NP_ARRAY T(I("1") T(I("1")) NP_DTYPE("S3") T(I("3") S("|") NONE NONE NONE I("3") I("1") I("0"))
                    BUILD FALSE_ LATIN("abc")) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of records",
     NP_ARRAY T(I("1") T(I("1")) NP_RECORD("V12", NONE, T(S("a") S("b")),
                                           DICT(S("a") T(NP_F8 I("0")) S("b") T(NP_DTYPE("i4") I("8"))), "12",
                                           "16") BUILD FALSE_ LATIN("123456789012")) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of records with a title, aligned",
     NP_ARRAY T(I("1") T(I("1")) NP_RECORD("V8", NONE, T(S("n")),
                                           DICT(S("n") T(NP_F8 I("0") S("t")) S("t") T(NP_F8 I("0") S("t"))),
                                           "8", "-112") BUILD FALSE_ LATIN("12345678")) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of records with objects",
     NP_ARRAY T(I("1") T(I("1")) NP_RECORD("V8", NONE, T(S("a")), DICT(S("a") T(NP_OBJECTS I("0"))), "8",
                                           "27") BUILD FALSE_ LIST(T(NONE))) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array of small arrays",
     NP_ARRAY T(I("1") T(I("1")) NP_RECORD("V16", T(NP_F8 T(I("2"))), NONE, NONE, "16", "0")
                    BUILD FALSE_ LATIN("1234567812345678")) BUILD,
     BUILT_NP_ARRAY},
    {"numpy array under protocol 5",
     CALL("numpy.core.numeric", "_frombuffer", LATIN("1234567812345678") NP_F8 T(I("2")) S("F")),
     BUILT_NP_ARRAY},
    {"named tuple of nobody knows whom", G("mylib", "Pair") T(I("1") TENSOR) NEWOBJ, BUILT_RECORD},
    {"config of yacs", G("yacs.config", "CfgNode") ")" NEWOBJ DICT(S("__immutable__") FALSE_) BUILD,
     BUILT_RECORD},
    {"numpy array", NP_ARRAY T(I("1") T(I("2")) NP_F8 FALSE_ LATIN("1234567812345678")) BUILD,
     BUILT_NP_ARRAY},
};

static void what_torch_writes_is_built(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
    struct bench b;
    bench_run(&b, accepted[i].program);
    if (!bench_machine(&b)->stopped) fail_msg("%s: the program does not run", accepted[i].name);
    assert_none_of(&b, accepted[i].name, EFFECT_UNSAFE);
    assert_none_of(&b, accepted[i].name, EFFECT_UNCHECKED);
    if (result_kind(&b) != accepted[i].kind)
      fail_msg("%s: built %d, expected %d", accepted[i].name, (int)result_kind(&b), (int)accepted[i].kind);
    bench_close(&b);
  }
}

/* Taken, but not proved by this version: not checked, never unsafe. */
static const struct accepted unread[] = {
    {"sparse tensor of a layout without indices here",
     UTILS("_rebuild_sparse_tensor", LAYOUT_OF("coo") T(META INDICES T(I("3")))), BUILT_UNREAD},
    {"nested tensor with a list of offsets",
     UTILS("_rebuild_nested_tensor", FLAT INDICES INDICES LIST(I("0"))), BUILT_UNREAD},
    {"tensor of another device, through numpy",
     UTILS("_rebuild_device_tensor_from_numpy",
           NP_ARRAY T(I("1") T(I("2")) NP_F8 FALSE_ LATIN("1234567812345678")) BUILD G("torch", "float32")
               S("xla:0") FALSE_),
     BUILT_UNREAD},
    {"storage in bytes", CALL("torch.storage", "_load_from_bytes", LATIN("x")), BUILT_UNREAD},
    {"tensor of a storage in bytes",
     UTILS("_rebuild_tensor_v2",
           CALL("torch.storage", "_load_from_bytes", LATIN("x")) I("0") T(I("6")) T(I("1")) REST),
     BUILT_UNREAD},
    {"numpy array of a Python 2 str that is not ASCII",
     NP_ARRAY T(I("1") T(I("1")) NP_F8 FALSE_ S("1234567\\u00e9")) BUILD, BUILT_NP_ARRAY},
    {"numpy array of objects, by a function",
     CALL("numpy.core.numeric", "_frombuffer", LATIN("12345678") NP_OBJECTS T(I("1")) S("C")), BUILT_UNREAD},
    {"negated tensor",
     UTILS("_rebuild_tensor_v2", FLOATS I("0") T(I("6")) T(I("1")) REST DICT(S("neg") TRUE_)), BUILT_TENSOR},
    {"conjugated tensor",
     UTILS("_rebuild_tensor_v2",
           STORAGE("ComplexFloatStorage", "1", "1") I("0") T("") T("") REST DICT(S("conj") TRUE_)),
     BUILT_TENSOR},
};

static void what_is_not_proved_is_not_checked(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(unread); i++) {
    struct bench b;
    bench_run(&b, unread[i].program);
    if (!bench_machine(&b)->stopped) fail_msg("%s: the program does not run", unread[i].name);
    assert_none_of(&b, unread[i].name, EFFECT_UNSAFE);
    if (count_effect(&b.obs, EFFECT_UNCHECKED) != 1) fail_msg("%s: is said to be checked", unread[i].name);
    if (result_kind(&b) != unread[i].kind) fail_msg("%s: built %d", unread[i].name, (int)result_kind(&b));
    bench_close(&b);
  }
}

/* A shape without data is no weight: a finding. */
static void tensors_without_data_are_said(void **state) {
  (void)state;
  static const char *const programs[] = {
      UTILS("_rebuild_meta_tensor_no_storage", G("torch", "float32") T(I("2")) T(I("1")) FALSE_),
      UTILS("_rebuild_tensor_v2",
            STORAGE_AT("FloatStorage", "7", "meta", "2") I("0") T(I("2")) T(I("1")) REST)};
  for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
    struct bench b;
    bench_run(&b, programs[i]);
    assert_int_equal(seen(&b.obs, OBS_TENSOR_META), 1);
    assert_int_equal(first_of(&b.obs, OBS_TENSOR_META)->got, 2);
    assert_none_of(&b, "meta", EFFECT_UNSAFE);
    assert_true(b.cp.tensors.p[0].flags & PLAN_META);
    assert_int_equal(b.cp.tensors.p[0].storage, 0);
    bench_close(&b);
  }
}

struct refused {
  const char *name, *before, *after; /* the observation is at the first byte of `after` */
  enum obs_kind kind;
};

#define ARGS(m, n, args) G(m, n) T(args), REDUCE, OBS_CALL_ARGUMENTS
#define V2(args)         ARGS("torch._utils", "_rebuild_tensor_v2", args)
#define QT(params)                         \
  ARGS("torch._utils", "_rebuild_qtensor", \
       STORAGE("QInt8Storage", "1", "8") I("0") T(I("2") I("4")) T(I("4") I("1")) params REST)
#define SIZES I("0") T(I("6")) T(I("1"))

#define INDIRECT(m, n, args) G(m, n) T(args), REDUCE, OBS_CALL_INDIRECT

static const struct refused refused[] = {
    {"partial of a dangerous function", INDIRECT("functools", "partial", G("os", "getppid"))},
    {"partial of a builder", INDIRECT("functools", "partial", G("torch._utils", "_rebuild_tensor_v2"))},
    {"partial of getattr", INDIRECT("functools", "partial", G("__builtin__", "getattr"))},
    {"partial of partial", INDIRECT("functools", "partial", G("functools", "partial"))},
    {"partial of a partial", INDIRECT("functools", "partial", PARTIAL(LAYER_NORM))},
    {"partial of a method",
     INDIRECT("functools", "partial", CALL("__builtin__", "getattr", LAYER_NORM S("forward")))},
    {"partial of an object", INDIRECT("functools", "partial", G("argparse", "Namespace") ")" NEWOBJ)},
    {"partial of text", INDIRECT("functools", "partial", S("os.getppid"))},
    {"partial of nothing", INDIRECT("functools", "partial", "")},
    {"partial with an argument", INDIRECT("functools", "partial", LAYER_NORM I("3"))},
    {"partial of a path", INDIRECT("functools", "partial", G("torch", "nn.Linear"))},
    {"module by dill", INDIRECT("dill._dill", "_import_module", S("os"))},
    {"module of numpy's by dill", INDIRECT("dill._dill", "_import_module", S("numpy.core.records"))},
    {"function of numpy's by dill", DILL_MODULE S("fromfile") T2, REDUCE, OBS_CALL_INDIRECT},
    {"module by dill's second argument",
     INDIRECT("dill._dill", "_import_module", S("numpy.core.multiarray") TRUE_)},
    {"attribute by dill of what is no module", INDIRECT("dill._dill", "_get_attr", S("numpy") S("scalar"))},
    {"dill's function as an argument", G("__builtin__", "slice") DILL_FUNCTION("scalar") T1, REDUCE,
     OBS_CALL_ARGUMENTS},
    {"number of dill's of objects", DILL_FUNCTION("scalar") T(NP_OBJECTS LATIN("12345678")), REDUCE,
     OBS_CALL_ARGUMENTS},
    {"array of dill's by another function",
     ARGS("dill._dill", "_create_array", G("os", "system") T(S("x")) NONE)},
    {"array of dill's without a list", ARGS("dill._dill", "_create_array", RECONSTRUCT "N" NONE)},
    {"array of dill's with attributes",
     ARGS("dill._dill", "_create_array", RECONSTRUCT_ F64_STATE DICT(S("a") NONE))},
    {"array of dill's that is filled",
     ARGS("dill._dill", "_create_array", RECONSTRUCT T(G("numpy", "ndarray") T(I("9")) LATIN("b")) NONE)},
    {"time zone outside", ZONE T(S("../../etc/passwd") TRUE_), REDUCE, OBS_CALL_ARGUMENTS},
    {"time zone from the root", ZONE T(S("/etc/passwd") TRUE_), REDUCE, OBS_CALL_ARGUMENTS},
    {"another method of a time zone", ATTRIBUTE("zoneinfo", "ZoneInfo", "from_file") T(S("UTC")), REDUCE,
     OBS_CALL_COMPUTED},
    {"partial by NEWOBJ", G("functools", "partial") T(LAYER_NORM), NEWOBJ, OBS_CALL_INDIRECT},
    {"partial of a class on no list", G("functools", "partial") T(G("mycorp.nets", "Norm")), REDUCE,
     OBS_CALL_PARTIAL},
    {"partial of a function on no list", G("functools", "partial") T(G("mycorp.nets", "run")), REDUCE,
     OBS_CALL_PARTIAL},
    {"call of a partial", PARTIAL(LAYER_NORM) T(I("3")), REDUCE, OBS_CALL_COMPUTED},
    {"object of a partial", PARTIAL(LAYER_NORM) T(""), NEWOBJ, OBS_CALL_COMPUTED},
    {"partial as an argument", ARGS("datetime", "timedelta", PARTIAL(LAYER_NORM))},
    {"partial given to an object of a class on no list", G("mycorp.nets", "Norm") T(PARTIAL(LAYER_NORM)),
     NEWOBJ, OBS_CALL_UNKNOWN},
    {"attribute of a partial", INDIRECT("__builtin__", "getattr", PARTIAL(LAYER_NORM) S("func"))},
    {"map of a partial", INDIRECT("__builtin__", "map", PARTIAL(LAYER_NORM) LIST(I("3")))},
    {"List['text'], which typing compiles", INDIRECT("_operator", "getitem", G("typing", "List") S("a"))},
    {"Dict[str, 'text']",
     INDIRECT("_operator", "getitem", G("typing", "Dict") T(G("__builtin__", "str") S("a")))},
    {"item of a class that is no type", INDIRECT("_operator", "getitem", LAYER_NORM G("__builtin__", "int"))},
    {"item of a dict", INDIRECT("_operator", "getitem", DICT(S("a") I("1")) S("a"))},
    {"getitem of three", INDIRECT("_operator", "getitem", G("typing", "List") NONE NONE)},
    {"setitem", INDIRECT("_operator", "setitem", G("typing", "List") NONE)},
    {"OrderedDict(1)", ARGS("collections", "OrderedDict", I("1"))},
    {"OrderedDict of triples", ARGS("collections", "OrderedDict", LIST(T(I("1") I("2") I("3"))))},
    {"OrderedDict of two", ARGS("collections", "OrderedDict", LIST("") LIST(""))},
    {"Counter(list)", ARGS("collections", "Counter", LIST(""))},
    {"defaultdict(function)", ARGS("collections", "defaultdict", G("torch._utils", "_rebuild_tensor"))},
    {"defaultdict(list, {})", ARGS("collections", "defaultdict", G("__builtin__", "list") DICT(""))},
    {"defaultdict of a function on no list", ARGS("collections", "defaultdict", G("utils", "make"))},
    {"deque(int)", ARGS("collections", "deque", I("1"))},
    {"set(str)", ARGS("__builtin__", "set", S("ab"))},
    {"tuple()", ARGS("__builtin__", "tuple", "")},
    {"tuple(str)", ARGS("__builtin__", "tuple", S("ab"))},
    {"tuple(dict)", ARGS("__builtin__", "tuple", DICT(""))},
    {"tuple of two arguments", ARGS("__builtin__", "tuple", LIST("") I("1"))},
    {"bytes(n)", ARGS("__builtin__", "bytes", I("5"))},
    {"bytearray(n)", ARGS("__builtin__", "bytearray", I("5"))},
    {"encode as utf-8", ARGS("_codecs", "encode", S("a") S("utf-8"))},
    {"encode above 255", ARGS("_codecs", "encode", S("\\u0100") S("latin1"))},
    {"complex(str)", ARGS("__builtin__", "complex", S("1") S("2"))},
    {"Namespace(1)", ARGS("argparse", "Namespace", I("1"))},
    {"slice of a function that is on no list", ARGS("__builtin__", "slice", G("mylib", "f"))},
    {"reconstructed from int",
     ARGS("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "int") NONE)},
    {"reconstructed from an object's state",
     ARGS("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "object") DICT(""))},
    {"reconstructed dict without contents",
     ARGS("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "dict") NONE)},
    {"reconstructed text without its text",
     ARGS("copy_reg", "_reconstructor", G("argparse", "Namespace") G("__builtin__", "unicode") NONE)},
    {"reconstructed from a class of another module",
     ARGS("copy_reg", "_reconstructor", G("argparse", "Namespace") G("mylib", "tuple") T(""))},
    {"type of a number", ARGS("__builtin__", "type", I("1"))},
    {"type that makes a class", ARGS("__builtin__", "type", S("A") T("") DICT(""))},
    {"an owner of functions, called", ARGS("torch._C", "_VariableFunctionsClass", "")},
    {"object of another package by a function",
     ARGS("sklearn.neighbors._kd_tree", "newObj", G("argparse", "Namespace"))},
    {"tensor class without data of another name",
     ARGS("torch._tensor", "_rebuild_from_type_v2",
          WRAPPED("torch.distributed._tensor.api", "DTensor", NONE))},
    {"jagged tensor with an odd keyword",
     ARGS("torch._tensor", "_rebuild_from_type_v2", JAGGED(S("values") TENSOR S("cls") I("1")))},
    {"jagged tensor by itself", ARGS("torch.nested._internal.nested_tensor", "_rebuild_njt", DICT(""))},
    {"tensor class whose slots set its data",
     ARGS("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("monai.data.meta_tensor", "MetaTensor")
              T(FLOATS I("0") T(I("6")) T(I("1")) REST) T(NONE DICT(S("data") TENSOR)))},
    {"a reconstructed function",
     ARGS("copy_reg", "_reconstructor",
          G("torch.storage", "_load_from_bytes") G("__builtin__", "object") NONE)},
    {"a reconstructed class of torch's core",
     ARGS("copy_reg", "_reconstructor", G("torch", "Size") G("__builtin__", "object") NONE)},
    {"Size(n)", ARGS("torch", "Size", I("4"))},
    {"Size with a bool", ARGS("torch", "Size", T(TRUE_))},
    {"Size below zero", ARGS("torch", "Size", T(I("-1")))},
    {"device(1)", ARGS("torch", "device", I("1"))},
    {"layout of another name", ARGS("torch.serialization", "_get_layout", S("os.system"))},
    {"dtype called", ARGS("torch", "float32", "")},
    {"FloatStorage(n)", ARGS("torch", "FloatStorage", I("6"))},
    {"FloatTensor(n)", ARGS("torch", "FloatTensor", I("6"))},
    {"qscheme called", ARGS("torch", "per_tensor_affine", "")},
    {"v2 without a storage", V2(I("1") SIZES REST)},
    {"v2 with five arguments", V2(FLOATS SIZES FALSE_)},
    {"v2 with eight", V2(FLOATS SIZES REST NONE NONE)},
    {"v2 offset a bool", V2(FLOATS TRUE_ T(I("6")) T(I("1")) REST)},
    {"v2 sizes an int", V2(FLOATS I("0") I("6") T(I("1")) REST)},
    {"v2 sizes with a float", V2(FLOATS I("0") T(F("6.0")) T(I("1")) REST)},
    {"v2 strides with a bool", V2(FLOATS I("0") T(I("6")) T(TRUE_) REST)},
    {"v2 requires_grad an int", V2(FLOATS SIZES I("0") ODICT)},
    {"v2 with hooks", V2(FLOATS SIZES FALSE_ CALL("collections", "OrderedDict", "") "(I0\nNu")},
    {"v2 with metadata of another key", V2(FLOATS SIZES REST DICT(S("hook") TRUE_))},
    {"v2 with metadata an int", V2(FLOATS SIZES REST I("1"))},
    {"v3 of a typed storage",
     ARGS("torch._utils", "_rebuild_tensor_v3", FLOATS SIZES REST G("torch", "float32"))},
    {"v3 without a dtype",
     ARGS("torch._utils", "_rebuild_tensor_v3",
          T(S("storage") G("torch.storage", "UntypedStorage") S("1") S("cpu") I("8")) "Q" SIZES REST I("1"))},
    {"parameter of an int", ARGS("torch._utils", "_rebuild_parameter", I("1") TRUE_ ODICT)},
    {"parameter, requires_grad None", ARGS("torch._utils", "_rebuild_parameter", TENSOR NONE ODICT)},
    {"parameter with a special attribute",
     ARGS("torch._utils", "_rebuild_parameter_with_state", TENSOR TRUE_ ODICT DICT(S("__class__") I("1")))},
    {"quantised, float storage",
     ARGS("torch._utils", "_rebuild_qtensor", FLOATS SIZES T(PER_TENSOR F("0.5") I("3")) REST)},
    {"quantised, by v2", V2(STORAGE("QInt8Storage", "1", "8") I("0") T(I("8")) T(I("1")) REST)},
    {"quantised, a scale of zero", QT(T(PER_TENSOR F("0.0") I("3")))},
    {"quantised, a scale that is infinite", QT(T(PER_TENSOR F("-inf") I("3")))},
    {"quantised, scale and zero point swapped", QT(T(PER_TENSOR I("3") F("0.5")))},
    {"quantised, an axis of four", QT(T(PER_CHANNEL LIST(F("0.5") F("0.25")) LIST(I("0") I("1")) I("4")))},
    {"quantised, a negative axis", QT(T(PER_CHANNEL LIST(F("0.5") F("0.25")) LIST(I("0") I("1")) I("-1")))},
    {"quantised, one scale too few", QT(T(PER_CHANNEL LIST(F("0.5")) LIST(I("0") I("1")) I("0")))},
    {"quantised, a negative scale", QT(T(PER_CHANNEL LIST(F("0.5") F("-0.5")) LIST(I("0") I("1")) I("0")))},
    {"quantised, scales that are six", QT(T(PER_CHANNEL TENSOR LIST(I("0") I("1")) I("0")))},
    {"quantised, another scheme", QT(T(G("torch", "float32") F("0.5") I("3")))},
    {"v2 conjugate of a real dtype", V2(FLOATS SIZES REST DICT(S("conj") TRUE_))},
    {"parameter of a record",
     ARGS("torch._utils", "_rebuild_parameter", CALL("argparse", "Namespace", "") TRUE_ ODICT)},
    {"a type of somebody's",
     ARGS("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("argparse", "Namespace") T(FLOATS SIZES REST) NONE)},
    {"a type by somebody's function",
     ARGS("torch._tensor", "_rebuild_from_type_v2",
          G("torch.storage", "_load_from_bytes") G("torch", "Tensor") T(LATIN("x")) NONE)},
    {"a wrapper without data",
     ARGS("torch._utils", "_rebuild_wrapper_subclass",
          G("torch", "Tensor") G("torch", "float32") T(I("2")) T(I("1")) I("0") NONE S("cpu") FALSE_)},
    {"quantised, an axis that is no integer",
     QT(T(PER_CHANNEL LIST(F("0.5") F("0.25")) LIST(I("0") I("1")) F("0.0")))},
    {"quantised by two values", QT(T(PER_TENSOR F("0.5")))},
    {"quantised, requires_grad an int", ARGS("torch._utils", "_rebuild_qtensor",
                                             STORAGE("QInt8Storage", "1", "8") I("0") T(I("8")) T(I("1"))
                                                 T(PER_TENSOR F("0.5") I("3")) I("0") ODICT)},
    {"quantised to two bits, a zero point beyond them",
     ARGS("torch._utils", "_rebuild_qtensor",
          STORAGE("QUInt2x4Storage", "1", "8") I("0") T(I("8")) T(I("1")) T(PER_TENSOR F("0.5") I("4"))
              REST)},
    {"meta tensor of three arguments",
     ARGS("torch._utils", "_rebuild_meta_tensor_no_storage", G("torch", "int64") T(I("1")) T(I("1")))},
    {"meta tensor of sizes in a text",
     ARGS("torch._utils", "_rebuild_meta_tensor_no_storage", G("torch", "int64") S("1") T(I("1")) FALSE_)},
    {"device tensor of three arguments",
     ARGS("torch._utils", "_rebuild_device_tensor_from_cpu_tensor", TENSOR G("torch", "float32") S("xla:0"))},
    {"from a type, of three arguments",
     ARGS("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("torch", "Tensor") T(FLOATS SIZES REST))},
    {"sparse, sizes in a text",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES ONE_ROW S("36")))},
    {"CSR, plain indices of two dimensions",
     ARGS("torch._utils", "_rebuild_sparse_tensor",
          LAYOUT_OF("csr") T(INDEX INDICES NO_VALUES T(I("0") I("5"))))},
    {"CSR, a batch of another size",
     ARGS("torch._utils", "_rebuild_sparse_tensor",
          LAYOUT_OF("csr")
              T(INDICES INDICES VIEW(FLOATS, I("1") I("1"), I("1") I("1")) T(I("2") I("0") I("5"))))},
    {"CSR, another dense size", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                     LAYOUT_OF("csr") T(INDEX NO_INDEX VIEW(
                                         FLOATS, I("0") I("3"), I("3") I("1")) T(I("0") I("5") I("4"))))},
    {"sparse of a strided layout", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                        CALL("torch.serialization", "_get_layout", S("torch.strided"))
                                            T(INDICES ONE_ROW T(I("3") I("6"))))},
    {"sparse, five parts", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("3") I("6")) TRUE_ TRUE_))},
    {"sparse, is_coalesced an int", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                         LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("3") I("6")) I("1")))},
    {"sparse, indices that are floats",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(TENSOR ONE_ROW T(I("3") I("6"))))},
    {"sparse, indices of one dimension",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDEX ONE_ROW T(I("3") I("6"))))},
    {"sparse, a value too many",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES FLAT T(I("3"))))},
    {"sparse, a dimension too few",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("3"))))},
    {"sparse, another dense size",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("3") I("7"))))},
    {"sparse, a size below zero",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("-3") I("6"))))},
    {"sparse, sizes that overflow",
     ARGS("torch._utils", "_rebuild_sparse_tensor",
          LAYOUT_OF("coo") T(INDICES ONE_ROW T(I("4611686018427387904") I("6"))))},
    {"sparse of a sparse tensor",
     ARGS("torch._utils", "_rebuild_sparse_tensor", LAYOUT_OF("coo") T(INDICES SPARSE T(I("3") I("6"))))},
    {"CSR, a row too few", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                LAYOUT_OF("csr") T(INDEX NO_INDEX NO_VALUES T(I("1") I("5"))))},
    {"CSC, a column too few", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                   LAYOUT_OF("csc") T(INDEX NO_INDEX NO_VALUES T(I("0") I("5"))))},
    {"CSR, indices of two dtypes", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                        LAYOUT_OF("csr") T(INDEX NO_VALUES NO_VALUES T(I("0") I("5"))))},
    {"CSR, more values than indices", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                           LAYOUT_OF("csr") T(INDEX NO_INDEX FLAT T(I("0") I("5"))))},
    {"BSR without blocks", ARGS("torch._utils", "_rebuild_sparse_tensor",
                                LAYOUT_OF("bsr") T(INDEX NO_INDEX NO_VALUES T(I("0") I("5"))))},
    {"BSR, blocks of nothing",
     ARGS("torch._utils", "_rebuild_sparse_tensor",
          LAYOUT_OF("bsr")
              T(INDEX NO_INDEX VIEW(FLOATS, I("0") I("0") I("1"), I("1") I("1") I("1")) T(I("0") I("5"))))},
    {"BSR, blocks that do not fit",
     ARGS("torch._utils", "_rebuild_sparse_tensor",
          LAYOUT_OF("bsr")
              T(INDEX NO_INDEX VIEW(FLOATS, I("0") I("2") I("2"), I("4") I("2") I("1")) T(I("0") I("5"))))},
    {"nested, of two arguments", ARGS("torch._utils", "_rebuild_nested_tensor", FLAT INDICES)},
    {"nested, a buffer of two dimensions",
     ARGS("torch._utils", "_rebuild_nested_tensor", TENSOR INDICES INDICES INDEX)},
    {"nested, sizes of one dimension",
     ARGS("torch._utils", "_rebuild_nested_tensor", FLAT INDEX INDICES INDEX)},
    {"nested, sizes that are floats",
     ARGS("torch._utils", "_rebuild_nested_tensor", FLAT TENSOR INDICES INDEX)},
    {"nested, no offset", ARGS("torch._utils", "_rebuild_nested_tensor", FLAT INDICES INDICES NO_INDEX)},
    {"quantised, a zero point above the dtype", QT(T(PER_TENSOR F("0.5") I("128")))},
    {"quantised, a zero point below the dtype", QT(T(PER_TENSOR F("0.5") I("-129")))},
    {"quantised, zero points beyond the dtype",
     QT(T(PER_CHANNEL LIST(F("0.5") F("0.25")) LIST(I("0") I("128")) I("0")))},
    {"sparse without a layout", ARGS("torch._utils", "_rebuild_sparse_tensor", S("torch.sparse_coo") T(""))},
    {"load from a str", ARGS("torch.storage", "_load_from_bytes", S("x"))},
    {"numpy scalar of an object dtype",
     ARGS("numpy.core.multiarray", "scalar",
          NP_DTYPE("O8") T(I("3") S("|") NONE NONE NONE I("-1") I("-1") I("63")) BUILD LATIN("x"))},
    {"numpy scalar of seven bytes", ARGS("numpy.core.multiarray", "scalar", NP_F8 LATIN("1234567"))},
    {"numpy array under protocol 5 of too few bytes",
     ARGS("numpy.core.numeric", "_frombuffer", LATIN("12345678") NP_F8 T(I("2")) S("C"))},
    {"numpy array under protocol 5 of another order",
     ARGS("numpy.core.numeric", "_frombuffer", LATIN("12345678") NP_F8 T(I("1")) S("A"))},
    {"numpy array under protocol 5 without an order",
     ARGS("numpy.core.numeric", "_frombuffer", LATIN("12345678") NP_F8 T(I("1")))},
    {"a function among the fields of an unknown class",
     G("mylib", "Pair") T(I("1") G("torch.storage", "_load_from_bytes")), NEWOBJ, OBS_CALL_UNKNOWN},
    {"an unknown class with keyword arguments", G("mylib", "Pair") T(I("1")) DICT(S("a") I("1")), NEWOBJ_EX,
     OBS_CALL_UNKNOWN},
    {"an unknown class that is called", G("mylib", "Pair") T(I("1")), REDUCE, OBS_CALL_UNKNOWN},
    {"numpy generator made by a function of the file's",
     ARGS("numpy.random._pickle", "__generator_ctor", LATIN("x") G("torch.storage", "_load_from_bytes"))},
    {"numpy generator of a name made by another",
     ARGS("numpy.random._pickle", "__generator_ctor", S("PCG64") G("numpy.core.multiarray", "scalar"))},
    {"numpy bit generator of a class of somebody's",
     ARGS("numpy.random._pickle", "__bit_generator_ctor", G("argparse", "Namespace"))},
    {"a function among plain arguments",
     ARGS("__builtin__", "slice", G("torch.storage", "_load_from_bytes"))},
    {"OrderedDict of pairs by NEWOBJ, which is empty",
     G("collections", "OrderedDict") T(LIST(T(S("a") I("1")))), NEWOBJ, OBS_CALL_ARGUMENTS},
    {"set by NEWOBJ, which is empty", G("__builtin__", "set") T(LIST(I("1"))), NEWOBJ, OBS_CALL_ARGUMENTS},
    {"NEWOBJ of a function", G("torch._utils", "_rebuild_tensor_v2") T(FLOATS SIZES REST), NEWOBJ,
     OBS_CALL_ARGUMENTS},
    {"keyword arguments", G("torch", "device") T(S("cuda")) DICT(S("index") I("1")), NEWOBJ_EX,
     OBS_CALL_ARGUMENTS},
    {"a record with keyword arguments", G("argparse", "Namespace") T("") DICT(S("index") I("1")), NEWOBJ_EX,
     OBS_CALL_ARGUMENTS},
    {"numpy dtype of another code", ARGS("numpy", "dtype", S("x8") FALSE_ TRUE_)},
    {"_reconstruct of another class",
     ARGS("numpy.core.multiarray", "_reconstruct", G("argparse", "Namespace") T(I("0")) LATIN("b"))},
    {"_reconstruct with a count",
     ARGS("numpy.core.multiarray", "_reconstruct", G("numpy", "ndarray") T(I("1000")) LATIN("d"))},
    {"OrderedDict.__new__ of pairs", G("collections", "OrderedDict") T(LIST(T(S("a") I("1")))), NEWOBJ,
     OBS_CALL_ARGUMENTS},
    {"set.__new__ of items", G("__builtin__", "set") T(LIST(I("1"))), NEWOBJ, OBS_CALL_ARGUMENTS},
    {"a function by NEWOBJ", G("_codecs", "encode") T(S("a") S("latin1")), NEWOBJ, OBS_CALL_ARGUMENTS},
    {"tensor attribute data",
     ARGS("torch._tensor", "_rebuild_from_type_v2",
          G("torch._utils", "_rebuild_tensor_v2") G("torch.nn.parameter", "Parameter") T(FLOATS SIZES REST)
              DICT(S("data") TENSOR))},
};

/* BUILD and items that change what the object is to a loader. */
#define NAMESPACE G("argparse", "Namespace") ")" NEWOBJ
#define PARAMETER G("torch.nn.parameter", "Parameter") ")" NEWOBJ
#define METHOD    CALL("__builtin__", "getattr", G("torch.nn.modules.linear", "Linear") S("forward"))

static const struct refused changed[] = {
    {"second state of a record", NAMESPACE DICT(S("a") I("1")) BUILD DICT(S("a") I("2")), BUILD,
     OBS_BUILD_REFUSED},
    {"second state of a dict", ODICT DICT(S("a") I("1")) BUILD DICT(S("b") I("2")), BUILD, OBS_BUILD_REFUSED},
    {"state of what getattr found", METHOD DICT(S("a") I("1")), BUILD, OBS_BUILD_REFUSED},
    {"items of what getattr found", METHOD S("a") I("1"), "s", OBS_BUILD_REFUSED},
    {"partial's state of another function",
     PARTIAL(LAYER_NORM) T(G("torch.nn.modules.linear", "Linear") T("") EPS NONE), BUILD, OBS_BUILD_REFUSED},
    {"partial's state of its name alone", PARTIAL(LAYER_NORM) T(S("LayerNorm") T("") EPS NONE), BUILD,
     OBS_BUILD_REFUSED},
    {"partial's state of three", PARTIAL(LAYER_NORM) T(LAYER_NORM T("") EPS), BUILD, OBS_BUILD_REFUSED},
    {"partial's arguments in a list", PARTIAL(LAYER_NORM) T(LAYER_NORM LIST("") EPS NONE), BUILD,
     OBS_BUILD_REFUSED},
    {"partial's special attribute", PARTIAL(LAYER_NORM) T(LAYER_NORM T("") EPS DICT(S("__class__") I("1"))),
     BUILD, OBS_BUILD_REFUSED},
    {"attributes of a partial", PARTIAL(LAYER_NORM) DICT(S("func") G("mycorp.nets", "run")), BUILD,
     OBS_BUILD_REFUSED},
    {"items of a partial", PARTIAL(LAYER_NORM) S("a") I("1"), "s", OBS_BUILD_REFUSED},
    {"dict attribute keys", ODICT DICT(S("keys") G("collections", "OrderedDict")), BUILD, OBS_BUILD_REFUSED},
    {"special attribute in a made dict", NAMESPACE ODICT S("__setstate__") I("1") "s", BUILD,
     OBS_BUILD_REFUSED},
    {"special slot in a made dict", NAMESPACE NONE ODICT S("__class__") I("1") "s" T2, BUILD,
     OBS_BUILD_REFUSED},
    {"item behind the state", NAMESPACE DICT(S("act") G("torch.storage", "_load_from_bytes")) BUILD S("x"),
     "a", OBS_BUILD_REFUSED},
    {"function as a method", NAMESPACE DICT(S("append") G("torch.storage", "_load_from_bytes")), BUILD,
     OBS_BUILD_REFUSED},
    {"append to a tuple", CALL("__builtin__", "tuple", LIST("")) I("1"), "a", OBS_BUILD_REFUSED},
    {"append to an OrderedDict", ODICT I("1"), "a", OBS_BUILD_REFUSED},
    {"state of a torch.Size", CALL("torch", "Size", T(I("2"))) DICT(S("a") I("1")), BUILD, OBS_BUILD_REFUSED},
    {"state of a deque", CALL("collections", "deque", "") DICT(S("a") I("1")), BUILD, OBS_BUILD_REFUSED},
    {"state of a numpy scalar", MULTIARRAY("scalar", NP_F8 LATIN("12345678")) DICT(S("a") I("1")), BUILD,
     OBS_BUILD_REFUSED},
    {"set on a deque", CALL("collections", "deque", "") I("0") I("1"), "s", OBS_BUILD_REFUSED},
    {"parameter by set_", PARAMETER T(FLOATS SIZES), BUILD, OBS_BUILD_REFUSED},
    {"parameter with hooks", PARAMETER T(TENSOR NONE DICT(I("0") I("1")) TRUE_ FALSE_), BUILD,
     OBS_BUILD_REFUSED},
    {"dtype of an object without its flags",
     NP_DTYPE("O8") T(I("3") S("|") NONE NONE NONE I("-1") I("-1") I("0")), BUILD, OBS_BUILD_REFUSED},
    {"dtype of a record with the flags of objects",
     NP_RECORD("V8", NONE, T(S("a")), DICT(S("a") T(NP_F8 I("0"))), "8", "27"), BUILD, OBS_BUILD_REFUSED},
    {"dtype of a record that hides its objects",
     NP_RECORD("V8", NONE, T(S("a")), DICT(S("a") T(NP_OBJECTS I("0"))), "8", "16"), BUILD,
     OBS_BUILD_REFUSED},
    {"dtype of a record with a field outside",
     NP_RECORD("V8", NONE, T(S("a")), DICT(S("a") T(NP_F8 I("1"))), "8", "16"), BUILD, OBS_BUILD_REFUSED},
    {"dtype of a record with a field before it",
     NP_RECORD("V8", NONE, T(S("a")), DICT(S("a") T(NP_F8 I("-8"))), "8", "16"), BUILD, OBS_BUILD_REFUSED},
    {"dtype of a record with a name for no field", NP_RECORD("V8", NONE, T(S("a")), DICT(""), "8", "16"),
     BUILD, OBS_BUILD_REFUSED},
    {"dtype of a record of another size",
     NP_RECORD("V8", NONE, T(S("a")), DICT(S("a") T(NP_F8 I("0"))), "16", "16"), BUILD, OBS_BUILD_REFUSED},
    {"dtype of small arrays of another size", NP_RECORD("V8", T(NP_F8 T(I("2"))), NONE, NONE, "8", "0"),
     BUILD, OBS_BUILD_REFUSED},
    {"numpy array of objects, one too few", NP_ARRAY T(I("1") T(I("2")) NP_OBJECTS FALSE_ LIST(NONE)), BUILD,
     OBS_BUILD_REFUSED},
    {"numpy array of objects from bytes", NP_ARRAY T(I("1") T(I("1")) NP_OBJECTS FALSE_ LATIN("12345678")),
     BUILD, OBS_BUILD_REFUSED},
    {"dtype of flags", NP_DTYPE("c16") T(I("3") S("<") NONE NONE NONE I("-1") I("-1") I("4")), BUILD,
     OBS_BUILD_REFUSED},
    {"dtype of another size", NP_DTYPE("U5") T(I("3") S("<") NONE NONE NONE I("400") I("4") I("8")), BUILD,
     OBS_BUILD_REFUSED},
    {"dtype of two states", NP_F8 T(I("3") S(">") NONE NONE NONE I("-1") I("-1") I("0")), BUILD,
     OBS_BUILD_REFUSED},
    {"numpy array of too few bytes", NP_ARRAY T(I("1") T(I("2")) NP_F8 FALSE_ LATIN("12345678")), BUILD,
     OBS_BUILD_REFUSED},
    {"numpy array of a negative size", NP_ARRAY T(I("1") T(I("-1")) NP_F8 FALSE_ LATIN("12345678")), BUILD,
     OBS_BUILD_REFUSED},
    {"numpy array of another version", NP_ARRAY T(I("2") T(I("1")) NP_F8 FALSE_ LATIN("12345678")), BUILD,
     OBS_BUILD_REFUSED},
    {"numpy array whose size overflows",
     NP_ARRAY T(I("1") T(I("4611686018427387904") I("4")) NP_F8 FALSE_ LATIN("")), BUILD, OBS_BUILD_REFUSED},
    {"dtype of a state behind its use",
     NP_DTYPE("f8") PUT(0) "0" MULTIARRAY("scalar", GET(0) LATIN("12345678")) "0" GET(0)
         T(I("3") S(">") NONE NONE NONE I("-1") I("-1") I("0")),
     BUILD, OBS_BUILD_REFUSED},
    {"contents behind a reconstructed list",
     G("copy_reg", "_reconstructor") T(G("argparse", "Namespace") G("__builtin__", "list") "]" PUT(0))
         REDUCE GET(0) I("1"),
     "a0", OBS_PKL_ITEMS_GIVEN},
    {"list behind set(list)", G("__builtin__", "set") "]" PUT(0) T1 REDUCE GET(0) I("1"), "a0",
     OBS_PKL_ITEMS_GIVEN},
    {"list behind tuple(list)", G("__builtin__", "tuple") "]" PUT(0) T1 REDUCE GET(0) I("1"), "a0",
     OBS_PKL_ITEMS_GIVEN},
    {"list behind Size(list)", G("torch", "Size") "]" PUT(0) T1 REDUCE GET(0) I("1"), "a0",
     OBS_PKL_ITEMS_GIVEN},
    {"hooks behind the tensor",
     G("torch._utils", "_rebuild_tensor_v2") T(FLOATS SIZES FALSE_ ODICT PUT(0)) REDUCE GET(0) I("0") I("1"),
     "s0", OBS_PKL_ITEMS_GIVEN},
    {"attributes behind BUILD", ODICT DICT("") PUT(0) BUILD GET(0) S("_metadata") NONE, "s0",
     OBS_PKL_ITEMS_GIVEN},
};

static void run_refused(const struct refused *r) {
  struct bench b;
  bench_run2(&b, r->before, r->after);
  assert_refused(&b, r->name, r->kind, strlen(PROTO2) + strlen(r->before));
  bench_close(&b);
}

static void wrong_arguments_are_refused_at_the_call(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(refused); i++) run_refused(&refused[i]);
}

static void changes_are_refused_where_they_happen(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(changed); i++) run_refused(&changed[i]);
}

/* ---- limits are no refusals ---- */

static void limits_are_said_as_limits(void **state) {
  (void)state;
  struct bench b;
  char *many = NULL;
  size_t n;
  FILE *out = open_memstream(&many, &n);
  assert_non_null(out);
  for (int i = 0; i < 65; i++) fputs(I("1"), out);
  assert_int_equal(fclose(out), 0);
  char *program = NULL;
  out = open_memstream(&program, &n);
  assert_non_null(out);
  fprintf(out, "%s(%sI0\n(%st(%st%stR", G("torch._utils", "_rebuild_tensor_v2"), FLOATS, many, many, REST);
  assert_int_equal(fclose(out), 0);
  bench_run(&b, program);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_TENSOR_DIMS), 1);
  assert_int_equal(first_of(&b.obs, OBS_LIMIT_TENSOR_DIMS)->got, 65);
  assert_none_of(&b, "65 dimensions", EFFECT_UNSAFE);
  bench_close(&b);
  free(many);
  free(program);
}

/* A parameter is a second row of its tensor: the limit may be hit between the two. */
static void the_limit_of_tensors_is_said(void **state) {
  (void)state;
  static const struct record records[] = {{"data/0", 24}, {NULL, 0}};
  for (uint64_t most = 1; most <= 3; most++) {
    struct bench b;
    static const char program[] = PROTO2 "(" UTILS("_rebuild_parameter", TENSOR TRUE_ ODICT) TENSOR "t.";
    bench_open(&b, span_of(program, sizeof program - 1), records);
    b.max.tensors = most;
    bench_load(&b);
    assert_int_equal(seen(&b.obs, OBS_LIMIT_TENSORS), most == 1 ? 2 : most == 2 ? 1 : 0);
    assert_none_of(&b, "tensors", EFFECT_UNSAFE);
    bench_close(&b);
  }
}

/* `before`, then `each` n times, then `after`. */
static void repeated_open(struct bench *b, const char *before, const char *each, uint32_t n,
                          const char *after) {
  static const struct record none[] = {{NULL, 0}};
  char *program = NULL;
  size_t size;
  FILE *out = open_memstream(&program, &size);
  assert_non_null(out);
  fputs(PROTO2, out);
  fputs(before, out);
  for (uint32_t i = 0; i < n; i++) fputs(each, out);
  fputs(after, out);
  assert_int_equal(fclose(out), 0);
  bench_open(b, span_of(program, size), none);
  free(program);
}

/* A program of a thousand dtypes is as good as one of one. */
static void many_numpy_dtypes_are_fine(void **state) {
  (void)state;
  struct bench b;
  repeated_open(&b, "(", NP_F8, 1000, "l.");
  bench_load(&b);
  assert_true(bench_machine(&b)->stopped);
  assert_none_of(&b, "dtypes", EFFECT_UNSAFE);
  assert_none_of(&b, "dtypes", EFFECT_UNCHECKED);
  bench_close(&b);
}

/* ---- what shared values cost ---- */

/* A list, tuple or dict of many values in entry 0 of the memo; then as many calls that are given it. */
static const struct shared {
  const char *name, *open, *each, *close, *call;
} shared[] = {
    {"OrderedDict(pairs)", "(", T(NONE NONE), "lp0\n(", G("collections", "OrderedDict") T(GET(0)) REDUCE},
    {"Size", "(", I("1"), "tp0\n(", G("torch", "Size") T(GET(0)) REDUCE},
    {"slice(*args)", "(", I("1"), "tp0\n(", G("__builtin__", "slice") GET(0) REDUCE},
    {"set", "(", I("1"), "lp0\n(", G("__builtin__", "set") T(GET(0)) REDUCE},
    {"a call of a call", G("mylib", "f") "(", I("1"), "tRp0\n(", GET(0) ")R"},
    {"an unknown call", "(", I("1"), "tp0\n(", G("mylib", "f") GET(0) REDUCE},
    {"getattr", "(" S("0") "0V", "name", "\np0\n(",
     G("__builtin__", "getattr") T(G("argparse", "Namespace") GET(0)) "R"},
    {"type of many", "(", NONE, "tp0\n(", G("_operator", "getitem") T(G("typing", "Tuple") GET(0)) "R"},
    {"encode", "(" S("0") "0V", "text", "\np0\n(", G("_codecs", "encode") T(GET(0) S("latin1")) REDUCE},
    {"dtype", "(" S("0") "0Vf", "0000", "\np0\n(", G("numpy", "dtype") T(GET(0)) REDUCE},
    {"storage key", "(" S("0") "0V", "1111", "\np0\n(",
     T(S("storage") G("torch", "FloatStorage") GET(0) S("cpu") I("1")) "Q"},
    {"storage place", "(" S("0") "0V", "cpuu", "\np0\n(",
     T(S("storage") G("torch", "FloatStorage") S("1") GET(0) I("1")) "Q"},
};

/* 20,000 calls of 20,000 values: they would be looked at 400 million times. */
static void calls_of_shared_values_have_a_budget(void **state) {
  (void)state;
  enum { MANY = 20000 };
  for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
    struct bench b;
    const struct shared *x = &shared[i];
    char *before = NULL;
    size_t n;
    FILE *out = open_memstream(&before, &n);
    assert_non_null(out);
    fputs(x->open, out);
    for (uint32_t k = 0; k < MANY; k++) fputs(x->each, out);
    fputs(x->close, out);
    assert_int_equal(fclose(out), 0);
    repeated_open(&b, before, x->call, MANY, "t.");
    free(before);
    b.max.call_steps = 10 * MANY;
    bench_load(&b);
    if (!bench_machine(&b)->stopped) fail_msg("%s: does not run", x->name);
    assert_true(b.cp.steps <= b.max.call_steps);
    if (b.arena.used > (size_t)64 << 20) fail_msg("%s: %zu bytes", x->name, b.arena.used);
    bench_close(&b);
  }
}

/* The budget is a limit: what was not looked at is not called malformed. */
static void a_spent_budget_is_a_limit(void **state) {
  (void)state;
  struct bench b;
  repeated_open(&b, "(" G("torch", "Size") PUT(0) T(I("1") I("2") I("3") I("4") I("5") I("6") I("7")) PUT(1),
                GET(0) T(GET(1)) REDUCE, 4, "t.");
  b.max.call_steps = 20;
  bench_load(&b);
  assert_true(bench_machine(&b)->stopped);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_CALL_STEPS), 1);
  assert_int_equal(seen(&b.obs, OBS_CALL_ARGUMENTS), 0);
  bench_close(&b);
}

/* BUILD with one state for each of many objects. */
static void states_have_a_budget(void **state) {
  (void)state;
  struct bench b;
  repeated_open(&b,
                DICT(S("a") NONE S("b") NONE S("c") NONE) PUT(0) "0" G("argparse", "Namespace") PUT(1) "0(",
                GET(1) ")" NEWOBJ GET(0) BUILD, 10, "t.");
  b.max.call_steps = 20;
  bench_load(&b);
  assert_int_equal(seen(&b.obs, OBS_LIMIT_CALL_STEPS), 1);
  assert_int_equal(seen(&b.obs, OBS_BUILD_REFUSED), 0);
  bench_close(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_torch_writes_is_built),
      cmocka_unit_test(wrong_arguments_are_refused_at_the_call),
      cmocka_unit_test(changes_are_refused_where_they_happen),
      cmocka_unit_test(what_is_not_proved_is_not_checked),
      cmocka_unit_test(tensors_without_data_are_said),
      cmocka_unit_test(limits_are_said_as_limits),
      cmocka_unit_test(the_limit_of_tensors_is_said),
      cmocka_unit_test(many_numpy_dtypes_are_fine),
      cmocka_unit_test(calls_of_shared_values_have_a_budget),
      cmocka_unit_test(a_spent_budget_is_a_limit),
      cmocka_unit_test(states_have_a_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
