/* Events in, exact text out. */
#include "report/report.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "report/figures.h"
#include "report/json_write.h"
#include "tests/unit/check.h"

/* ---- a stream, event by event ---- */

static cJSON *make_run(void) {
  cJSON *e = event_new("run"), *tool, *sandbox;
  event_str(e, "schema", "ckptlint.event/1");
  tool = event_object(e, "tool");
  event_str(tool, "name", "ckptlint");
  event_str(tool, "ruleset", "2026.11");
  event_str(e, "verb", "inspect");
  event_str(e, "depth", "full");
  event_str(e, "profile", "strict");
  sandbox = event_object(e, "sandbox");
  event_str(sandbox, "level", "standard");
  event_push_text(event_array(sandbox, "degraded"), SPAN("landlock"), 64);
  return e;
}

static cJSON *make_clean(void) {
  cJSON *e = event_new("file"), *dtypes, *timing;
  event_bytes(e, "path", SPAN("a.pt"), 4096);
  event_str(e, "verdict", "clean");
  event_bool(e, "complete", true);
  event_str(e, "depth", "quick");
  event_u64(e, "size", 46830571);
  event_str(e, "format", "torch zip");
  event_u64(e, "num_tensors", 122);
  event_u64(e, "params", 11689512);
  dtypes = event_object(e, "dtypes");
  event_u64(dtypes, "float32", 102);
  event_u64(dtypes, "int64", 20);
  timing = event_object(e, "timing");
  event_real(timing, "seconds", 0.0625);
  return e;
}

static cJSON *make_unsafe(void) {
  cJSON *e = event_new("file"), *check, *test, *output, *shape, *parts;
  event_bytes(e, "path", SPAN("b\x1b[2J\xff.bin"), 4096);
  event_str(e, "verdict", "unsafe");
  event_bool(e, "complete", true);
  event_str(e, "depth", "full");
  event_u64(e, "size", 143);
  event_u64(e, "protocol", 4);
  event_u64(e, "num_tensors", 2);
  parts = event_object(e, "parts");
  event_u64(parts, "weights", 100);
  event_u64(parts, "buffers", 0);
  event_u64(parts, "pickle", 43);
  check = event_object(e, "check");
  event_str(check, "arch", "resnet.json");
  event_str(check, "prefix", "module.");
  event_u64(check, "expected", 152);
  event_u64(check, "matched", 150);
  event_u64(check, "missing", 2);
  event_bool(check, "loads_strict", false);
  event_bool(check, "loads_loose", true);
  test = event_push_object(event_array(e, "forward"));
  event_u64(test, "test", 0);
  event_str(test, "status", "fail");
  output = event_push_object(event_array(test, "outputs"));
  event_str(output, "name", "logits");
  shape = event_array(output, "shape");
  event_push_u64(shape, 1);
  event_push_u64(shape, 10);
  event_figure(output, "min", -1.23456);
  event_real(output, "max", (double)NAN);
  event_figure(output, "max_abs", 0.25);
  event_bool(output, "argmax_agree", false);
  event_push_text(event_array(e, "says"), SPAN("do not load it"), 64);
  return e;
}

static cJSON *make_finding(void) {
  cJSON *e = event_new("finding");
  event_str(e, "rule", "GLB301");
  event_str(e, "name", "dangerous-global");
  event_str(e, "reason", "call");
  event_str(e, "severity", "critical");
  event_str(e, "effect", "unsafe");
  event_str(e, "title", "Loading runs code or reaches the system");
  event_text(e, "message", SPAN("loading calls os.system(\"\x07\")"), 256);
  event_str(e, "member", "archive/data.pkl");
  event_u64(e, "offset", 0x15);
  event_u64(e, "length", 4);
  event_str(e, "fix", "ask for safetensors");
  event_u64(e, "more", 37);
  return e;
}

static cJSON *make_finding_of_file(void) {
  cJSON *e = event_new("finding");
  event_str(e, "rule", "FMT112");
  event_str(e, "name", "content-mismatch");
  event_str(e, "reason", "extension");
  event_str(e, "severity", "medium");
  event_str(e, "effect", "finding");
  event_str(e, "title", "The content is not what the name says");
  event_str(e, "message", "a bare pickle");
  return e;
}

static cJSON *make_member(void) {
  cJSON *e = event_new("member");
  event_bytes(e, "name", SPAN("archive/data/0"), 100);
  event_str(e, "method", "stored");
  event_u64(e, "size", 4096);
  event_u64(e, "compressed", 4096);
  event_str(e, "crc32", "deadbeef");
  event_u64(e, "header_offset", 64);
  event_u64(e, "data_offset", 128);
  event_bool(e, "used", false);
  return e;
}

static cJSON *make_packed_member(void) {
  cJSON *e = event_new("member");
  event_bytes(e, "name", SPAN("archive/data/1"), 100);
  event_str(e, "method", "deflated");
  event_u64(e, "size", 4096);
  event_u64(e, "compressed", 90);
  event_str(e, "crc32", "deadbeef");
  event_u64(e, "data_offset", 128);
  event_bool(e, "used", false);
  return e;
}

static cJSON *make_global(void) {
  cJSON *e = event_new("global");
  event_str(e, "module", "os");
  event_str(e, "name", "system");
  event_str(e, "class", "dangerous");
  event_u64(e, "count", 1);
  event_u64(e, "offset", 21);
  return e;
}

static void add_pair(cJSON *e, const char *key, uint64_t a, uint64_t b) {
  cJSON *list = event_array(e, key);
  event_push_u64(list, a);
  event_push_u64(list, b);
}

static cJSON *make_tensor(const char *key, bool transposed) {
  cJSON *e = event_new("tensor");
  event_bytes(e, "key", span_str(key), 100);
  event_null(e, "state_key");
  event_str(e, "dtype", "float32");
  add_pair(e, "shape", 2, 3);
  add_pair(e, "stride", transposed ? 1 : 3, transposed ? 2 : 1);
  event_u64(e, "numel", 6);
  event_u64(e, "storage_offset", transposed ? 6 : 0);
  event_null(e, "sha256");
  event_u64(e, "nan_count", transposed);
  event_u64(e, "inf_count", 0);
  event_real(e, "min", -0.1);
  event_real(e, "max", 42);
  event_real(e, "mean", (double)0.1f);
  return e;
}

static cJSON *make_tensor_plain(void) { return make_tensor("conv.weight", false); }
static cJSON *make_tensor_odd(void) { return make_tensor("gr\xc3\xbc\xc3\x9f", true); }

static cJSON *make_value(uint64_t depth, bool last, const char *key, const char *kind, const char *text) {
  cJSON *e = event_new("value");
  event_u64(e, "depth", depth);
  event_bool(e, "last", last);
  event_str(e, "key", key);
  event_str(e, "kind", kind);
  if (text) event_str(e, "text", text);
  return e;
}

static cJSON *make_root(void) {
  cJSON *e = make_value(0, true, "", "dict", NULL);
  event_u64(e, "items", 2);
  event_str(e, "class", "collections.OrderedDict");
  return e;
}
static cJSON *make_child(void) { return make_value(1, false, "model", "dict", NULL); }
static cJSON *make_grandchild(void) { return make_value(2, true, "w", "tensor", "float32 [2, 3]"); }
static cJSON *make_last(void) { return make_value(1, true, "epoch", "int", "5"); }

static cJSON *make_insn(void) {
  cJSON *e = event_new("insn");
  event_str(e, "member", "archive/data.pkl");
  event_u64(e, "offset", 2);
  event_str(e, "opcode", "GLOBAL");
  event_u64(e, "code", 'c');
  event_str(e, "argument", "os system");
  event_u64(e, "depth", 1);
  event_str(e, "comment", "refused");
  return e;
}
static cJSON *make_mark(void) {
  cJSON *e = event_new("insn");
  event_str(e, "member", "archive/data.pkl");
  event_u64(e, "offset", 13);
  event_str(e, "opcode", "MARK");
  event_u64(e, "code", '(');
  event_u64(e, "depth", 0);
  return e;
}

static cJSON *make_statement(void) {
  cJSON *e = event_new("statement");
  event_str(e, "member", "archive/data.pkl");
  event_u64(e, "offset", 42);
  event_str(e, "code", "_var3 = os.system('id')");
  return e;
}

static cJSON *make_end(void) { return event_new("file_end"); }

static cJSON *make_summary(void) {
  cJSON *e = event_new("summary"), *counts;
  event_bool(e, "complete", true);
  event_u64(e, "exit", 1);
  event_u64(e, "inputs", 2);
  counts = event_object(e, "verdicts");
  event_u64(counts, "clean", 1);
  event_u64(counts, "unsafe", 1);
  counts = event_object(e, "severities");
  event_u64(counts, "critical", 38);
  event_u64(counts, "medium", 1);
  event_push_text(event_array(e, "says"), SPAN("clean is not trust."), 64);
  return e;
}

typedef cJSON *make_fn(void);
static make_fn *const stream[] = {
    make_run,    make_clean,         make_end,    make_unsafe,       make_finding,    make_finding_of_file,
    make_member, make_packed_member, make_global, make_tensor_plain, make_tensor_odd, make_root,
    make_child,  make_grandchild,    make_last,   make_mark,         make_insn,       make_statement,
    make_end,    make_summary,
};

/* ---- what comes out ---- */

/* Opens on a memory file; taken() reads it whole. */
static struct report *open_to(int *fd, struct report_options options) {
  *fd = memfd_create("report", 0);
  assert_true(*fd >= 0);
  options.fd = *fd;
  struct report *r = report_open(&options);
  assert_non_null(r);
  return r;
}

static char *taken(int fd) {
  off_t n = lseek(fd, 0, SEEK_END);
  assert_true(n >= 0);
  char *text = calloc(1, (size_t)n + 1);
  assert_non_null(text);
  assert_true(pread(fd, text, (size_t)n, 0) == n);
  close(fd);
  return text;
}

static char *render(struct report_options options, make_fn *const *events, size_t n) {
  int fd;
  struct report *r = open_to(&fd, options);
  for (size_t i = 0; i < n; i++) report_event(r, events[i]());
  assert_true(report_close(r));
  return taken(fd);
}

static void assert_renders(struct report_options options, make_fn *const *events, size_t n,
                           const char *want) {
  char *got = render(options, events, n);
  if (strcmp(got, want) != 0) print_message("got:\n%s\nwant:\n%s\n", got, want);
  assert_string_equal(got, want);
  free(got);
}

static const char text_wanted[] =
    "a.pt  CLEAN  44.7 MiB  torch zip  122 tensors  11,689,512 params (float32 102, int64 20)  quick: "
    "metadata only\n"
    "b\\x1b[2J\\xff.bin  UNSAFE  143 B  protocol 4  2 tensors\n"
    "  critical  GLB301 dangerous-global: loading calls os.system(\"\\x07\")\n"
    "            at archive/data.pkl+0x15, 4 bytes  [GLB301/call]  and 37 more like it\n"
    "            fix: ask for safetensors\n"
    "  medium    FMT112 content-mismatch: a bare pickle\n"
    "            [FMT112/extension]\n"
    "  150 of 152 keys match resnet.json after removing the prefix \"module.\", 2 missing\n"
    "  forward: differs from the golden\n"
    "    logits [1, 10]  min -1.235;  off by at most 0.25, argmax differs\n"
    "\n"
    "  member              size  packed  method    crc32     data at\n"
    "  archive/data/0  4.00 KiB          stored    deadbeef     0x80  unused\n"
    "  archive/data/1  4.00 KiB    90 B  deflated  deadbeef     0x80  unused\n"
    "\n"
    "  class      times  first at  module  name\n"
    "  dangerous      1      0x15  os      system\n"
    "\n"
    "  tensor       dtype    shape   strides  offset   min  max  mean  NaN\n"
    "  conv.weight  float32  [2, 3]                   -0.1   42   0.1\n"
    "  grüß         float32  [2, 3]  [1, 2]        6  -0.1   42   0.1    1\n"
    "\n"
    "  (root)  collections.OrderedDict (2)\n"
    "  ├─ model  dict\n"
    "  │  └─ w  tensor float32 [2, 3]\n"
    "  └─ epoch  int 5\n"
    "\n"
    "  archive/data.pkl\n"
    "         d  28  MARK\n"
    "         2  63    GLOBAL           os system  ; refused\n"
    "\n"
    "    _var3 = os.system('id')                                       # at +0x2a\n"
    "\n"
    "  bytes of          share\n"
    "  weights   100 B  69.9 %\n"
    "  pickle     43 B  30.1 %\n"
    "  → do not load it\n"
    "  more: ckptlint explain GLB301\n"
    "\n"
    "2 checked: 1 unsafe, 1 clean.  Findings: 38 critical, 1 medium.\n"
    "Rules 2026.11, depth full, profile strict, sandbox standard without landlock.\n"
    "clean is not trust.\n";

static void text_is_exact(void **state) {
  (void)state;
  assert_renders((struct report_options){.format = FORMAT_TEXT, .unicode = true}, stream, ARRAY_LEN(stream),
                 text_wanted);
}

static const char json_wanted[] =
    "{\"schema\":\"ckptlint.report/1\",\n"
    "\"tool\":{\"name\":\"ckptlint\",\"ruleset\":\"2026.11\"},\n"
    "\"run\":{\"verb\":\"inspect\",\"depth\":\"full\",\"profile\":\"strict\",\"sandbox\":{\"level\":"
    "\"standard\",\"degraded\":["
    "\"landlock\"]}},\n"
    "\"files\":[\n"
    "{\"path\":\"a.pt\",\"verdict\":\"clean\",\"complete\":true,\"depth\":\"quick\",\"size\":46830571,"
    "\"format\":\"torch zip\","
    "\"num_tensors\":122,\"params\":11689512,\"dtypes\":{\"float32\":102,\"int64\":20},\n"
    "\"findings\":[]},\n"
    "{\"path\":\"b\\\\x1b[2J\\\\xff.bin\",\"path_b64\":\"YhtbMkr/"
    "LmJpbg==\",\"verdict\":\"unsafe\",\"complete\":true,\"depth\":"
    "\"full\",\"size\":143,\"protocol\":4,\"num_tensors\":2,\"parts\":{\"weights\":100,\"buffers\":0,"
    "\"pickle\":43},\"check\":{\"arch\":"
    "\"resnet.json\",\"prefix\":\"module.\",\"expected\":152,\"matched\":150,\"missing\":2,\"loads_strict\":"
    "false,"
    "\"loads_loose\":true},\"forward\":[{\"test\":0,\"status\":\"fail\",\"outputs\":[{\"name\":"
    "\"logits\",\"shape\":"
    "[1,10],\"min\":-1.235,\"max\":null,\"max_abs\":0.25,\"argmax_agree\":false}]}],\"says\":[\"do not load "
    "it\"],\n"
    "\"findings\":[\n"
    "{\"rule\":\"GLB301\",\"name\":\"dangerous-global\",\"reason\":\"call\",\"severity\":\"critical\","
    "\"effect\":\"unsafe\","
    "\"title\":\"Loading runs code or reaches the system\",\"message\":\"loading calls "
    "os.system(\\\"\\\\x07\\\")\","
    "\"member\":\"archive/data.pkl\",\"offset\":21,\"length\":4,\"fix\":\"ask for "
    "safetensors\",\"more\":37},\n"
    "{\"rule\":\"FMT112\",\"name\":\"content-mismatch\",\"reason\":\"extension\",\"severity\":\"medium\","
    "\"effect\":\"finding\","
    "\"title\":\"The content is not what the name says\",\"message\":\"a bare pickle\"}],\n"
    "\"members\":[\n"
    "{\"name\":\"archive/data/"
    "0\",\"method\":\"stored\",\"size\":4096,\"compressed\":4096,\"crc32\":\"deadbeef\","
    "\"header_offset\":64,\"data_offset\":128,\"used\":false},\n"
    "{\"name\":\"archive/data/"
    "1\",\"method\":\"deflated\",\"size\":4096,\"compressed\":90,\"crc32\":\"deadbeef\","
    "\"data_offset\":128,\"used\":false}],\n"
    "\"globals\":[\n"
    "{\"module\":\"os\",\"name\":\"system\",\"class\":\"dangerous\",\"count\":1,\"offset\":21}],\n"
    "\"tensors\":[\n"
    "{\"key\":\"conv.weight\",\"state_key\":null,\"dtype\":\"float32\",\"shape\":[2,3],\"stride\":[3,1],"
    "\"numel\":6,"
    "\"storage_offset\":0,\"sha256\":null,\"nan_count\":0,\"inf_count\":0,\"min\":-0.1,\"max\":42,\"mean\":"
    "0.10000000149011612},\n"
    "{\"key\":\"grüß\",\"state_key\":null,\"dtype\":\"float32\",\"shape\":[2,3],\"stride\":[1,2],\"numel\":6,"
    "\"storage_offset\":6,\"sha256\":null,\"nan_count\":1,\"inf_count\":0,\"min\":-0.1,\"max\":42,\"mean\":"
    "0.10000000149011612}],\n"
    "\"values\":[\n"
    "{\"depth\":0,\"last\":true,\"key\":\"\",\"kind\":\"dict\",\"items\":2,\"class\":\"collections."
    "OrderedDict\"},\n"
    "{\"depth\":1,\"last\":false,\"key\":\"model\",\"kind\":\"dict\"},\n"
    "{\"depth\":2,\"last\":true,\"key\":\"w\",\"kind\":\"tensor\",\"text\":\"float32 [2, 3]\"},\n"
    "{\"depth\":1,\"last\":true,\"key\":\"epoch\",\"kind\":\"int\",\"text\":\"5\"}],\n"
    "\"instructions\":[\n"
    "{\"member\":\"archive/data.pkl\",\"offset\":13,\"opcode\":\"MARK\",\"code\":40,\"depth\":0},\n"
    "{\"member\":\"archive/data.pkl\",\"offset\":2,\"opcode\":\"GLOBAL\",\"code\":99,\"argument\":\"os "
    "system\",\"depth\":1,"
    "\"comment\":\"refused\"}],\n"
    "\"statements\":[\n"
    "{\"member\":\"archive/data.pkl\",\"offset\":42,\"code\":\"_var3 = os.system('id')\"}]}],\n"
    "\"summary\":{\"complete\":true,\"exit\":1,\"inputs\":2,\"verdicts\":{\"clean\":1,\"unsafe\":1},"
    "\"severities\":{"
    "\"critical\":38,\"medium\":1},\"says\":[\"clean is not trust.\"]}}\n";

/* Reads what was written by the strict front of all incoming JSON. */
static cJSON *reread(const char *text, size_t n) {
  struct limits max = limits_default();
  struct json_error err;
  cJSON *tree = json_parse(span_of(text, n), &max, &err);
  if (!tree) print_message("%u:%u: expected %s in\n%s\n", err.line, err.column, err.what, text);
  assert_non_null(tree);
  return tree;
}

static void json_is_exact_and_rereads(void **state) {
  (void)state;
  assert_renders((struct report_options){.format = FORMAT_JSON}, stream, ARRAY_LEN(stream), json_wanted);
  cJSON *tree = reread(json_wanted, sizeof json_wanted - 1);
  const cJSON *file = cJSON_GetArrayItem(json_get(tree, "files"), 1);
  assert_int_equal(cJSON_GetArraySize(json_get(file, "findings")), 2);
  assert_int_equal(cJSON_GetArraySize(json_get(cJSON_GetArrayItem(json_get(file, "tensors"), 0), "shape")),
                   2);
  assert_string_equal(json_get(file, "path")->valuestring, "b\\x1b[2J\\xff.bin");
  cJSON_Delete(tree);
}

static void ndjson_is_one_event_a_line(void **state) {
  (void)state;
  make_fn *const few[] = {make_run, make_unsafe, make_global, make_end, make_summary};
  assert_renders(
      (struct report_options){.format = FORMAT_NDJSON}, few, ARRAY_LEN(few),
      "{\"type\":\"run\",\"schema\":\"ckptlint.event/"
      "1\",\"tool\":{\"name\":\"ckptlint\",\"ruleset\":\"2026.11\"},"
      "\"verb\":\"inspect\",\"depth\":\"full\",\"profile\":\"strict\",\"sandbox\":{\"level\":\"standard\","
      "\"degraded\":[\"landlock\"]}}\n"
      "{\"type\":\"file\",\"path\":\"b\\\\x1b[2J\\\\xff.bin\",\"path_b64\":\"YhtbMkr/LmJpbg==\",\"verdict\":"
      "\"unsafe\",\"complete\":true,\"depth\":\"full\",\"size\":143,\"protocol\":4,\"num_tensors\":2,"
      "\"parts\":{\"weights\":100,"
      "\"buffers\":0,\"pickle\":43},\"check\":{\"arch\":\"resnet.json\",\"prefix\":\"module.\",\"expected\":"
      "152,"
      "\"matched\":150,\"missing\":2,\"loads_strict\":false,\"loads_loose\":true},\"forward\":[{\"test\":0,"
      "\"status\":\"fail\",\"outputs\":[{\"name\":\"logits\",\"shape\":[1,10],\"min\":-1.235,"
      "\"max\":null,\"max_abs\":0.25,\"argmax_agree\":false}]}],\"says\":[\"do not load it\"]}\n"
      "{\"type\":\"global\",\"module\":\"os\",\"name\":\"system\",\"class\":\"dangerous\",\"count\":1,"
      "\"offset\":21}\n"
      "{\"type\":\"file_end\"}\n"
      "{\"type\":\"summary\",\"complete\":true,\"exit\":1,\"inputs\":2,\"verdicts\":{\"clean\":1,\"unsafe\":"
      "1},"
      "\"severities\":{\"critical\":38,\"medium\":1},\"says\":[\"clean is not trust.\"]}\n");
}

/* ---- a run that breaks off ---- */

static void broken_json_is_a_document(void **state) {
  (void)state;
  for (size_t n = 0; n < ARRAY_LEN(stream); n++) {
    char *text = render((struct report_options){.format = FORMAT_JSON}, stream, n);
    cJSON *tree = reread(text, strlen(text));
    assert_string_equal(json_get(tree, "schema")->valuestring, "ckptlint.report/1");
    assert_true(cJSON_IsFalse(json_get(json_get(tree, "summary"), "complete")));
    assert_int_equal(json_get(json_get(tree, "summary"), "exit")->valueint, 70);
    cJSON_Delete(tree);
    free(text);
  }
}

static void broken_ndjson_ends_with_a_summary(void **state) {
  (void)state;
  for (size_t n = 0; n < ARRAY_LEN(stream); n++) {
    char *text = render((struct report_options){.format = FORMAT_NDJSON}, stream, n);
    bool ended = false;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
      cJSON *event = reread(line, (size_t)(end - line));
      ended = strcmp(json_get(event, "type")->valuestring, "summary") == 0;
      cJSON_Delete(event);
    }
    assert_true(ended);
    free(text);
  }
}

static void disorder_is_a_fault(void **state) {
  (void)state;
  make_fn *const streams[][5] = {
      {make_clean}, /* no run */
      {make_run, make_run},
      {make_run, make_finding},                                /* a row of no file */
      {make_run, make_clean, make_clean},                      /* a file in a file */
      {make_run, make_clean, make_tensor_plain, make_finding}, /* rows out of order */
      {make_run, make_clean, make_summary},
      {make_run, make_end},
      {make_run, make_summary, make_clean},
  };
  for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
    int fd;
    struct report *r = open_to(&fd, (struct report_options){.format = FORMAT_JSON});
    for (size_t k = 0; k < 5 && streams[i][k]; k++) report_event(r, streams[i][k]());
    assert_false(report_close(r));
    char *text = taken(fd);
    cJSON_Delete(reread(text, strlen(text))); /* a document all the same */
    free(text);
  }
  int fd;
  struct report *r = open_to(&fd, (struct report_options){.format = FORMAT_NDJSON});
  report_event(r, event_new("surprise"));
  report_event(r, NULL); /* what a builder answers when memory is out */
  assert_false(report_close(r));
  close(fd);
}

static void lost_output_is_told(void **state) {
  (void)state;
  static const enum report_format formats[] = {FORMAT_TEXT, FORMAT_JSON, FORMAT_NDJSON};
  for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
    struct report_options options = {.format = formats[i], .fd = open("/dev/full", O_WRONLY | O_CLOEXEC)};
    assert_true(options.fd >= 0);
    struct report *r = report_open(&options);
    assert_non_null(r);
    for (size_t k = 0; k < ARRAY_LEN(stream); k++) report_event(r, stream[k]());
    assert_false(report_close(r));
    close(options.fd);
  }
}

/* ---- options ---- */

static void timings_only_when_asked(void **state) {
  (void)state;
  make_fn *const few[] = {make_run, make_clean, make_end, make_summary};
  for (int asked = 0; asked < 2; asked++) {
    char *text =
        render((struct report_options){.format = FORMAT_TEXT, .timings = asked}, few, ARRAY_LEN(few));
    assert_int_equal(strstr(text, "0.062 s") != NULL, asked);
    free(text);
  }
}

static void quiet_leaves_clean_out(void **state) {
  (void)state;
  const struct report_options quiet = {.format = FORMAT_TEXT, .quiet = true};
  make_fn *const clean[] = {make_run, make_clean, make_tensor_plain, make_end, make_summary};
  assert_renders(quiet, clean, ARRAY_LEN(clean), "");
  char *text = render(quiet, stream, ARRAY_LEN(stream));
  assert_null(strstr(text, "a.pt"));
  assert_non_null(strstr(text, "UNSAFE"));
  assert_non_null(strstr(text, "clean is not trust."));
  free(text);
}

/* The text of a file with these rows, without the lines of the run. */
static char *render_rows(struct report_options options, make_fn *const *rows, size_t n) {
  int fd;
  struct report *r = open_to(&fd, options);
  report_event(r, make_run());
  report_event(r, make_clean());
  for (size_t i = 0; i < n; i++) report_event(r, rows[i]());
  report_event(r, make_end());
  report_event(r, make_summary());
  assert_true(report_close(r));
  char *text = taken(fd), *summary = strstr(text, "2 checked: ");
  assert_non_null(summary);
  *summary = '\0';
  return text;
}

static void assert_rows(struct report_options options, make_fn *const *rows, size_t n, const char *want) {
  char *text = render_rows(options, rows, n), *below = strchr(text, '\n') + 1;
  if (strcmp(below, want) != 0) print_message("got:\n%s\nwant:\n%s\n", below, want);
  assert_string_equal(below, want);
  free(text);
}

static const struct report_options plain = {.format = FORMAT_TEXT, .unicode = true};

static void findings_of_one_reason_share_its_line(void **state) {
  (void)state;
  make_fn *const rows[] = {make_finding_of_file, make_finding_of_file, make_finding, make_finding_of_file};
  assert_rows(plain, rows, ARRAY_LEN(rows),
              "  medium    FMT112 content-mismatch: a bare pickle\n"
              "  medium    FMT112 content-mismatch: a bare pickle\n"
              "            [FMT112/extension]\n"
              "  critical  GLB301 dangerous-global: loading calls os.system(\"\\x07\")\n"
              "            at archive/data.pkl+0x15, 4 bytes  [GLB301/call]  and 37 more like it\n"
              "            fix: ask for safetensors\n"
              "  medium    FMT112 content-mismatch: a bare pickle\n"
              "            [FMT112/extension]\n\n");
}

static void statistics_instead_of_layout(void **state) {
  (void)state;
  make_fn *const rows[] = {make_tensor_plain, make_tensor_odd};
  struct report_options options = plain;
  options.stats = true;
  assert_rows(options, rows, ARRAY_LEN(rows),
              "  tensor       dtype    shape   elements   min  max  mean  NaN\n"
              "  conv.weight  float32  [2, 3]         6  -0.1   42   0.1\n"
              "  grüß         float32  [2, 3]         6  -0.1   42   0.1    1\n\n");
}

static cJSON *make_tensor_bars(void) {
  static const uint8_t heights[16] = {255, 0, 1, 37, 73, 110, 146, 183, 219, 0, 0, 0, 0, 0, 0, 255};
  cJSON *e = make_tensor_plain(), *bars = event_array(e, "histogram");
  for (size_t i = 0; i < ARRAY_LEN(heights); i++) event_push_u64(bars, heights[i]);
  return e;
}

/* Eight heights; blocks only where the terminal has them. */
static void histograms_are_bars(void **state) {
  (void)state;
  make_fn *const rows[] = {make_tensor_bars};
  struct report_options options = plain;
  options.stats = true;
  assert_rows(options, rows, ARRAY_LEN(rows),
              "  tensor       dtype    shape   elements   min  max  mean  histogram\n"
              "  conv.weight  float32  [2, 3]         6  -0.1   42   0.1  █ ▁▂▃▄▅▆▇      █\n\n");
  options.unicode = false;
  assert_rows(options, rows, ARRAY_LEN(rows),
              "  tensor       dtype    shape   elements   min  max  mean  histogram\n"
              "  conv.weight  float32  [2, 3]         6  -0.1   42   0.1  # _.:-=+*      #\n\n");
}

static cJSON *make_text(void) {
  cJSON *e = make_value(1, false, "name", "text", "a b");
  event_u64(e, "items", 3);
  return e;
}
static cJSON *make_cut_text(void) {
  cJSON *e = make_value(1, false, "long", "text", "a b…(+7 bytes)");
  event_u64(e, "items", 1000);
  return e;
}
/* 99 bytes and a letter of two: 100 would cut it. */
static cJSON *make_long_text(void) {
  char text[201];
  memset(text, 'x', 99);
  memcpy(text + 99, "ü", 3);
  memset(text + 101, 'y', 99);
  text[200] = '\0';
  cJSON *e = make_value(1, false, "longer", "text", text);
  event_u64(e, "items", 200);
  return e;
}
static cJSON *make_shared(void) { return make_value(1, true, "again", "shared", "name"); }

/* A length stands only where the text is not there whole. */
static void texts_of_the_tree_are_quoted(void **state) {
  (void)state;
  make_fn *const rows[] = {make_root, make_text, make_cut_text, make_long_text, make_shared};
  char line[256], xs[100] = {0};
  memset(xs, 'x', 99);
  (void)snprintf(line, sizeof line, "  ├─ longer  text \"%s\"… (200 bytes)\n", xs);
  char *text = render_rows(plain, rows, ARRAY_LEN(rows));
  assert_non_null(strstr(text,
                         "  (root)  collections.OrderedDict (2)\n"
                         "  ├─ name  text \"a b\"\n"
                         "  ├─ long  text \"a b…(+7 bytes)\" (1000 bytes)\n"));
  assert_non_null(strstr(text, line));
  assert_non_null(strstr(text, "  └─ again  shared with name\n\n"));
  free(text);
  struct report_options verbose = plain;
  verbose.verbose = true;
  text = render_rows(verbose, rows, ARRAY_LEN(rows));
  assert_non_null(strstr(text, "xüyyy"));
  assert_non_null(strstr(text, "yyy\"\n")); /* whole: no length */
  free(text);
}

static cJSON *make_long_finding(void) {
  cJSON *e = make_finding_of_file();
  cJSON_DeleteItemFromObjectCaseSensitive(e, "message");
  event_str(e, "message",
            "one two three größe five sixseven eight "
            "a_name_that_is_longer_than_the_room_that_is_left_and_stays_whole end");
  return e;
}

/* Words move to the next line whole, in the column of the finding; without a width nothing moves. */
static void terminals_fold_words(void **state) {
  (void)state;
  make_fn *const rows[] = {make_long_finding};
  struct report_options options = plain;
  options.width = 55;
  assert_rows(options, rows, ARRAY_LEN(rows),
              "  medium    FMT112 content-mismatch: one two three\n" /* größe would end in column 56 */
              "            größe five sixseven eight\n"
              "            a_name_that_is_longer_than_the_room_that_is_left_and_stays_whole\n"
              "            end\n"
              "            [FMT112/extension]\n\n");
  options.width = 56;
  char *text = render_rows(options, rows, ARRAY_LEN(rows));
  assert_non_null(strstr(text, "three größe\n")); /* edge: the last column is used */
  free(text);
  options.width = 20; /* too narrow to fold in */
  text = render_rows(options, rows, ARRAY_LEN(rows));
  assert_non_null(strstr(text, "stays_whole end\n"));
  free(text);
}

static void ascii_terminals_get_ascii(void **state) {
  (void)state;
  char *text = render((struct report_options){.format = FORMAT_TEXT}, stream, ARRAY_LEN(stream));
  for (const char *p = text; *p; p++) assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
  assert_non_null(strstr(text, "  |  `- w  tensor"));
  assert_non_null(strstr(text, "gr\\u00fc\\u00df"));
  free(text);
}

/* Colour adds SGR sequences and nothing else. */
static void color_is_only_color(void **state) {
  (void)state;
  char *text = render((struct report_options){.format = FORMAT_TEXT, .unicode = true, .color = true}, stream,
                      ARRAY_LEN(stream));
  char *to = text;
  assert_non_null(strstr(text, "\033[1;31mUNSAFE\033[0m"));
  assert_non_null(strstr(text, "\033[32mCLEAN\033[0m"));
  for (const char *from = text; *from;) {
    if (*from == '\033')
      from += strcspn(from, "m") + 1;
    else
      *to++ = *from++;
  }
  *to = '\0';
  assert_string_equal(text, text_wanted);
  free(text);
}

/* More rows than a table holds back; a hostile key of 4,000 bytes does not widen the others' rows. */
static void long_tables_stay_bounded(void **state) {
  (void)state;
  char key[4001];
  int fd;
  memset(key, 'k', sizeof key - 1);
  key[sizeof key - 1] = '\0';
  struct report *r = open_to(&fd, (struct report_options){.format = FORMAT_TEXT, .unicode = true});
  report_event(r, make_run());
  report_event(r, make_unsafe());
  for (unsigned i = 0; i < 1000; i++) report_event(r, make_tensor(i == 7 ? key : "w", false));
  report_event(r, make_end());
  report_event(r, make_summary());
  assert_true(report_close(r));
  char *text = taken(fd);
  size_t rows = 0;
  for (const char *p = text; (p = strstr(p, "\n  w ")); p++, rows++) {
    assert_true(strcspn(p + 1, "\n") < 140);
  }
  assert_int_equal(rows, 999);
  free(text);
}

/* ---- numbers ---- */

static void assert_writes(cJSON *tree, const char *want) {
  struct out o = out_to_memory(SIZE_MAX);
  json_write(&o, tree);
  out_span(&o, SPAN("\0"));
  assert_string_equal((const char *)o.p, want);
  out_free(&o);
  cJSON_Delete(tree);
}

static void integers_are_exact(void **state) {
  (void)state;
  cJSON *e = cJSON_CreateObject();
  event_u64(e, "a", 0);
  event_u64(e, "b", (UINT64_C(1) << 53) - 1); /* edges of what a double holds */
  event_u64(e, "c", UINT64_C(1) << 53);
  event_u64(e, "d", (UINT64_C(1) << 53) + 1);
  event_u64(e, "e", UINT64_MAX);
  event_i64(e, "f", -1);
  event_i64(e, "g", -(INT64_C(1) << 53) - 1);
  event_i64(e, "h", INT64_MIN);
  event_i64(e, "i", INT64_MAX);
  assert_writes(e,
                "{\"a\":0,\"b\":9007199254740991,\"c\":9007199254740992,\"d\":9007199254740993,"
                "\"e\":18446744073709551615,\"f\":-1,\"g\":-9007199254740993,\"h\":-9223372036854775808,"
                "\"i\":9223372036854775807}");
}

/* Shortest texts by Python's repr (David Gay's algorithm), as digits and exponent. */
static void reals_are_shortest(void **state) {
  (void)state;
  static const struct {
    double x;
    const char *want;
  } rows[] = {
      {0.1, "0.1"},
      {1.0 / 3, "0.3333333333333333"},
      {2.0 / 3, "0.6666666666666666"},
      {0.1 + 0.2, "0.30000000000000004"},
      {(double)0.1f, "0.10000000149011612"},
      {1e22, "1e+22"},
      {1e23, "1e+23"},
      {123456789012345680.0, "1.2345678901234568e+17"},
      {5e-324, "5e-324"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {-0.0, "-0"},
      {3.0, "3"},
      {9007199254740993.0, "9007199254740992"},
      {(double)NAN, "null"},
      {(double)INFINITY, "null"},
      {-(double)INFINITY, "null"},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct out o = out_to_memory(64);
    json_write_real(&o, rows[i].x);
    assert_true(span_is(out_taken(&o), rows[i].want));
    out_free(&o);
  }
}

static void figures_read_well(void **state) {
  (void)state;
  static const struct {
    uint64_t n;
    const char *bytes, *count;
  } rows[] = {
      {0, "0 B", "0"},
      {999, "999 B", "999"},
      {1000, "1000 B", "1,000"},
      {1023, "1023 B", "1,023"}, /* edge */
      {1024, "1.00 KiB", "1,024"},
      {10234, "9.99 KiB", "10,234"},
      {10240, "10.0 KiB", "10,240"},
      {1048575, "1.00 MiB", "1,048,575"}, /* not 1024 KiB */
      {46830571, "44.7 MiB", "46,830,571"},
      {UINT64_MAX, "16.0 EiB", "18,446,744,073,709,551,615"},
  };
  char room[FIGURE_ROOM];
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    assert_string_equal(figure_bytes(room, rows[i].n), rows[i].bytes);
    assert_string_equal(figure_count(room, rows[i].n), rows[i].count);
  }
}

static void deep_trees_fail_instead_of_recursing(void **state) {
  (void)state;
  cJSON *root = cJSON_CreateObject(), *at = root;
  for (unsigned i = 1; i < JSON_WRITE_DEPTH; i++) at = event_object(at, "x");
  event_bool(at, "leaf", true);
  struct out o = out_to_memory(SIZE_MAX);
  json_write(&o, root);
  assert_false(o.failed); /* edge: JSON_WRITE_DEPTH containers */
  event_null(event_object(at, "x"), "leaf");
  json_write(&o, root);
  assert_true(o.failed);
  out_free(&o);
  cJSON_Delete(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_is_exact),
      cmocka_unit_test(json_is_exact_and_rereads),
      cmocka_unit_test(ndjson_is_one_event_a_line),
      cmocka_unit_test(broken_json_is_a_document),
      cmocka_unit_test(broken_ndjson_ends_with_a_summary),
      cmocka_unit_test(disorder_is_a_fault),
      cmocka_unit_test(lost_output_is_told),
      cmocka_unit_test(timings_only_when_asked),
      cmocka_unit_test(quiet_leaves_clean_out),
      cmocka_unit_test(findings_of_one_reason_share_its_line),
      cmocka_unit_test(statistics_instead_of_layout),
      cmocka_unit_test(histograms_are_bars),
      cmocka_unit_test(texts_of_the_tree_are_quoted),
      cmocka_unit_test(terminals_fold_words),
      cmocka_unit_test(ascii_terminals_get_ascii),
      cmocka_unit_test(color_is_only_color),
      cmocka_unit_test(long_tables_stay_bounded),
      cmocka_unit_test(integers_are_exact),
      cmocka_unit_test(reals_are_shortest),
      cmocka_unit_test(figures_read_well),
      cmocka_unit_test(deep_trees_fail_instead_of_recursing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
