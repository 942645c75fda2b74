/* The JSON front: a text is a tree or an error with its place, never both; what was read is written and read
 * again as the same; every value is found where it stands. */
#include "base/json.h"

#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "report/json_write.h"

static void check_error(const struct json_error *err, struct span text) {
  uint32_t line, column;
  FUZZ_CHECK(err->what && err->what[0] && err->fault <= JSON_LIMIT_MEMORY && err->offset <= text.n);
  json_line_column(text, err->offset, &line, &column);
  FUZZ_CHECK(err->line == line && err->column == column && line > 0 && column > 0);
}

/* The path of every value leads to an offset inside the text: no two siblings share one. The tree is walked
 * along first children and their siblings: paths of a few parts. */
static void check_places(const cJSON *item, struct span text) {
  enum { PARTS = 4 };
  const char *path[PARTS] = {NULL};
  char number[PARTS][16];
  size_t depth = 0;
  uint64_t at = 0, above = 0;
  FUZZ_CHECK(json_offset(text, path, 0, &at) && at < text.n);
  while (depth < PARTS && item->child) {
    const cJSON *child = item->child;
    bool object = cJSON_IsObject(item);
    uint64_t before = above = at;
    for (unsigned i = 0; child && i < 8; i++, child = child->next) {
      (void)snprintf(number[depth], sizeof number[depth], "%u", i);
      path[depth] = object ? child->string : number[depth];
      FUZZ_CHECK(json_offset(text, path, depth + 1, &at) && at > before && at < text.n);
      before = at;
    }
    path[depth] = object ? item->child->string : "0";
    FUZZ_CHECK(json_offset(text, path, ++depth, &at) && at > above);
    item = item->child;
  }
}

static void check_members(const cJSON *object) {
  struct arena arena;
  struct json_index index = {0};
  arena_init(&arena, 1 << 20);
  if (json_index(&index, &arena, object)) {
    const cJSON *member;
    cJSON_ArrayForEach(member, object) {
      if (!cJSON_IsObject(object)) break;
      FUZZ_CHECK(json_get(object, member->string) == member); /* no key stands twice */
      FUZZ_CHECK(json_find(&index, span_str(member->string)) == member);
    }
  }
  arena_free(&arena);
}

static void check_again(const cJSON *tree, const struct limits *max) {
  struct out first = out_to_memory(1 << 20), second = out_to_memory(1 << 20);
  struct json_error err;
  json_write(&first, tree);
  if (!first.failed) { /* our writer stops at JSON_WRITE_DEPTH */
    /* A fraction beyond 2^53 is written as the integer that it rounds to, as events may have it. */
    cJSON *again = json_parse_event(out_taken(&first), max, &err);
    FUZZ_CHECK(again);
    json_write(&second, again);
    FUZZ_CHECK(span_eq(out_taken(&first), out_taken(&second)));
    FUZZ_CHECK(utf8_valid(out_taken(&first), UTF8_STRICT));
    cJSON_Delete(again);
  }
  out_free(&first);
  out_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  struct json_error err = {0};
  if (in.knobs & KNOB_SHRUNK) in.limits.json_depth = 4;
  if (in.knobs & KNOB_SHRUNK) in.limits.json_bytes = 64;
  json_budget(in.arena_bytes);
  cJSON *tree = json_parse(in.bytes, &in.limits, &err);
  if (tree) {
    FUZZ_CHECK(!err.what && utf8_valid(in.bytes, UTF8_STRICT));
    check_places(tree, in.bytes);
    check_members(tree);
    json_budget(64 << 20);
    in.limits.json_bytes = 1 << 20;
    check_again(tree, &in.limits);
  } else {
    check_error(&err, in.bytes);
  }
  cJSON_Delete(tree);
  fuzz_close(&in);
  return 0;
}
