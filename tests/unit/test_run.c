/* Whole forward passes: architecture file, weights and inputs in, outputs and observations out. Goldens were
 * recorded from PyTorch by tests/oracle/record_models.py; weights are made by its formula. */
#include "forward/forward.h"

#include <math.h>
#include <time.h>

#include "base/json.h"
#include "base/npy.h"
#include "tests/unit/check.h"

/* ---- the recording ---- */

struct recorded {
  const char *name;
  uint32_t ndim;
  uint64_t size[4];
  const float *values;
};
#define SIZES(n, ...) \
  n, { __VA_ARGS__ }
#define VALUES(...) \
  (const float[]) { __VA_ARGS__ }
#define RECORDED(name, ...) {#name, __VA_ARGS__},
static const struct recorded recordings[] = {
#include "tests/oracle/models_recorded.inc"
};

static const struct recorded *recording(const char *name) {
  for (size_t i = 0; i < ARRAY_LEN(recordings); i++)
    if (strcmp(recordings[i].name, name) == 0) return &recordings[i];
  assert_string_equal(name, "a recorded name");
  return NULL;
}

static uint64_t count(const struct recorded *r) {
  uint64_t n = 1;
  for (uint32_t i = 0; i < r->ndim; i++) n *= r->size[i];
  return n;
}

/* The recording as the .npy file that a user would have. */
static struct span npy_of(struct arena *a, const struct recorded *r) {
  uint8_t header[NPY_HEADER_SIZE];
  assert_int_equal(npy_header(header, "<f4", r->size, r->ndim), sizeof header);
  uint8_t *file = arena_array(a, sizeof header + count(r) * 4, uint8_t);
  assert_non_null(file);
  memcpy(file, header, sizeof header);
  memcpy(file + sizeof header, r->values, count(r) * 4);
  return span_of(file, sizeof header + count(r) * 4);
}

/* ---- one run ---- */

/* How a weight lies in the file. */
enum layout { AS_F32, AS_F64, AS_F16, AS_BF16, AS_TRANSPOSED, AS_BIG_ENDIAN, AS_UNALIGNED, LAYOUTS };

enum { REGION_BYTES = 2 << 20, MAX_WEIGHTS = 64 };
struct run_state {
  struct arena arena;
  struct observations obs;
  struct limits max;
  struct arch arch;
  struct model model;
  struct plan plan;
  struct plan_tensor tensors[MAX_WEIGHTS];
  struct plan_storage storages[MAX_WEIGHTS];
  uint64_t dims[MAX_WEIGHTS * 8];
  uint32_t tensor_of_key[MAX_WEIGHTS];
  struct plan_member member;
  struct match match;
  struct forward_request request;
  uint8_t *file; /* the checkpoint's bytes: exactly as long as they are */
  size_t file_bytes;
  void *region;
  struct result_writer writer;
  const struct result *result;
  bool built, done;
};

static struct gemm gemm;

static float formula(uint64_t i, uint32_t seed) { return (float)((int)((i * 7 + seed * 13) % 31) - 15) / 64; }

static void put(uint8_t *out, float v, enum layout how) {
  uint32_t bits;
  double wide = (double)v;
  memcpy(&bits, &v, sizeof bits);
  /* half: the formula's values are 0 or normal in it, and exact */
  uint16_t half =
      (uint16_t)(v == 0 ? 0
                        : (bits >> 16 & 0x8000) | (((bits >> 23 & 0xff) - 112) << 10) | (bits >> 13 & 0x3ff));
  uint16_t brain = (uint16_t)(bits >> 16);
  if (how == AS_F64)
    memcpy(out, &wide, 8);
  else if (how == AS_F16)
    memcpy(out, &half, 2);
  else if (how == AS_BF16)
    memcpy(out, &brain, 2);
  else
    memcpy(out, &bits, 4);
  if (how != AS_BIG_ENDIAN) return;
  for (int i = 0; i < 2; i++) {
    uint8_t swap = out[i];
    out[i] = out[3 - i];
    out[3 - i] = swap;
  }
}

static enum dtype layout_dtype(enum layout how) {
  return how == AS_F64 ? DTYPE_F64 : how == AS_F16 ? DTYPE_F16 : how == AS_BF16 ? DTYPE_BF16 : DTYPE_F32;
}

static void add_weight(struct run_state *s, uint32_t i, const struct slot *slot, enum layout how) {
  struct plan_tensor *t = &s->tensors[i];
  const bool transposed = how == AS_TRANSPOSED && slot->ndim == 2;
  const uint64_t item = dtype_size(layout_dtype(how));
  *t = (struct plan_tensor){.storage = i + 1,
                            .first_dim = i * 8,
                            .dtype = (uint8_t)layout_dtype(how),
                            .ndim = (uint8_t)slot->ndim,
                            .numel = slot->numel,
                            .offset = 1,
                            .flags = transposed ? 0 : PLAN_CONTIGUOUS};
  s->storages[i] = (struct plan_storage){.member = 1,
                                         .at = s->file_bytes,
                                         .bytes = (slot->numel + 1) * item,
                                         .dtype = t->dtype,
                                         .big_endian = how == AS_BIG_ENDIAN};
  uint64_t stride = 1;
  for (uint32_t d = slot->ndim; d > 0; d--) {
    s->dims[i * 8 + d - 1] = slot->sizes[d - 1];
    s->dims[i * 8 + slot->ndim + d - 1] = stride;
    stride *= slot->sizes[d - 1];
  }
  if (transposed) {
    s->dims[i * 8 + 2] = 1;
    s->dims[i * 8 + 3] = slot->sizes[0];
  }
  s->file = realloc(s->file, s->file_bytes + s->storages[i].bytes);
  assert_non_null(s->file);
  memset(s->file + s->file_bytes, 0xff, item); /* element 0 belongs to nobody */
  for (uint64_t e = 0; e < slot->numel; e++) {
    uint64_t at = transposed ? e % slot->sizes[1] * slot->sizes[0] + e / slot->sizes[1] : e;
    put(s->file + s->file_bytes + (at + 1) * item, formula(e, i + 1), how);
  }
  s->file_bytes += s->storages[i].bytes;
}

static void add_weights(struct run_state *s, enum layout how) {
  assert_true(s->model.num_expected <= MAX_WEIGHTS);
  if (how == AS_UNALIGNED) {
    s->file = malloc(1);
    s->file_bytes = 1;
  }
  for (uint32_t i = 0; i < s->model.num_expected; i++) {
    s->tensor_of_key[i] = i;
    add_weight(s, i, s->model.expected[i].slot, how);
  }
  s->member = (struct plan_member){.csize = s->file_bytes, .size = s->file_bytes};
  s->plan = (struct plan){.members = &s->member,
                          .num_members = 1,
                          .storages = s->storages,
                          .tensors = s->tensors,
                          .num_storages = s->model.num_expected,
                          .num_tensors = s->model.num_expected,
                          .dims = s->dims,
                          .num_dims = ARRAY_LEN(s->dims),
                          .text = (const uint8_t *)""};
  s->match = (struct match){.found = true, .num_expected = s->model.num_expected, .tensor = s->tensor_of_key};
}

struct setup {
  enum layout layout;
  struct setting set[3];
  uint32_t num_set;
};

static struct run_state *begin(const char *json, const struct setup *how) {
  struct run_state *s = calloc(1, sizeof *s);
  assert_non_null(s);
  arena_init(&s->arena, 64 << 20);
  observations_init(&s->obs, &s->arena, 50);
  s->max = limits_default();
  bool parsed = arch_parse(&s->arch, (struct text_file){SPAN("model.json"), span_str(json)}, &s->arena,
                           &s->max, &s->obs);
  for (uint32_t i = 0; i < s->obs.n; i++)
    print_message("%.*s %.*s\n", (int)s->obs.list[i].subject.n, (const char *)s->obs.list[i].subject.p,
                  (int)s->obs.list[i].detail.n, (const char *)s->obs.list[i].detail.p);
  assert_true(parsed);
  struct config_sources sources = {.set = how->set, .num_set = how->num_set};
  s->built = model_build(&s->model, &s->arch, &sources, SPAN(""), 1000, &s->arena, &s->max, &s->obs);
  assert_true(s->built);
  add_weights(s, how->layout);
  s->region = calloc(1, REGION_BYTES);
  assert_true(result_begin(&s->writer, s->region, REGION_BYTES));
  s->request = (struct forward_request){.model = &s->model,
                                        .match = &s->match,
                                        .plan = &s->plan,
                                        .tests = s->arch.tests,
                                        .num_tests = s->arch.num_tests,
                                        .gemm = &gemm,
                                        .file = span_of(s->file, s->file_bytes),
                                        .rtol = -1,
                                        .atol = -1,
                                        .asked = true,
                                        .max = &s->max};
  return s;
}

static void run(struct run_state *s) {
  const char *why;
  s->done = forward_run(&s->request, &s->arena, &s->obs, &s->writer);
  s->result = result_open(s->region, REGION_BYTES, &why);
  assert_non_null(s->result);
}

static void end(struct run_state *s) {
  arch_close(&s->arch);
  arena_free(&s->arena);
  free(s->file);
  free(s->region);
  free(s);
}

static void show(const struct run_state *s) {
  for (uint32_t i = 0; i < s->obs.n; i++) {
    const struct observation *o = &s->obs.list[i];
    print_message("observed %d: %.*s | %.*s\n", (int)o->kind, (int)o->subject.n, (const char *)o->subject.p,
                  (int)o->detail.n, (const char *)o->detail.p);
  }
}

static bool holds(struct span text, const char *words) {
  return words[0] == 0 || (text.n && memmem(text.p, text.n, words, strlen(words)));
}

/* It was observed, with texts that hold these words. */
static void check_observed(const struct run_state *s, enum obs_kind kind, const char *subject,
                           const char *detail) {
  if (!seen(&s->obs, kind)) show(s);
  const struct observation *o = first_of(&s->obs, kind);
  assert_non_null(o);
  bool fits = holds(o->subject, subject) && holds(o->detail, detail);
  if (!fits) show(s);
  assert_true(fits);
}

static void check_golden(const struct run_state *s, uint32_t output, const char *name) {
  const struct recorded *r = recording(name);
  if (s->result->num_outputs <= output) show(s);
  assert_true(output < s->result->num_outputs);
  const struct result_output *o = &s->result->outputs[output];
  assert_int_equal(o->array.ndim, r->ndim);
  assert_memory_equal(o->array.size, r->size, r->ndim * sizeof r->size[0]);
  struct span data = result_data(s->result, &o->array);
  assert_int_equal(data.n, count(r) * 4);
  for (uint64_t i = 0; i < count(r); i++) {
    float y;
    memcpy(&y, data.p + i * 4, sizeof y);
    bool same = fabs((double)y - (double)r->values[i]) <= 2e-6 + 1e-5 * fabs((double)r->values[i]);
    if (!same)
      print_message("%s: element %llu is %.9g, PyTorch has %.9g\n", name, (unsigned long long)i, (double)y,
                    (double)r->values[i]);
    assert_true(same);
  }
}

/* ---- the documents' models ---- */

#define CNN                                                                                             \
  "{\"arch\": 1, \"name\": \"SimpleCNN\", \"modules\": {"                                               \
  "\"conv1\": \"Conv2d(3, 16, 3, padding=1)\", \"relu\": \"ReLU()\", \"maxpool\": \"MaxPool2d(2, 2)\"," \
  "\"fc\": \"Linear(16 * 14 * 14, 10)\"},"                                                              \
  "\"forward(x)\": [\"x = maxpool(relu(conv1(x)))\", \"x = x.view(size(x, 0), -1)\", \"fc(x)\"],"       \
  "\"inputs\": {\"x\": \"float32[B, 3, 28, 28]\"}, \"outputs\": {\"logits\": \"float32[B, 10]\"}"
#define LINEAR                                                                                      \
  "{\"arch\": 1, \"name\": \"SimpleLinearModel\", \"modules\": {\"linear\": \"Linear(10, 2)\"},"    \
  "\"forward(x)\": [\"linear(x)\"], \"inputs\": {\"x\": \"float32[B, 10]\"}, \"outputs\": {\"y\": " \
  "\"float32[B, 2]\"}"
#define CUSTOM                                                                                              \
  "{\"arch\": 1, \"name\": \"CustomModel\", \"blocks\": {\"CustomLayer(n_in, n_out)\": {"                   \
  "\"modules\": {\"linear\": \"Linear(n_in, n_out)\"}, \"forward(x)\": [\"relu(linear(x))\"]}},"            \
  "\"modules\": {\"layer1\": \"CustomLayer(10, 5)\", \"layer2\": \"Linear(5, 2)\"},"                        \
  "\"forward(x)\": [\"layer2(layer1(x))\"], \"inputs\": {\"x\": \"float32[B, 10]\"}, \"outputs\": {\"y\": " \
  "\"float32[B, 2]\"}"
/* The same with a block that is an nn.Sequential: numbered children and no forward of its own. */
#define NUMBERED                                                                                             \
  "{\"arch\": 1, \"blocks\": {\"CustomLayer(n_in, n_out)\": {\"modules\": {\"0\": \"Linear(n_in, n_out)\", " \
  "\"1\": \"ReLU()\"}}}, \"modules\": {\"layer1\": \"CustomLayer(10, 5)\", \"layer2\": \"Linear(5, 2)\"},"   \
  "\"forward(x)\": [\"layer2(layer1(x))\"], \"inputs\": {\"x\": \"float32[B, 10]\"}"
#define COMPLEX                                                                                        \
  "{\"arch\": 1, \"name\": \"ComplexModel\", \"config\": {\"input_dim\": null, \"hidden_dim\": null, " \
  "\"output_dim\": null},"                                                                             \
  "\"modules\": {\"layer1\": \"Linear(input_dim, hidden_dim)\", \"layer2\": \"Linear(hidden_dim, "     \
  "output_dim)\"},"                                                                                    \
  "\"forward(x)\": [\"layer2(relu(layer1(x)))\"],"                                                     \
  "\"inputs\": {\"x\": \"float32[B, input_dim]\"}, \"outputs\": {\"y\": \"float32[B, output_dim]\"}"
/* all that the language offers for this version's operations */
#define RESIDUAL                                                                                             \
  "{\"arch\": 1, \"name\": \"Residual\", \"config\": {\"d\": 6, \"n\": 3, \"halve\": true}, \"blocks\": "    \
  "{\"Layer()\": {"                                                                                          \
  "\"modules\": {\"fc\": \"Linear(d, d)\", \"gone\": \"None\"}, \"forward(x, shift=0)\": ["                  \
  "\"y = relu(gone(fc(x)) if gone else fc(x))\", \"x + (y / 2 if halve else y) - shift\"]}},"                \
  "\"modules\": {\"scale\": \"Parameter(d)\", \"mean\": \"Buffer((2, 1, d))\", \"layers.{i < n}\": "         \
  "\"Layer()\","                                                                                             \
  "\"head\": [\"Linear(d, 4)\", \"Dropout(0.5)\", \"ReLU()\", \"Linear(4, 3)\"]},"                           \
  "\"forward(x)\": [\"b, t = x.shape[:2]\", \"x = (x - mean) * scale\", \"x = layers(x, scale)\","           \
  "\"y, z = head(x), None\", \"y.reshape((b, t, 3)), -flatten(y.contiguous() * 0.5, start_dim=1)\"],"        \
  "\"inputs\": {\"x\": \"float32[B, T, 6]\"}, \"outputs\": {\"y\": \"float32[B, T, 3]\", \"z\": \"float[B, " \
  "3*T]\"}"

static const struct setup plain = {.layout = AS_F32};
static const struct setup complex_config = {
    .set = {{{(const uint8_t *)"input_dim", 9}, {(const uint8_t *)"12", 2}},
            {{(const uint8_t *)"hidden_dim", 10}, {(const uint8_t *)"20", 2}},
            {{(const uint8_t *)"output_dim", 10}, {(const uint8_t *)"3", 1}}},
    .num_set = 3};

static void tutorial_models_compute_what_pytorch_does(void **state) {
  static const char residual[] = RESIDUAL ", \"tests\": [{\"B\": 2, \"T\": 5, \"x\": \"rand(11)\"}]}";
  (void)state;
  static const struct {
    const char *json, *golden;
    const struct setup *how;
  } rows[] = {
      {CNN ", \"tests\": [{\"B\": 1, \"x\": \"rand(0)\"}]}", "simple_cnn_0", &plain},
      {CNN ", \"tests\": [{\"B\": 2, \"x\": \"rand(7)\"}]}", "simple_cnn_two_0", &plain},
      {CNN "}", "simple_cnn_0", &plain}, /* no tests: rand(0), B = 1 */
      {LINEAR ", \"tests\": [{\"B\": 4, \"x\": \"rand(0)\"}]}", "linear_0", &plain},
      {CUSTOM ", \"tests\": [{\"B\": 4, \"x\": \"rand(3)\"}]}", "custom_0", &plain},
      {NUMBERED ", \"tests\": [{\"B\": 4, \"x\": \"rand(3)\"}]}", "custom_0", &plain},
      {COMPLEX ", \"tests\": [{\"B\": 4, \"x\": \"rand(5)\"}]}", "complex_0", &complex_config},
      {residual, "residual_0", &plain},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run_state *s = begin(rows[i].json, rows[i].how);
    run(s);
    if (!s->done || s->result->tests[0].status != RESULT_COMPUTED) show(s);
    assert_true(s->done && s->result->complete);
    assert_int_equal(s->result->num_tests, 1);
    assert_int_equal(s->result->tests[0].status, RESULT_COMPUTED);
    assert_true(s->result->tests[0].generated);
    check_golden(s, 0, rows[i].golden);
    assert_int_equal(s->result->outputs[0].golden, GOLDEN_NONE);
    /* Of models that declare no outputs; the residual one has a buffer for two sequences. */
    uint32_t fixed = seen(&s->obs, OBS_FWD_FIXED_BATCH);
    assert_int_equal(s->obs.n, seen(&s->obs, OBS_FWD_SYMBOLIC) + fixed);
    assert_int_equal(fixed, rows[i].json == residual);
    end(s);
  }
}

#define SIZED(inputs, statements, more)                                                      \
  "{\"arch\": 1, \"modules\": {\"linear\": \"Linear(10, 2)\"}, \"forward(x)\": [" statements \
  "], \"inputs\": {\"x\": \"" inputs "\"}" more "}"

/* The pass on shapes alone for other sizes of the symbols. */
static void other_sizes_are_tried(void **state) {
  static const struct {
    const char *json;
    enum obs_kind kind; /* OBS_NONE: nothing is told */
    const char *words;
  } rows[] = {
      {SIZED("float32[B, 10]", "\"linear(x)\"", ""), OBS_FWD_SYMBOLIC, "float32[B, 2]"},
      {SIZED("float32[B, T, 10]", "\"linear(x)\"", ""), OBS_FWD_SYMBOLIC, "float32[B, T, 2]"},
      {SIZED("float32[B, T, 10]", "\"linear(x).flatten(1)\"", ""), OBS_FWD_SYMBOLIC, "float32[B, 2 * T]"},
      {SIZED("float32[B, T, 10]", "\"linear(x)[:, 1:]\"", ""), OBS_FWD_SYMBOLIC, "float32[B, T - 1, 2]"},
      {SIZED("float32[B, T, 10]", "\"linear(x).flatten(0, 1)\"", ""), OBS_FWD_SYMBOLIC,
       "float32[8, 2]"}, /* B * T */
      {SIZED("float32[B, 10]", "\"linear(x)\"", ", \"outputs\": {\"y\": \"float32[B, 2]\"}"), OBS_NONE, ""},
      {SIZED("float32[1, 10]", "\"linear(x.view(1, 10))\"", ""), OBS_NONE, ""}, /* no symbols */
      {SIZED("float32[B, 10]", "\"linear(x.view(1, 10))\"", ""), OBS_FWD_FIXED_BATCH,
       "B = 1, and not with B = 2"},
      {SIZED("float32[B, 10]", "\"linear(x).view(1, -1)\"", ", \"outputs\": {\"y\": \"float32[B, 2]\"}"),
       OBS_FWD_FIXED_BATCH, "expected float32[B, 2]"},
      {SIZED("float32[B, T, 10]", "\"linear(x.view(-1, 8, 10))\"", ""), OBS_FWD_FIXED_SIZE,
       "T = 8, and not with"},
      {SIZED("float32[B, 10]", "\"linear(x.view(2, 10))\"", ""), OBS_FWD_SHAPE,
       ""}, /* not even with one size */
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run_state *s = begin(rows[i].json, &plain);
    run(s);
    assert_int_equal(s->obs.n, rows[i].kind != OBS_NONE);
    struct span told = s->obs.n ? s->obs.list[0].detail : SPAN("");
    if (s->obs.n && (s->obs.list[0].kind != rows[i].kind ||
                     (rows[i].words[0] && !memmem(told.p, told.n, rows[i].words, strlen(rows[i].words)))))
      fail_msg("%s: kind %d, %.*s", rows[i].json, (int)s->obs.list[0].kind, (int)told.n,
               (const char *)told.p);
    end(s);
  }
}

static void all_outputs_are_kept(void **state) {
  (void)state;
  struct run_state *s = begin(RESIDUAL ", \"tests\": [{\"B\": 2, \"T\": 5, \"x\": \"rand(11)\"}]}", &plain);
  run(s);
  check_golden(s, 1, "residual_1");
  assert_true(span_is(result_span(s->result, s->result->outputs[1].name), "z"));
  const struct recorded *r = recording("residual_1");
  const struct result_output *o = &s->result->outputs[1];
  double min = (double)r->values[0], max = min, sum = 0;
  for (uint64_t i = 0; i < count(r); i++) {
    min = fmin(min, (double)r->values[i]);
    max = fmax(max, (double)r->values[i]);
    sum += (double)r->values[i];
  }
  assert_true(fabs(o->figures.min - min) < 1e-5 && fabs(o->figures.max - max) < 1e-5 &&
              fabs(o->figures.mean - sum / (double)count(r)) < 1e-5);
  end(s);
}

static void weights_of_every_layout_give_the_same(void **state) {
  (void)state;
  for (int layout = AS_F32; layout < LAYOUTS; layout++) {
    const struct setup how = {.layout = (enum layout)layout};
    struct run_state *s = begin(CNN ", \"tests\": [{\"B\": 1, \"x\": \"rand(0)\"}]}", &how);
    run(s);
    check_golden(s, 0, "simple_cnn_0");
    end(s);
  }
}

/* torch 1.13 gave these numbers for x = [[1, -2, 3, -4]] and the formula's weights, in eval mode;
 * parametrizations.weight_norm came in 2.1 and is documented to be weight_norm under other keys. */
static void reparametrized_weights_are_computed(void **state) {
  (void)state;
  static const struct {
    const char *module, *y;
  } rows[] = {
      {"weight_norm(Linear(4, 3))", "-0.4522561, 0.5443529, 0.3586633"},
      {"parametrizations.weight_norm(Linear(4, 3))", "-0.4522561, 0.5443529, 0.3586633"},
      {"weight_norm(Linear(4, 3), dim=None)", "-0.284891, -0.1392816, 0.006327853"},
      {"spectral_norm(Linear(4, 3))", "23.12744, -63.22229, -53.84944"},
      {"parametrizations.spectral_norm(Linear(4, 3))", "23.12744, -63.22229, -53.84944"},
      {"prune(Linear(4, 3))", "-0.09448242, 0.07568359, 0.2370605"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[1024];
    snprintf(json, sizeof json,
             "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"%s\"}, \"forward(x)\": [\"a(x)\"], "
             "\"inputs\": {\"x\": "
             "\"float32[B, 4]\"}, \"outputs\": {\"y\": \"float32[B, 3]\"}, \"tests\": [{\"x\": [[1, -2, 3, "
             "-4]], \"y\": [[%s]]}]}",
             rows[i].module, rows[i].y);
    struct run_state *s = begin(json, &plain);
    run(s);
    if (s->obs.n) show(s);
    if (s->obs.n || s->result->outputs[0].golden != GOLDEN_VALUES) fail_msg("%s", rows[i].module);
    end(s);
  }
}

/* Buffers of every width, as they lie behind the element that is nobody's: the sum with them says what was
 * read. */
static void integers_of_every_width_are_read(void **state) {
  (void)state;
  static const struct {
    const char *name;
    enum dtype dtype;
    int64_t values[3];
  } rows[] = {
      {"int8", DTYPE_I8, {-128, 127, -1}},
      {"uint8", DTYPE_U8, {0, 255, 128}},
      {"int16", DTYPE_I16, {-32768, 32767, -1}},
      {"uint16", DTYPE_U16, {0, 65535, 32768}},
      {"int32", DTYPE_I32, {-65536, 65536, -1}},
      {"uint32", DTYPE_U32, {0, 16777216, 65536}},
      {"int64", DTYPE_I64, {-16777216, 16777216, -1}},
      {"bool", DTYPE_BOOL, {0, 1, 1}},
  };
  for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
    const bool turned = i >= ARRAY_LEN(rows);
    const size_t r = i % ARRAY_LEN(rows), size = dtype_size(rows[r].dtype);
    const int64_t *v = rows[r].values;
    char json[1024];
    snprintf(json, sizeof json,
             "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"b\": \"Buffer((3, 1), float64)\"}, "
             "\"forward(x)\": [\"x + b[:, 0]\"], "
             "\"inputs\": {\"x\": \"float32[B, 3]\"}, \"outputs\": {\"y\": \"float32[B, 3]\"}, \"tests\": "
             "[{\"x\": [[0, 0, 1]], "
             "\"y\": [[%lld, %lld, %lld]]}]}",
             (long long)v[0], (long long)v[1], (long long)v[2] + 1);
    struct run_state *s = begin(json, &(struct setup){.layout = AS_F64});
    s->tensors[0].dtype = s->storages[0].dtype = (uint8_t)rows[r].dtype;
    s->storages[0].bytes = 4 * size;
    s->storages[0].big_endian = turned;
    for (size_t k = 0; k < 3; k++)
      for (size_t byte = 0; byte < size; byte++)
        s->file[(k + 1) * size + (turned ? size - 1 - byte : byte)] =
            (uint8_t)((uint64_t)v[k] >> 8 * byte & 0xff);
    run(s);
    if (s->obs.n) show(s);
    if (s->obs.n || s->result->outputs[0].golden != GOLDEN_VALUES) fail_msg("%s", rows[r].name);
    end(s);
  }
}

/* ---- goldens ---- */

static void goldens_agree_or_say_how_they_differ(void **state) {
  (void)state;
  const char *json = LINEAR ", \"tests\": [{\"B\": 4, \"x\": \"rand(0)\", \"y\": {\"file\": \"y.npy\"}}]}";
  struct run_state *s = begin(json, &plain);
  struct forward_file file = {SPAN("y.npy"), npy_of(&s->arena, recording("linear_0"))};
  struct names needs;
  assert_true(forward_needs(&s->arch, &s->arena, &needs));
  assert_true(needs.n == 1 && span_is(needs.list[0], "y.npy"));
  s->request.files = &file;
  s->request.num_files = 1;
  run(s);
  assert_int_equal(s->obs.n, 0);
  assert_int_equal(s->result->outputs[0].golden, GOLDEN_VALUES);
  assert_true(s->result->outputs[0].agrees && s->result->outputs[0].max_abs < 1e-6);
  assert_true(s->result->outputs[0].rtol == 1e-4 && s->result->outputs[0].atol == 1e-5);
  end(s);

  s = begin(json, &plain); /* not given: answered, not passed over */
  run(s);
  check_observed(s, OBS_FWD_FILE_UNREADABLE, "y.npy", "can be opened");
  assert_int_equal(s->result->tests[0].status, RESULT_REFUSED);
  end(s);
}

static void goldens_that_differ_are_found(void **state) {
  (void)state;
  static const struct {
    const char *expect;
    enum obs_kind kind;
    const char *detail;
  } rows[] = {
      {"{\"B\": 1, \"x\": \"ones\", \"y\": [[1, 2]]}", OBS_FWD_DRIFT,
       "2 of 2 values are outside atol 1e-05 + rtol 0.0001; worst at [0, 1]"},
      {"{\"B\": 1, \"x\": \"ones\", \"y\": [1, 2]}", OBS_FWD_GOLDEN_SHAPE, "[2], the output is [1, 2]"},
      {"{\"B\": 2, \"x\": \"ones\", \"y\": [[1, 2]]}", OBS_FWD_GOLDEN_SHAPE, "[1, 2], the output is [2, 2]"},
      {"{\"B\": 2, \"x\": \"ones\", \"y\": {\"argmax\": [0, 1]}}", OBS_FWD_ARGMAX, "1 of 2 rows agree"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[2048];
    snprintf(json, sizeof json, "%s, \"tests\": [%s]}", LINEAR, rows[i].expect);
    struct run_state *s = begin(json, &plain);
    run(s);
    check_observed(s, rows[i].kind, "y", rows[i].detail);
    assert_int_equal(s->result->tests[0].status, RESULT_COMPUTED);
    assert_false(s->result->outputs[0].agrees);
    end(s);
  }
}

/* ---- the user's files ---- */

static void files_of_the_user_set_symbols_and_goldens(void **state) {
  (void)state;
  struct run_state *s = begin(LINEAR "}", &plain);
  static float zeros[30];
  const struct recorded x = {"x", 2, {3, 10}, zeros};
  struct forward_file files[] = {{SPAN("X.npy"), npy_of(&s->arena, &x)},
                                 {SPAN("Y.npy"), npy_of(&s->arena, recording("linear_0"))}};
  const struct forward_choice in = {.file = SPAN("X.npy")}, out = {SPAN("y"), SPAN("Y.npy")};
  s->request.files = files;
  s->request.num_files = 2;
  s->request.inputs = &in;
  s->request.expects = &out;
  s->request.num_inputs = s->request.num_expects = 1;
  run(s);
  check_observed(s, OBS_FWD_GOLDEN_SHAPE, "y", "[4, 2], the output is [3, 2]"); /* B = 3, from the file */
  assert_false(s->result->tests[0].generated);
  end(s);
}

static void contradicting_inputs_are_answered_before_anything_runs(void **state) {
  (void)state;
  static float zeros[3 * 32 * 32];
  static const struct {
    struct recorded x;
    const char *name;
    enum obs_kind kind;
    const char *subject, *detail;
  } rows[] = {
      {{"x", 4, {1, 3, 32, 32}, zeros},
       "x",
       OBS_FWD_INPUT_SHAPE,
       "x",
       "expected float32[B, 3, 28, 28], found float32[1, 3, 32, 32]"},
      {{"x", 3, {3, 28, 28}, zeros},
       "x",
       OBS_FWD_INPUT_BATCH,
       "x",
       "expected float32[B, 3, 28, 28], found float32[3, 28, 28]"},
      {{"x", 3, {3, 32, 32}, zeros}, "x", OBS_FWD_INPUT_SHAPE, "x", "found float32[3, 32, 32]"},
      {{"x", 1, {5}, zeros}, "image", OBS_FWD_INPUT_UNKNOWN, "image", "no input of this name"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run_state *s = begin(CNN "}", &plain);
    struct forward_file file = {SPAN("X.npy"), npy_of(&s->arena, &rows[i].x)};
    const struct forward_choice in = {span_str(rows[i].name), SPAN("X.npy")};
    s->request.files = &file;
    s->request.inputs = &in;
    s->request.num_inputs = s->request.num_files = 1;
    run(s);
    check_observed(s, rows[i].kind, rows[i].subject, rows[i].detail);
    assert_int_equal(s->obs.n, 1);
    assert_int_equal(s->result->tests[0].status, RESULT_REFUSED);
    assert_int_equal(s->result->tests[0].cost, 0);
    end(s);
  }
}

static void inline_inputs_are_checked_too(void **state) {
  (void)state;
  static const struct {
    const char *inputs, *test;
    enum obs_kind kind;
    const char *detail;
  } rows[] = {
      {"\"int64[B, T] < 9\"", "{\"x\": [[0, 8], [3, 9]]}", OBS_FWD_INPUT_BOUND, "expected 0 to 8, found 9"},
      {"\"int64[B, T] < 9\"", "{\"x\": [[0, -1]]}", OBS_FWD_INPUT_BOUND, "found -1"},
      {"\"int64[B, T] < 9\"", "{\"B\": 2, \"T\": 5, \"x\": \"arange\"}", OBS_FWD_INPUT_BOUND, "found 9"},
      {"\"int64[B, T] < 9\"", "{\"x\": [[0, 1.5]]}", OBS_FWD_INPUT_DTYPE, "expected int64[B, T]"},
      {"\"int64[B, T] < 9\"", "{\"B\": 3, \"x\": [[0, 1]]}", OBS_FWD_INPUT_SHAPE, "with B = 3, found [1, 2]"},
      {"\"int64[B, T] < 9\"", "{\"B\": 1, \"T\": 1, \"x\": \"rand(1)\"}", OBS_FWD_INPUT_VALUES,
       "rand(seed) makes floats"},
      {"\"int64[B, T]\"", "{\"B\": 1, \"T\": 1, \"x\": \"randint(1)\"}", OBS_FWD_INPUT_VALUES,
       "with a bound"},
      {"\"float32[B, T]\"", "{\"B\": 1, \"T\": 1, \"x\": \"randint(1)\"}", OBS_FWD_INPUT_VALUES,
       "with a bound"},
      {"\"bool[B, T]\"", "{\"B\": 1, \"T\": 1, \"x\": \"arange\"}", OBS_FWD_INPUT_VALUES, "bool is declared"},
      {"\"int64[B, T] < 1\"", "{\"B\": 1, \"T\": 1, \"x\": \"ones\"}", OBS_FWD_INPUT_BOUND,
       "expected 0 to 0, found 1"},
      {"\"int64[B, T] < B - 1\"", "{\"B\": 1, \"T\": 1, \"x\": \"zeros\"}", OBS_FWD_INPUT_VALUES,
       "the declared bound is 0"},
      {"\"complex64[B, T]\"", "{\"B\": 1, \"T\": 1, \"x\": \"ones\"}", OBS_FWD_UNSUPPORTED,
       "inputs of complex64 are not supported"},
      {"\"float32[B * 4294967296, T * 4294967296]\"",
       "{\"B\": 2147483647, \"T\": 2147483647, \"x\": \"ones\"}", OBS_FWD_INPUT_VALUES, "too many elements"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[2048];
    snprintf(
        json, sizeof json,
        "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"w\": \"Parameter(2)\"}, \"forward(x)\": [\"x + 1\"],"
        "\"inputs\": {\"x\": %s}, \"tests\": [%s]}",
        rows[i].inputs, rows[i].test);
    struct run_state *s = begin(json, &plain);
    run(s);
    check_observed(s, rows[i].kind, "x", rows[i].detail);
    end(s);
  }
}

/* The generators, as doc/architecture-files.md names them: w is one number, and so is y. */
static void inputs_are_made_as_declared(void **state) {
  (void)state;
  static const struct {
    const char *type, *made, *forward, *y;
  } rows[] = {
      {"int64[B]", "arange", "x + 1", "[1, 2, 3]"},
      {"int64[B]", "ones", "x + 1", "[2, 2, 2]"},
      {"uint8[B]", "zeros", "x + 1", "[1, 1, 1]"},
      {"int64[B] < 1", "randint(7)", "x + 1", "[1, 1, 1]"},
      {"float32[B]", "arange", "x + 0.5", "[0.5, 1.5, 2.5]"},
      {"float[B]", "arange", "x + 0.5", "[0.5, 1.5, 2.5]"},
      {"bool[B]", "ones", "x * 3", "[3, 3, 3]"},
      {"bool[B]", "zeros", "x * 3", "[0, 0, 0]"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[1024];
    snprintf(json, sizeof json,
             "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"w\": \"Parameter(2)\"}, \"forward(x)\": "
             "[\"%s\"], \"inputs\": {\"x\": "
             "\"%s\"}, \"outputs\": {\"y\": \"%s[B]\"}, \"tests\": [{\"B\": 3, \"x\": \"%s\", \"y\": %s}]}",
             rows[i].forward, rows[i].type, strchr(rows[i].y, '.') ? "float32" : "int64", rows[i].made,
             rows[i].y);
    struct run_state *s = begin(json, &plain);
    run(s);
    if (s->obs.n) show(s);
    if (s->obs.n || s->result->outputs[0].golden != GOLDEN_VALUES)
      fail_msg("%s of %s", rows[i].made, rows[i].type);
    end(s);
  }
}

static void what_the_user_leaves_out_is_said(void **state) {
  (void)state;
  static float zeros[4];
  static const char json[] =
      "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"w\": \"Parameter(2)\"}, \"forward(x, m)\": [\"x + "
      "m\"], "
      "\"inputs\": {\"x\": \"float32[B]\", \"m\": \"float32[B]\"}}";
  const struct recorded x = {"x", 1, {4}, zeros};
  struct run_state *s = begin(json, &plain);
  struct forward_file file = {SPAN("X.npy"), npy_of(&s->arena, &x)};
  const struct forward_choice in = {SPAN("x"), SPAN("X.npy")};
  s->request.files = &file;
  s->request.inputs = &in;
  s->request.num_inputs = s->request.num_files = 1;
  run(s);
  check_observed(s, OBS_FWD_INPUT_MISSING, "m", "float32[B] is declared and was not given");
  end(s);
  s = begin(
      "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"w\": \"Parameter(2)\"}, \"forward(x)\": [\"x + 1\"], "
      "\"inputs\": {\"x\": "
      "\"float32[B]\", \"m\": \"float32[B]\"}}",
      &plain);
  file.bytes = npy_of(&s->arena, &x);
  s->request.files = &file;
  s->request.inputs = &in;
  s->request.num_inputs = s->request.num_files = 1;
  run(s); /* m is declared, and the forward does without */
  assert_int_equal(seen(&s->obs, OBS_FWD_INPUT_MISSING), 0);
  assert_int_equal(s->result->tests[0].status, RESULT_COMPUTED);
  end(s);
}

static void an_expectation_of_no_output_is_said(void **state) {
  (void)state;
  static const struct {
    const char *name, *subject, *detail;
  } rows[] = {{"z", "z", "no output of this name"}, {"", "Y.npy", "which output is it?"}};
  static float zeros[3];
  const struct recorded y = {"y", 1, {3}, zeros};
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run_state *s = begin(
        "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"w\": \"Parameter(2)\"}, \"forward(x)\": [\"x + 1, "
        "x\"], "
        "\"inputs\": {\"x\": \"float32[B]\"}, \"outputs\": {\"a\": \"float32[B]\", \"b\": \"float32[B]\"}}",
        &plain);
    struct forward_file file = {SPAN("Y.npy"), npy_of(&s->arena, &y)};
    const struct forward_choice out = {span_str(rows[i].name), SPAN("Y.npy")};
    s->request.files = &file;
    s->request.expects = &out;
    s->request.num_expects = s->request.num_files = 1;
    run(s);
    check_observed(s, OBS_FWD_EXPECT_UNKNOWN, rows[i].subject, rows[i].detail);
    end(s);
  }
}

/* ---- what can't be computed is said, with its place ---- */

#define ADD "\"b\": {\"forward(x, y)\": [\"x + y\"]}"

static void unknown_operations_are_not_checked(void **state) {
  (void)state;
  static const struct {
    const char *modules, *forward;
    enum obs_kind kind;
    const char *subject, *detail;
  } rows[] = {
      {"\"a\": \"Linear(4, 4)\"", "\"x = a(x)\", \"frobnicate(x, 1)\"", OBS_FWD_UNKNOWN_OP,
       "M: `frobnicate(x, 1)` (line 1", "frobnicate"},
      {"\"a\": \"Linear(4, 4)\"", "\"a(x)[:, 0, 0]\"", OBS_FWD_SHAPE, "`a(x)[:, 0, 0]`", "too many indices"},
      {"\"a\": \"Linear(4, 4)\"", "\"y = x[:, :2]\", \"y.relu_()\", \"x + 1\"", OBS_FWD_ARGUMENT, "`x + 1`",
       "changed in place"},
      {"\"a\": \"Linear(4, 4)\"", "\"y = x[:, :2]\", \"x.relu_()\", \"y + 1\"", OBS_FWD_ARGUMENT, "`y + 1`",
       "changed in place"},
      {"\"a\": \"LSTM(4, 3)\"", "\"y, h, c, d = a(x)\", \"y\"", OBS_FWD_EXPRESSION, "M: `y, h, c, d = a(x)`",
       "4 names for 2 values"},
      {"\"a\": \"LSTM(4, 3)\"", "\"a(x, x)\"", OBS_FWD_ARGUMENT, "M: `a(x, x)`", "a pair"},
      {"\"a\": \"LSTM(5, 3)\"", "\"a(x)\"", OBS_FWD_SHAPE, "M: `a(x)`", "does not end in 5"},
      {"\"a\": \"MultiheadAttention(8, 2)\"", "\"a(x, x, x)\"", OBS_FWD_SHAPE, "a: `a(x, x, x)`",
       "linear: input [1, 1, 4]"},
      {"\"a\": \"Linear(4, 4)\"", "\"a(x)[x]\"", OBS_FWD_SHAPE, "`a(x)[x]`",
       "an index must be int64, it is float32"},
      {"\"a\": \"Linear(4, 4)\"", "\"a(x).split(3, 2)\"", OBS_FWD_SHAPE, "`a(x).split(3, 2)`",
       "split: dimension 2"},
      {"\"a\": \"Linear(4, 4)\"", "\"a(x) in x\"", OBS_FWD_UNKNOWN_OP, "`a(x) in x`", "in"},
      {"\"a\": \"ParametrizationList()\"", "\"a(x)\"", OBS_FWD_UNKNOWN_MODULE, "M: `a(x)`",
       "ParametrizationList"},
      {"\"a\": \"FractionalMaxPool2d(2, 3)\"", "\"a(ones(1, 2, 6, 6))\"", OBS_FWD_UNSUPPORTED, "M: `a(ones(",
       "drawn at random"},
      {"\"a\": \"Linear(4, 4)\"", "\"dropout(x, 0.5, True)\"", OBS_FWD_UNSUPPORTED, "M: `dropout(",
       "training=True"},
      {"\"a\": \"Linear(3, 4)\"", "\"a(x)\"", OBS_FWD_SHAPE, "M: `a(x)`",
       "linear: input [1, 4] does not end in 3, as weight [4, 3] wants"},
      {"\"a\": \"Linear(4, 4)\"", "\"a(x) + b\"", OBS_FWD_EXPRESSION, "M: `a(x) + b`", "'b': unknown name"},
      {"\"a\": \"Linear(4, 4)\"", "\"a(x, 2)\"", OBS_FWD_ARGUMENT, "M: `a(x, 2)`", "1 input"},
      {"\"a\": \"Linear(4, 4)\"", "\"relu(x, y=3)\"", OBS_FWD_ARGUMENT, "M: `relu(x, y=3)`",
       "relu has no argument"},
      {"\"a\": \"Linear(4, 4)\"", "\"x if x else a(x)\"", OBS_FWD_UNSUPPORTED,
       "M:", "a condition on the numbers"},
      {"\"a\": \"None\"", "\"a(x)\"", OBS_FWD_EXPRESSION, "M: `a(x)`", "None here"},
      {"\"g.a\": \"Linear(4, 4)\"", "\"g(x)\"", OBS_FWD_EXPRESSION, "M: `g(x)`", "can't be called"},
      {"\"a\": \"Linear(4, 4)\"", "\"y, z = a(x)\", \"y\"", OBS_FWD_EXPRESSION, "M: `y, z = a(x)`",
       "2 names for 0 values"},
      {"\"a\": \"Linear(4, 4)\"", "\"size(x, 2)\"", OBS_FWD_SHAPE, "M: `size(x, 2)`", "no such dimension"},
      {"\"a\": \"Linear(4, 4)\"", "\"x.shape\"", OBS_FWD_EXPRESSION, "M: `x.shape`", "neither a tensor nor"},
      {ADD, "\"b(x)\"", OBS_FWD_ARGUMENT, "M: `b(x)`", "forward of Module needs argument 'y'"},
      {ADD, "\"b(x, x, x)\"", OBS_FWD_ARGUMENT, "M: `b(x, x, x)`", "too many arguments"},
      {ADD, "\"b(x, x=x)\"", OBS_FWD_ARGUMENT, "M: `b(x, x=x)`", "given twice"},
      {ADD, "\"b(x, y=x, z=x)\"", OBS_FWD_ARGUMENT, "M: `b(x, y=x, z=x)`", "no argument of the name given"},
      {ADD, "\"y = x[:, :2]\", \"x.relu_()\", \"y\"", OBS_FWD_UNSUPPORTED, "M", "changed in place"},
      {ADD, "\"y = view(x, -1, 1, 1, 2, 2)\", \"i = arange(0, 1, 1)\", \"y[i, i, i, i, i]\"",
       OBS_FWD_UNSUPPORTED, "M: `y[i, i, i, i, i]`", "more than 4 tensors as indices"},
      {ADD, "\"rope(x[0], 100.0)\"", OBS_FWD_SHAPE, "M: `rope(x[0], 100.0)`",
       "rope: x is [..., length, width]"},
      {ADD, "\"rope(x, scaling=3)\"", OBS_FWD_ARGUMENT, "M: `rope(x, scaling=3)`", "neither None nor a dict"},
      {ADD, "\"m = b\", \"x\"", OBS_FWD_EXPRESSION, "M: `m = b`", "a module can't be assigned"},
      {ADD, "\"b.zz(x)\"", OBS_FWD_EXPRESSION, "M: `b.zz(x)`", "no child of this name"},
      {ADD, "\"(x, x).foo\"", OBS_FWD_EXPRESSION, "M: `(x, x).foo`", "a tuple has no attributes"},
      {ADD, "\"x * max(1, y=2)\"", OBS_FWD_ARGUMENT, "M: `x * max(1, y=2)`", "takes no keywords"},
      {ADD, "\"x * max(1, 'a')\"", OBS_FWD_EXPRESSION, "M: `x * max(1, 'a')`", ""},
      {ADD, "\"x + (1 + 'a')\"", OBS_FWD_EXPRESSION, "M: `x + (1 + 'a')`", ""},
      {ADD, "\"(x, x)[5]\"", OBS_FWD_EXPRESSION, "M: `(x, x)[5]`", "no such item"},
      {ADD, "\"(x, x)[x]\"", OBS_FWD_EXPRESSION, "M: `(x, x)[x]`", "no such item"},
      {ADD, "\"(x, x)[...]\"", OBS_FWD_EXPRESSION, "M: `(x, x)[...]`", "for tensors"},
      {ADD, "\"x * (1, 2)[x]\"", OBS_FWD_EXPRESSION, "M: `x * (1, 2)[x]`", "a tensor as an index"},
      {ADD, "\"x * (1, 2)[5]\"", OBS_FWD_EXPRESSION, "M: `x * (1, 2)[5]`", ""},
      {ADD, "\"x[0:1.5]\"", OBS_FWD_EXPRESSION, "M: `x[0:1.5]`", "no integer"},
      {ADD, "\"x + 3[0:1]\"", OBS_FWD_EXPRESSION, "M: `x + 3[0:1]`", "a list or a tuple"},
      {ADD, "\"y = 3\", \"y.add_(x)\", \"x\"", OBS_FWD_ARGUMENT, "M: `y.add_(x)`", "only a tensor"},
      {ADD, "\"y = x > 0\", \"y.add_(x)\", \"y\"", OBS_FWD_SHAPE, "M: `y.add_(x)`",
       "add_: the result is float32"},
      {"\"a\": \"LSTM(4, 3)\"", "\"a(x[None, None])\"", OBS_FWD_SHAPE, "M: `a(x[None, None])`",
       "2 or 3 dimensions"},
      {"\"a\": \"GRU(4, 0)\"", "\"a(x)\"", OBS_FWD_SHAPE, "M: `a(x)`", "no size"},
      {"\"a\": \"Sequential(ReLU())\"", "\"a[1](x)\"", OBS_FWD_EXPRESSION, "M: `a[1](x)`",
       "no child of this index"},
      {"\"a\": \"Sequential(ReLU())\"", "\"a[-2](x)\"", OBS_FWD_EXPRESSION, "M: `a[-2](x)`",
       "no child of this index"},
      {ADD, "\"view(x, (1,) * 17)\"", OBS_FWD_UNSUPPORTED, "M: `view(x, (1,) * 17)`",
       "a view of 17 dimensions"},
      {ADD, "\"unflatten(x, 1, (1,) * 17)\"", OBS_FWD_UNSUPPORTED, "M: `unflatten(",
       "more than 16 dimensions"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[2048];
    snprintf(json, sizeof json,
             "{\"arch\": 1, \"name\": \"M\", \"modules\": {%s}, \"forward(x)\": [%s], \"inputs\": {\"x\": "
             "\"float32[B, 4]\"}}",
             rows[i].modules, rows[i].forward);
    struct run_state *s = begin(json, &plain);
    run(s);
    check_observed(s, rows[i].kind, rows[i].subject, rows[i].detail);
    assert_int_equal(s->obs.n, 1);
    assert_int_equal(s->result->tests[0].status, RESULT_REFUSED);
    end(s);
  }
}

/* Of x = [[1, -2, 3, -4]]: what torch computes of such statements is plain from them. */
static void statements_compute_what_they_say(void **state) {
  (void)state;
  static const struct {
    const char *modules, *forward, *y;
  } rows[] = {
      {ADD, "\"b(x, y=x) * x.numel()\"", "8, -16, 24, -32"},
      {ADD, "\"view(view(x.data, shape=-1), -1, 4)\"", "1, -2, 3, -4"},
      {ADD, "\"hstack((x, x))[:, 2:6]\"", "3, -4, 1, -2"},
      {"\"b\": {\"let\": {\"r\": \"arange(0, 8, 2)\"}, \"forward(x)\": [\"x + r\"]}", "\"b(x)\"",
       "1, 0, 7, 2"},
      {ADD, "\"self.b(x, x) + len(x)\"", "3, -3, 7, -7"},
      {ADD, "\"x + arange(0, 8, 2)\"", "1, 0, 7, 2"},
      {ADD, "\"x * 2 if (x, x) else x\"", "2, -4, 6, -8"},
      {ADD, "\"view(view(x, -1), -1, 4)\"", "1, -2, 3, -4"},
      {ADD, "\"y = x * 1\", \"y.relu_()\", \"y.add_(1)\", \"y\"", "2, 1, 4, 1"},
      {ADD, "\"x[:, (3, 2, 1, 0)]\"", "-4, 3, -2, 1"},
      {ADD, "\"(x, -x, x * 0)[1:][0]\"", "-1, 2, -3, 4"},
      {ADD, "\"x + (1, 2, 3)[-1]\"", "4, 1, 6, -1"},
      {ADD, "\"x * (None if x.ndim == 3 else 2)\"", "2, -4, 6, -8"},
      {"\"a\": \"Sequential(ReLU(), Tanh())\"", "\"a[0](x)\"", "1, 0, 3, 0"},
      {"\"a\": \"Sequential(Tanh(), ReLU())\"", "\"a[-1](x)\"", "1, 0, 3, 0"},
      {"\"a.{i < 3}\": \"ReLU()\"", "\"a[-3](x)\"", "1, 0, 3, 0"},
      {ADD, "\"y, i = max_pool1d(x[None], 2, return_indices=True)\", \"cat((y[0], i[0] * 1.0), 1)\"",
       "1, 3, 0, 2"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[1024];
    snprintf(
        json, sizeof json,
        "{\"arch\": 1, \"name\": \"M\", \"modules\": {%s}, \"forward(x)\": [%s], \"inputs\": {\"x\": "
        "\"float32[B, 4]\"}, "
        "\"outputs\": {\"y\": \"float32[B, 4]\"}, \"tests\": [{\"x\": [[1, -2, 3, -4]], \"y\": [[%s]]}]}",
        rows[i].modules, rows[i].forward, rows[i].y);
    struct run_state *s = begin(json, &plain);
    run(s);
    if (s->obs.n) show(s);
    if (s->obs.n || s->result->outputs[0].golden != GOLDEN_VALUES) fail_msg("%s", rows[i].forward);
    end(s);
  }
}

/* What stands beside the output of a layer is there when it is asked for, and else in nobody's way. */
static void outputs_have_something_beside_them(void **state) {
  (void)state;
  static const char *const forwards[] = {
      "\"y, h, c = a(x)\", \"y + 0 * h[0]\"", "\"y, _ = a(x)\", \"y * 1\"", "\"a(x) * 1\"", "\"a(x)[0] * 1\"",
      "\"y = a(x)\", \"relu(y) - relu(-y)\"", "\"a(x)[:, :] * 1\""};
  for (size_t i = 0; i < ARRAY_LEN(forwards); i++) {
    char json[512];
    snprintf(json, sizeof json,
             "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"LSTM(4, 3)\"}, \"forward(x)\": [%s], "
             "\"inputs\": "
             "{\"x\": \"float32[B, 4]\"}, \"outputs\": {\"y\": \"float32[B, 3]\"}}",
             forwards[i]);
    struct run_state *s = begin(json, &plain);
    run(s);
    show(s);
    assert_int_equal(s->obs.n, 0);
    assert_int_equal(s->result->tests[0].status, RESULT_COMPUTED);
    end(s);
  }
}

static void missing_weights_and_missing_forwards_are_said(void **state) {
  (void)state;
  struct run_state *s = begin(LINEAR "}", &plain);
  s->tensor_of_key[1] = MATCH_NO_TENSOR;
  run(s);
  check_observed(s, OBS_FWD_WEIGHT_MISSING, "SimpleLinearModel: `linear(x)`", "linear.bias");
  end(s);
  s = begin(
      "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"Linear(4, 4)\"}, \"inputs\": {\"x\": "
      "\"float32[B, 4]\"}}",
      &plain);
  run(s);
  check_observed(s, OBS_FWD_NO_FORWARD, "M", "");
  end(s);
  s = begin(
      "{\"arch\": 1, \"name\": \"M\", \"blocks\": {\"Named()\": {\"modules\": {\"0\": \"Linear(4, 4)\", "
      "\"last\": \"ReLU()\"}}}, \"modules\": {\"a\": \"Named()\"}, \"forward(x)\": [\"a(x)\"], \"inputs\": "
      "{\"x\": \"float32[B, 4]\"}}",
      &plain);
  run(s);
  check_observed(s, OBS_FWD_NO_FORWARD, "M: `a(x)`", "");
  end(s);
  s = begin(LINEAR "}", &plain);
  s->tensors[0].flags |= PLAN_UNPROVED;
  run(s);
  check_observed(s, OBS_FWD_WEIGHT_UNREADABLE, "SimpleLinearModel",
                 "'linear.weight': its place in the file is not proved");
  end(s);
  s = begin(LINEAR "}", &plain);
  s->tensors[0].offset = 2; /* one element behind the end of its storage: never read, whoever claims it */
  run(s);
  assert_int_equal(seen(&s->obs, OBS_FWD_WEIGHT_UNREADABLE), 1);
  end(s);
  s = begin(LINEAR "}", &plain);
  const struct gemm none = {.error = "not here"};
  s->request.gemm = &none;
  run(s);
  check_observed(s, OBS_FWD_NO_BLAS, "", "not here");
  end(s);
}

static void outputs_are_what_is_declared(void **state) {
  (void)state;
  static const struct {
    const char *outputs;
    enum obs_kind kind;
    const char *detail;
  } rows[] = {
      {"{\"y\": \"float32[B, 3]\"}", OBS_FWD_OUTPUT_SHAPE, "expected float32[B, 3], found float32[1, 2]"},
      {"{\"y\": \"int64[B, 2]\"}", OBS_FWD_OUTPUT_SHAPE, "expected int64[B, 2], found float32[1, 2]"},
      {"{\"y\": \"float32[B, 2]\", \"z\": \"float32[B, 2]\"}", OBS_FWD_OUTPUT_COUNT, ""},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    char json[2048];
    snprintf(
        json, sizeof json,
        "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"Linear(4, 2)\"}, \"forward(x)\": [\"a(x)\"],"
        "\"inputs\": {\"x\": \"float32[B, 4]\"}, \"outputs\": %s}",
        rows[i].outputs);
    struct run_state *s = begin(json, &plain);
    run(s);
    check_observed(s, rows[i].kind, "", rows[i].detail);
    end(s);
  }
}

static void the_first_nonfinite_statement_is_named(void **state) {
  (void)state;
  const char *json =
      "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"Linear(4, 2)\"},"
      "\"forward(x)\": [\"y = a(x)\", \"z = y / 0\", \"z - z\"], \"inputs\": {\"x\": \"float32[B, 4]\"}}";
  struct run_state *s = begin(json, &plain);
  run(s);
  check_observed(s, OBS_FWD_NONFINITE, "output", "M: `z = y / 0` (line 1");
  assert_int_equal(first_of(&s->obs, OBS_FWD_NONFINITE)->got, 2);
  assert_int_equal(s->result->outputs[0].figures.nonfinite, 2);
  assert_true(s->result->tests[0].nonfinite_place.n > 0);
  end(s);
}

static void an_output_that_no_input_reaches_is_constant(void **state) {
  (void)state;
  struct run_state *s = begin(
      "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"p\": \"Parameter(3)\"},"
      "\"forward(x)\": [\"p * 2, x, p\"], \"inputs\": {\"x\": \"float32[B]\"}}",
      &plain);
  run(s);
  assert_int_equal(seen(&s->obs, OBS_FWD_CONSTANT), 2);
  assert_true(!s->result->outputs[0].varies && s->result->outputs[1].varies && !s->result->outputs[2].varies);
  float first;
  memcpy(&first, result_data(s->result, &s->result->outputs[2].array).p, sizeof first);
  assert_true(first == formula(0, 1));
  end(s);
}

/* ---- limits ---- */

static void costs_are_known_before_anything_runs(void **state) {
  (void)state;
  struct run_state *s = begin(CNN "}", &plain);
  s->max.forward_flops = 100;
  run(s);
  assert_int_equal(seen(&s->obs, OBS_FWD_FLOPS), 1);
  /* conv 2*27 for each of 16*28*28, relu, pool 4 for each of 16*14*14, fc 2*3136 for each of 10, and the
   * input */
  assert_int_equal(s->result->tests[0].cost, 54 * 12544 + 12544 + 4 * 3136 + 62720 + 2352);
  assert_int_equal(s->result->tests[0].peak_bytes, 0);
  end(s);
  s = begin(CNN "}", &plain);
  s->max.forward_free = 100;
  s->request.asked = false;
  run(s);
  assert_int_equal(s->result->tests[0].status, RESULT_TOO_COSTLY);
  assert_int_equal(s->obs.n, 0);
  end(s);
  s = begin(CNN "}", &plain);
  s->max.forward_bytes =
      100000; /* the convolution's input and output alone are 59,584 bytes, with the relu's 100,352 */
  run(s);
  assert_int_equal(seen(&s->obs, OBS_FWD_MEMORY), 1);
  assert_int_equal(s->result->tests[0].status, RESULT_REFUSED);
  end(s);
}

static void activations_are_freed_after_their_last_use(void **state) {
  (void)state;
  static char json[8192];
  size_t n = (size_t)snprintf(
      json, sizeof json,
      "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"Linear(64, 64)\"}, \"forward(x)\": [");
  for (int i = 0; i < 200; i++) n += (size_t)snprintf(json + n, sizeof json - n, "\"x = relu(a(x))\", ");
  snprintf(json + n, sizeof json - n,
           "\"x\"], \"inputs\": {\"x\": \"float32[B, 64]\"}, \"tests\": [{\"B\": 1000, \"x\": \"ones\"}]}");
  struct run_state *s = begin(json, &plain);
  run(s);
  assert_int_equal(s->result->tests[0].status, RESULT_COMPUTED);
  assert_true(s->result->tests[0].peak_bytes < 3 * 64 * 1000 * 4); /* two activations at a time, not 400 */
  end(s);
}

/* 2^30 calls from 31 short blocks: ends by the budget, quickly. */
static void blocks_that_multiply_end_by_the_budget(void **state) {
  (void)state;
  static char json[16384];
  size_t n = (size_t)snprintf(
      json, sizeof json,
      "{\"arch\": 1, \"name\": \"M\", \"blocks\": {\"L0()\": {\"modules\": {}, \"forward(x)\": [\"x + 1\"]}");
  for (int i = 1; i < 30; i++)
    n += (size_t)snprintf(json + n, sizeof json - n,
                          ", \"L%d()\": {\"modules\": {\"k\": \"L%d()\"}, \"forward(x)\": [\"k(k(x))\"]}", i,
                          i - 1);
  snprintf(
      json + n, sizeof json - n,
      "}, \"modules\": {\"k\": \"L29()\"}, \"forward(x)\": [\"k(x)\"], \"inputs\": {\"x\": \"float32[B]\"}}");
  struct run_state *s = begin(json, &plain);
  clock_t from = clock();
  run(s);
  assert_true(clock() - from < 5 * CLOCKS_PER_SEC);
  assert_true(seen(&s->obs, OBS_FWD_STEPS) + seen(&s->obs, OBS_LIMIT_MEMORY) == 1);
  end(s);
}

/* ---- the result's region ---- */

static void check_inside(struct span s, const uint8_t *region, size_t size) {
  if (s.n) assert_true(s.p >= region && s.p + s.n <= region + size);
}

/* Whatever was taken lies inside the region. */
static void check_result_inside(const struct result *r, size_t size) {
  const uint8_t *region = (const uint8_t *)r;
  check_inside(result_span(r, r->recorded_by), region, size);
  for (uint32_t i = 0; i < r->num_outputs; i++) {
    check_inside(result_data(r, &r->outputs[i].array), region, size);
    check_inside(result_span(r, r->outputs[i].name), region, size);
  }
  for (uint32_t i = 0; i < r->num_inputs; i++) {
    check_inside(result_data(r, &r->inputs[i].array), region, size);
    check_inside(result_span(r, r->inputs[i].name), region, size);
  }
  for (uint32_t i = 0; i < r->num_symbols; i++)
    check_inside(result_span(r, r->symbols[i].name), region, size);
  for (uint32_t i = 0; i < r->num_steps; i++) check_inside(result_span(r, r->steps[i].place), region, size);
  for (uint32_t i = 0; i < r->num_tests; i++) {
    const struct result_test *t = &r->tests[i];
    assert_true(t->first_output + t->num_outputs <= r->num_outputs &&
                t->first_input + t->num_inputs <= r->num_inputs &&
                t->first_step + t->num_steps <= r->num_steps &&
                t->first_symbol + t->num_symbols <= r->num_symbols);
  }
}

static void the_broker_believes_no_result(void **state) {
  (void)state;
  struct run_state *s = begin(
      RESIDUAL ", \"tests\": [{\"B\": 2, \"T\": 1, \"x\": [[[1, 2, 3, 4, 5, 6]], [[7, 8, 9, 10, 11, 12]]]}]}",
      &plain);
  static const struct {
    size_t from, bytes;
  } parts[] = {{0, offsetof(struct result, tests)},
               {offsetof(struct result, tests), sizeof(struct result_test)},
               {offsetof(struct result, outputs), 2 * sizeof(struct result_output)},
               {offsetof(struct result, inputs), sizeof(struct result_input)},
               {offsetof(struct result, symbols), 2 * sizeof(struct result_symbol)},
               {offsetof(struct result, steps), 2 * sizeof(struct result_step)}};
  s->request.record = s->request.trace = true;
  run(s);
  if (s->result->num_steps <= 2) show(s);
  assert_true(s->result->num_inputs == 1 && s->result->num_symbols == 2 && s->result->num_steps > 2);
  const char *why;
  uint8_t *copy = malloc(s->writer.used);
  assert_non_null(copy);
  memcpy(copy, s->region, s->writer.used);
  for (size_t part = 0; part < ARRAY_LEN(parts); part++)
    for (size_t bit = parts[part].from * 8; bit < (parts[part].from + parts[part].bytes) * 8; bit++) {
      const uint8_t mask = (uint8_t)(1U << (bit % 8));
      copy[bit / 8] ^= mask;
      const struct result *r = result_open(copy, s->writer.used, &why);
      if (r) check_result_inside(r, s->writer.used);
      copy[bit / 8] ^= mask;
    }
  assert_null(result_open(copy, sizeof(struct result) - 1, &why));
  free(copy);
  end(s);
}

/* ---- what is kept for `record` and for -v ---- */

static void what_a_test_was_is_kept(void **state) {
  (void)state;
  struct run_state *s = begin(LINEAR ", \"tests\": [{\"B\": 2, \"x\": \"rand(7)\"}]}", &plain);
  s->request.record = s->request.trace = true;
  run(s);
  const struct result *r = s->result;
  assert_true(r->num_inputs == 1 && r->inputs[0].generated && r->inputs[0].generator == GEN_RAND);
  assert_true(r->inputs[0].seed == 7 && r->inputs[0].array.numel == 20 && r->inputs[0].array.data_at == 0);
  assert_true(r->num_symbols == 1 && r->symbols[0].value == 2 &&
              span_is(result_span(r, r->symbols[0].name), "B"));
  assert_true(r->num_steps == 1 && span_is(result_span(r, r->steps[0].op), "linear"));
  assert_true(r->steps[0].array.ndim == 2 && r->steps[0].figures.min < r->steps[0].figures.max);
  end(s);
  s = begin(LINEAR ", \"tests\": [{\"x\": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10.5]]}]}", &plain);
  s->request.record = true;
  run(s);
  struct span data = result_data(s->result, &s->result->inputs[0].array);
  float last;
  assert_int_equal(data.n, 40);
  memcpy(&last, data.p + 36, sizeof last);
  assert_true(last > 10.49F && last < 10.51F && !s->result->inputs[0].generated && s->result->num_steps == 0);
  end(s);
}

/* ---- doubtful answers ---- */

#define ONE_LAYER(line, forward)                                                                 \
  "{\"arch\": 1, \"name\": \"M\", \"modules\": {\"a\": \"" line "\"}, \"forward(x)\": [" forward \
  "], \"inputs\": {\"x\": \"float32[B, 16]\"}"

static void answers_that_say_nothing_are_found(void **state) {
  (void)state;
  static const struct {
    const char *json;
    enum obs_kind kind;
    const char *detail;
  } rows[] = {
      {ONE_LAYER("Linear(16, 32)", "\"y = relu(a(x) - 1000)\", \"y + 1, x\"") "}", OBS_FWD_UNIFORM, "1"},
      {ONE_LAYER("Linear(16, 32)", "\"y = relu(a(x) - 1000)\", \"y + 1, x\"") "}", OBS_FWD_DEAD, "relu"},
      {ONE_LAYER("Linear(16, 32)", "\"p = a.bias\", \"x[0, 0] * 0 + p\"") "}", OBS_FWD_SAME, ""},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run_state *s = begin(rows[i].json, &plain);
    run(s);
    check_observed(s, rows[i].kind, "", rows[i].detail);
    end(s);
  }
  struct run_state *s = begin(ONE_LAYER("Linear(16, 32)", "\"relu(a(x))\"") "}", &plain);
  run(s);
  assert_int_equal(seen(&s->obs, OBS_FWD_UNIFORM) + seen(&s->obs, OBS_FWD_DEAD) + seen(&s->obs, OBS_FWD_SAME),
                   0);
  end(s);
}

static int load_library(void **state) {
  (void)state;
  json_budget((size_t)256 << 20);
  if (gemm_load(&gemm)) return 0;
  print_message("%s\n", gemm.error);
  return -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tutorial_models_compute_what_pytorch_does),
      cmocka_unit_test(other_sizes_are_tried),
      cmocka_unit_test(all_outputs_are_kept),
      cmocka_unit_test(weights_of_every_layout_give_the_same),
      cmocka_unit_test(goldens_agree_or_say_how_they_differ),
      cmocka_unit_test(goldens_that_differ_are_found),
      cmocka_unit_test(files_of_the_user_set_symbols_and_goldens),
      cmocka_unit_test(contradicting_inputs_are_answered_before_anything_runs),
      cmocka_unit_test(inline_inputs_are_checked_too),
      cmocka_unit_test(reparametrized_weights_are_computed),
      cmocka_unit_test(integers_of_every_width_are_read),
      cmocka_unit_test(inputs_are_made_as_declared),
      cmocka_unit_test(what_the_user_leaves_out_is_said),
      cmocka_unit_test(an_expectation_of_no_output_is_said),
      cmocka_unit_test(unknown_operations_are_not_checked),
      cmocka_unit_test(statements_compute_what_they_say),
      cmocka_unit_test(outputs_have_something_beside_them),
      cmocka_unit_test(missing_weights_and_missing_forwards_are_said),
      cmocka_unit_test(outputs_are_what_is_declared),
      cmocka_unit_test(the_first_nonfinite_statement_is_named),
      cmocka_unit_test(an_output_that_no_input_reaches_is_constant),
      cmocka_unit_test(costs_are_known_before_anything_runs),
      cmocka_unit_test(activations_are_freed_after_their_last_use),
      cmocka_unit_test(blocks_that_multiply_end_by_the_budget),
      cmocka_unit_test(the_broker_believes_no_result),
      cmocka_unit_test(what_a_test_was_is_kept),
      cmocka_unit_test(answers_that_say_nothing_are_found),
  };
  return cmocka_run_group_tests(tests, load_library, NULL);
}
