/* Names by which files of a folder belong together. What writers write: huggingface_hub's
 * "-{:05d}-of-{:05d}", with a variant on either side of it. */
#include "model/folder.h"

#include "tests/unit/check.h"

static const struct {
  const char *name, *stem, *ending; /* stem NULL: no shard */
  uint64_t number, count;
} shards[] = {
    {"model-00001-of-00002.safetensors", "model", ".safetensors", 1, 2},
    {"pytorch_model-00012-of-00033.bin", "pytorch_model", ".bin", 12, 33},
    {"model.fp16-00001-of-00002.safetensors", "model.fp16", ".safetensors", 1, 2},
    {"diffusion_pytorch_model-00001-of-00003.fp16.safetensors", "diffusion_pytorch_model",
     ".fp16.safetensors", 1, 3},
    {"a-b-100000-of-100000.bin", "a-b", ".bin", 100000, 100000},
    {"model-0001-of-00002.bin", NULL, NULL, 0, 0},
    {"model-00001-of-0002.bin", NULL, NULL, 0, 0},
    {"model-00001-of-00002", NULL, NULL, 0, 0},
    {"-00001-of-00002.bin", NULL, NULL, 0, 0},
    {"model00001-of-00002.bin", NULL, NULL, 0, 0},
    {"model-00001-0f-00002.bin", NULL, NULL, 0, 0},
    {"model-99999999999-of-00002.bin", NULL, NULL, 0, 0},
    {"-of-", NULL, NULL, 0, 0},
    {"", NULL, NULL, 0, 0},
};

static void shard_names(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(shards); i++) {
    struct shard_name s;
    bool is = shard_name_read(span_str(shards[i].name), &s);
    if (is != (shards[i].stem != NULL)) fail_msg("%s", shards[i].name);
    if (!is) continue;
    assert_true(span_is(s.stem, shards[i].stem) && span_is(s.ending, shards[i].ending));
    assert_true(s.number == shards[i].number && s.count == shards[i].count);
  }
}

/* In the order in which transformers looks for them. */
static void weights_names(void **state) {
  (void)state;
  static const char *const order[] = {"model.safetensors", "pytorch_model.bin", "model.fp16.safetensors"};
  static const char *const others[] = {"optimizer.pt",
                                       "training_args.bin",
                                       "models.safetensors",
                                       "model-safetensors",
                                       "model.bin",
                                       "mode",
                                       ""};
  uint32_t last = 0, family = 0;
  for (size_t i = 0; i < ARRAY_LEN(order); i++) {
    uint32_t rank;
    assert_true(weights_name_read(span_str(order[i]), &rank, &family));
    assert_true(i == 0 || rank > last);
    assert_int_equal(family, 1);
    last = rank;
  }
  assert_true(weights_name_read(SPAN("diffusion_pytorch_model.bin"), &last, &family) && family == 2);
  for (size_t i = 0; i < ARRAY_LEN(others); i++)
    if (weights_name_read(span_str(others[i]), &last, &family)) fail_msg("%s", others[i]);
}

static void index_names(void **state) {
  (void)state;
  static const struct {
    const char *name, *set;
  } rows[] = {{"model.safetensors.index.json", "model.safetensors"},
              {"pytorch_model.bin.index.json", "pytorch_model.bin"},
              {"model.fp16.safetensors.index.json", "model.fp16.safetensors"},
              {"model.safetensors.index.fp16.json", "model.fp16.safetensors"},
              {"unet.safetensors.non_ema.index.json", "unet.non_ema.safetensors"},
              {"other.index.json", "other"},
              {"index.json", NULL},
              {".index.json", NULL},
              {"model.index.fp16.json", NULL},
              {"model.safetensors.json", NULL},
              {"config.json", NULL},
              {"json", NULL}};
  struct arena arena;
  arena_init(&arena, 1 << 20);
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct index_name index;
    bool is = index_name_read(span_str(rows[i].name), &index);
    if (is != (rows[i].set != NULL) || (is && !span_is(index_set_name(&arena, &index), rows[i].set)))
      fail_msg("%s", rows[i].name);
  }
  arena_free(&arena);
  assert_true(span_is(folder_file_name(SPAN("a/b/c.bin")), "c.bin"));
  assert_true(span_is(folder_file_name(SPAN("c.bin")), "c.bin"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shard_names),
      cmocka_unit_test(weights_names),
      cmocka_unit_test(index_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
