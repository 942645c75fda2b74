#include "arch/sample.h"

#include "arch/trial.h"

enum { OF_MODEL = 1, OF_PART = 2 };

static void mark(uint8_t *marks, const struct match *match, uint8_t bit) {
  for (uint32_t i = 0; i < match->num_expected; i++)
    if (match->tensor[i] != MATCH_NO_TENSOR) marks[match->tensor[i]] |= bit;
}

/* The entries that the part has a place for, and those that the model has none for. */
static bool take_entries(struct sample *s, const struct hint_request *whole, const uint8_t *marks,
                         struct arena *a) {
  const struct plan_dict *dict = whole->match->dict;
  struct plan_entry *entries = arena_array(a, dict->num_entries, struct plan_entry);
  uint32_t n = 0;
  for (uint32_t i = 0; entries && i < dict->num_entries; i++) {
    const struct plan_entry *e = &whole->plan->entries[dict->first_entry + i];
    if (e->tensor == UINT32_MAX || marks[e->tensor] != OF_MODEL) entries[n++] = *e;
  }
  s->plan = *whole->plan;
  s->plan.entries = entries;
  s->plan.num_entries = n;
  s->dict = *dict;
  s->dict.first_entry = 0;
  s->dict.num_entries = n;
  s->plan.dicts = &s->dict;
  s->plan.num_dicts = 1;
  return entries != NULL;
}

bool sample_open(struct sample *s, const struct hint_request *whole, struct arena *a) {
  const struct match_options how = {.counts_only = true, .like = whole->match};
  struct observations silent;
  observations_init(&silent, a, 1);
  *s = (struct sample){.request = *whole, .sources = *whole->sources};
  s->sources.sample = true;
  s->request.sources = &s->sources;
  s->request.model = &s->model;
  s->request.match = &s->match;
  s->request.plan = &s->plan;
  uint8_t *marks = arena_array(a, whole->plan->num_tensors, uint8_t);
  struct match all;
  if (!marks ||
      !model_build(&s->model, whole->arch, &s->sources, whole->root, whole->plan->num_tensors, a, whole->max,
                   &silent) ||
      !match_run(&all, &s->model, whole->plan, whole->match->dict, &how, a, &silent))
    return false;
  mark(marks, whole->match, OF_MODEL);
  mark(marks, &all, OF_PART);
  return take_entries(s, whole, marks, a) &&
         match_run(&s->match, &s->model, &s->plan, &s->dict, &how, a, &silent) &&
         match_problems(&s->match) > 0;
}

void sample_close(struct sample *s) { model_close(&s->model); }
