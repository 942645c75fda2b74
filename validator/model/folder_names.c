/* What files of a folder are called by those who write them (huggingface_hub, transformers, diffusers). Names
 * choose what is compared with what; no verdict is better for a name. */
#include "model/folder.h"

struct span folder_file_name(struct span path) {
  size_t n = path.n;
  while (n > 0 && path.p[n - 1] != '/') n--;
  return span_from(path, n);
}

/* At least five digits from `at` on: how many, or 0. */
static size_t digits(struct span name, size_t at, uint64_t *out) {
  enum { LEAST = 5, MOST = 10 };
  size_t n = 0;
  *out = 0;
  for (; at + n < name.n && is_digit(name.p[at + n]) && n <= MOST; n++)
    *out = *out * 10 + name.p[at + n] - '0';
  return n >= LEAST && n <= MOST ? n : 0;
}

bool shard_name_read(struct span name, struct shard_name *out) {
  static const char of[] = "-of-";
  const uint8_t *at = name.n ? memmem(name.p, name.n, of, sizeof of - 1) : NULL;
  if (!at) return false;
  size_t middle = (size_t)(at - name.p), first = middle, n;
  while (first > 0 && is_digit(name.p[first - 1])) first--;
  n = digits(name, first, &out->number);
  if (n == 0 || first + n != middle || first < 2 || name.p[first - 1] != '-') return false;
  n = digits(name, middle + sizeof of - 1, &out->count);
  out->stem = span_first(name, first - 1);
  out->ending = span_from(name, middle + sizeof of - 1 + n);
  return n > 0 && out->ending.n > 0;
}

bool weights_name_read(struct span name, uint32_t *rank, uint32_t *family) {
  static const struct {
    const char *stem, *ending;
    uint32_t family;
  } known[] = {{"model", ".safetensors", 1},
               {"diffusion_pytorch_model", ".safetensors", 2},
               {"pytorch_model", ".bin", 1},
               {"diffusion_pytorch_model", ".bin", 2}};
  enum { VARIANT = 100, STEP = 10 };
  for (size_t i = 0; i < ARRAY_LEN(known); i++) {
    struct span stem = span_str(known[i].stem), ending = span_str(known[i].ending);
    bool variant = name.n > stem.n + ending.n && name.p[stem.n] == '.';
    if (!span_starts(name, stem) || !span_ends(name, ending) || name.n < stem.n + ending.n) continue;
    if (name.n != stem.n + ending.n && !variant) continue;
    *rank = (uint32_t)i * STEP + (variant ? VARIANT : 0);
    *family = known[i].family;
    return true;
  }
  return false;
}

bool adapter_name_read(struct span name) {
  return span_is(name, "adapter_model.safetensors") || span_is(name, "adapter_model.bin");
}

/* The ending of a format that comes in shards, or empty. */
static struct span sharded_ending(struct span name) {
  static const char *const endings[] = {".safetensors", ".bin"};
  for (size_t i = 0; i < ARRAY_LEN(endings); i++)
    if (span_ends(name, span_str(endings[i]))) return span_str(endings[i]);
  return SPAN("");
}

/* "model.safetensors.fp16": what stands before the last dot is weights, what follows their variant. */
static bool split_variant(struct span name, struct index_name *out) {
  size_t dot = name.n;
  while (dot > 0 && name.p[dot - 1] != '.') dot--;
  if (dot == 0 || sharded_ending(span_first(name, dot - 1)).n == 0) return false;
  *out = (struct index_name){.of = span_first(name, dot - 1), .variant = span_from(name, dot)};
  return true;
}

bool index_name_read(struct span name, struct index_name *out) {
  const struct span json = SPAN(".json"), index = SPAN(".index");
  if (!span_ends(name, json)) return false;
  struct span rest = span_first(name, name.n - json.n);
  if (span_ends(rest, index)) {
    rest.n -= index.n;
    if (!split_variant(rest, out)) *out = (struct index_name){.of = rest}; /* as diffusers writes it */
    return rest.n > 0;
  }
  size_t dot = rest.n;
  while (dot > 0 && rest.p[dot - 1] != '.') dot--;
  struct span before = span_first(rest, dot ? dot - 1 : 0);
  if (!span_ends(before, index)) return false;
  before.n -= index.n;
  *out = (struct index_name){.of = before, .variant = span_from(rest, dot)}; /* as transformers does */
  return sharded_ending(before).n > 0;
}

struct span index_set_name(struct arena *a, const struct index_name *index) {
  struct span ending = sharded_ending(index->of), stem = span_first(index->of, index->of.n - ending.n);
  if (index->variant.n == 0) return index->of;
  return arena_printf(a, "%.*s.%.*s%.*s", (int)stem.n, (const char *)stem.p, (int)index->variant.n,
                      (const char *)index->variant.p, (int)ending.n, (const char *)ending.p);
}
