/* One architecture file out of many, by name, preset or model_type; and the built-in ones. */
#include "arch/family.h"

#include "rules/texts.h"
#include "tests/unit/arch_bench.h"

static const struct {
  const char *name, *json;
} files[] = {
    {"out/resnet.json", "{'arch': 1, 'presets': {'resnet18': {}, 'wide_resnet50_2': {}}}"},
    {"broken.json", "{'arch': 1,"},
    {"odd.json", "{'arch': 1, 'presets': ['resnet18'], 'match': {'model_type': 3}}"},
    {"bert.json", "{'arch': 1, 'match': {'model_type': 'bert'}, 'presets': {'bert-base-uncased': {}}}"},
    {"resnet.json",
     "{'arch': 1, 'presets': {'resnet34': {}}, 'match': {'model_type': ['resnet', 'regnet']}}"},
};

struct family_bench {
  struct arch_bench b;
  struct text_file list[ARRAY_LEN(files)];
  struct families all;
};

static void family_open(struct family_bench *x) {
  arch_bench_open(&x->b);
  for (size_t i = 0; i < ARRAY_LEN(files); i++)
    x->list[i] = (struct text_file){span_str(files[i].name), as_json(&x->b.arena, files[i].json)};
  x->all = (struct families){x->list, ARRAY_LEN(files)};
}

static void names_find_files_and_presets(void **state) {
  static const struct {
    const char *name, *file, *preset, *says;
  } rows[] = {
      {"resnet", "out/resnet.json", "", ""}, /* the first of two */
      {"ResNet", "out/resnet.json", "", ""},
      {"bert", "bert.json", "", ""},
      {"broken", "broken.json", "", ""}, /* whoever reads it says what is wrong with it */
      {"resnet18", "out/resnet.json", "resnet18", ""},
      {"BERT-base-uncased", "bert.json", "bert-base-uncased", ""},
      {"resnet34", "resnet.json", "resnet34", ""},
      {"google-bert/bert-base-uncased", "bert.json", "bert-base-uncased", ""},
      {"someone/else/resnet18-hf", "out/resnet.json", "resnet18", ""},
      {"resnet34-hf", "resnet.json", "resnet34", ""},
      {"-hf", NULL, "", "families: resnet, broken, odd, bert, resnet"},
      {"google-bert/bert-base-uncase", NULL, "", "did you mean bert-base-uncased?"},
      {"resnet35", NULL, "", "did you mean resnet34?"},
      {"brt", NULL, "", "did you mean bert?"},
      {"wide_resnet50", NULL, "", "did you mean wide_resnet50_2?"},
      {"llama-2-7b", NULL, "", "families: resnet, broken, odd, bert, resnet"},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct family_bench x;
    struct family f;
    family_open(&x);
    bool found = family_by_name(&f, &x.all, span_str(rows[i].name), &x.b.arena, &x.b.max, &x.b.o);
    if (found != (rows[i].file != NULL)) fail_msg("%s", rows[i].name);
    if (found && (!span_is(f.file.name, rows[i].file) || !span_is(f.preset, rows[i].preset)))
      fail_msg("%s: %.*s", rows[i].name, (int)f.file.name.n, (const char *)f.file.name.p);
    if (!found) {
      const struct observation *o = first_of(&x.b.o, OBS_FAMILY_UNKNOWN);
      if (!span_is(o->detail, rows[i].says))
        fail_msg("%s: %.*s", rows[i].name, (int)o->detail.n, (const char *)o->detail.p);
      assert_int_equal(seen(&x.b.o, OBS_FAMILY_UNREADABLE), 1); /* broken.json */
    }
    arch_bench_close(&x.b);
  }
}

static void model_types_find_files(void **state) {
  static const struct {
    const char *config, *file;
    enum obs_kind seen;
    const char *says;
  } rows[] = {
      {"{'model_type': 'bert'}", "bert.json", OBS_NONE, ""},
      {"{'model_type': 'regnet'}", "resnet.json", OBS_NONE, ""},
      {"{'model_type': 'brt'}", NULL, OBS_FAMILY_TYPE, " (did you mean bert?)"},
      {"{'model_type': 'mamba'}", NULL, OBS_FAMILY_TYPE, ""},
      {"{'model_type': 3}", NULL, OBS_FAMILY_NO_TYPE, ""},
      {"{}", NULL, OBS_FAMILY_NO_TYPE, ""},
      {"[]", NULL, OBS_ARCH_CONFIG_FILE, ""},
      {"{", NULL, OBS_ARCH_CONFIG_FILE, ""},
  };
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct family_bench x;
    struct family f;
    family_open(&x);
    const struct text_file config = {SPAN("config.json"), as_json(&x.b.arena, rows[i].config)};
    bool found = family_by_config(&f, &x.all, config, &x.b.arena, &x.b.max, &x.b.o);
    if (found != (rows[i].file != NULL) || (found && !span_is(f.file.name, rows[i].file)))
      fail_msg("%s", rows[i].config);
    if (!found && !says(first_of(&x.b.o, rows[i].seen)->detail, rows[i].says)) fail_msg("%s", rows[i].config);
    arch_bench_close(&x.b);
  }
}

/* Each built-in file parses, and no two answer to one name or model_type. */
static void built_in_families_are_sound(void **state) {
  static struct span names[4096];
  size_t n = 0;
  (void)state;
  struct arena keep;
  arena_init(&keep, (size_t)1 << 24);
  for (size_t i = 0; family_texts[i].name; i++) {
    struct arch_bench b;
    arch_bench_open(&b);
    struct span own = span_str(family_texts[i].name);
    assert_true(span_ends(own, SPAN(".json")));
    if (!arch_bench_parse(&b, span_str(family_texts[i].text)))
      fail_msg("%s: %.*s", family_texts[i].name, (int)b.o.list[0].detail.n,
               (const char *)b.o.list[0].detail.p);
    assert_true(b.arch.num_presets + n + 1 < ARRAY_LEN(names));
    names[n++] = span_first(own, own.n - 5);
    for (uint32_t k = 0; k < b.arch.num_presets; k++)
      assert_true(arena_copy(&keep, b.arch.presets[k].name, &names[n++]));
    arch_bench_close(&b);
  }
  assert_true(n >= 6);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++)
      if (span_eq(names[i], names[k])) fail_msg("%.*s twice", (int)names[i].n, (const char *)names[i].p);
  arena_free(&keep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_find_files_and_presets),
      cmocka_unit_test(model_types_find_files),
      cmocka_unit_test(built_in_families_are_sound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
