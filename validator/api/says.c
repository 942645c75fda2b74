/* Short answers for a person: how to load the file, what a check's result means in load_state_dict's terms.
 */
#include "api/emit.h"
#include "api/propose.h"
#include "base/memory.h"
#include "report/figures.h"

enum { LINE = 512, INDEX = 384 };

static void say(cJSON *list, const char *line) { event_push_text(list, span_str(line), LINE); }

static bool on_device(const struct plan *p) {
  for (uint32_t i = 0; i < p->num_storages; i++)
    if (!span_is(plan_span(p, p->storages[i].location), "cpu")) return true;
  return false;
}

/* Puts text in front of what stands in the room from *at on. False: it has no room. */
static bool put_before(char room[INDEX], size_t *at, const char *text, size_t n) {
  if (n > *at) return false;
  *at -= n;
  memcpy(room + *at, text, n);
  return true;
}

/* A key as Python text: the line is there to be copied, and the key is the file's. */
static bool put_text_key(char room[INDEX], size_t *at, struct span key) {
  bool fine = put_before(room, at, "\"]", 2);
  for (size_t i = key.n; fine && i > 0; i--) {
    char c[5];
    bool control = key.p[i - 1] < 0x20 || key.p[i - 1] == 0x7f,
         quoted = key.p[i - 1] == '"' || key.p[i - 1] == '\\';
    int n = control ? snprintf(c, sizeof c, "\\x%02x", key.p[i - 1])
                    : snprintf(c, sizeof c, "%s%c", quoted ? "\\" : "", key.p[i - 1]);
    fine = n > 0 && put_before(room, at, c, (size_t)n);
  }
  return fine && put_before(room, at, "[\"", 2);
}

static bool is_index(const struct plan_value *of, struct span key) {
  bool list = of->kind == PLAN_VAL_LIST || of->kind == PLAN_VAL_TUPLE;
  bool numbers = of->kind == PLAN_VAL_DICT && of->number & PLAN_DICT_OTHER_KEYS;
  for (size_t i = 0; i < key.n; i++)
    if (key.p[i] < '0' || key.p[i] > '9') return false;
  return key.n > 0 && (list || numbers);
}

/* The Python expression that reaches the state dict from what torch.load returns: '["model"]["ema"]', '[0]'.
 * False: it is too long for a line. */
static bool index_text(const struct plan *p, uint32_t value, char room[INDEX], const char **out) {
  size_t at = INDEX - 1;
  room[at] = '\0';
  for (uint32_t i = value; i; i = p->values[i].parent) {
    struct span key = plan_span(p, p->values[i].key);
    bool index = is_index(&p->values[p->values[i].parent], key);
    if (index ? !put_before(room, &at, "]", 1) || !put_before(room, &at, (const char *)key.p, key.n) ||
                    !put_before(room, &at, "[", 1)
              : !put_text_key(room, &at, key))
      return false;
  }
  *out = room + at;
  return true;
}

/* How what torch.load does not read is loaded. */
static void say_other_loading(const struct plan *p, cJSON *list) {
  bool pickled = p->header->num_ops > 0;
  switch ((enum container_kind)p->header->kind) {
  case CONTAINER_NPY:
  case CONTAINER_NPZ:
    say(list, pickled
                  ? "numpy.load refuses its objects; numpy.load(FILE, allow_pickle=True) unpickles them: use "
                    "that only where you trust the file's maker"
                  : "numpy.load(FILE) reads it");
    return;
  case CONTAINER_TORCHSCRIPT:
    say(list,
        "torch.jit.load(FILE, map_location=\"cpu\") loads it: a program, whose code is not judged here and "
        "runs when it is called; ckptlint inspect --tensors lists its tensors");
    return;
  case CONTAINER_PT2:
    say(list,
        "torch.export.load(FILE) loads it, torch._inductor.aoti_load_package(FILE) one with native code: a "
        "program, which is not judged here; ckptlint inspect --tensors lists its weights");
    return;
  default: return;
  }
}

/* Which line loads it: state dict, checkpoint["…"], or a whole module. */
static void say_loading(const struct job *job, const struct model_summary *s, enum weights_only how,
                        cJSON *list) {
  const struct plan *p = &job->plan;
  char line[LINE], room[INDEX];
  const char *index;
  if (job->verdict == VERDICT_UNSAFE) return;
  say_other_loading(p, list);
  if (p->num_dicts == 0) return;
  const struct plan_dict *d = &p->dicts[s && s->found ? s->dict : 0];
  const char *map = on_device(p) ? ", map_location=\"cpu\"" : "";
  if (d->module)
    say(list,
        "a whole module is pickled: loading it needs its classes, and runs their code. Where it was made, "
        "save model.state_dict() instead; ckptlint inspect --tensors lists its tensors");
  if (p->header->kind == CONTAINER_SAFETENSORS) {
    say(list, "state_dict = safetensors.torch.load_file(FILE)");
    return;
  }
  if (p->header->kind == CONTAINER_PICKLE)
    say(list, "a bare pickle: torch.load refuses it, and pickle.load imports and calls whatever it names");
  if (!container_torch_loads((enum container_kind)p->header->kind)) return;
  if (!index_text(p, d->value, room, &index)) return;
  if (how == WEIGHTS_ONLY_STOPS)
    say(list,
        "weights_only=True stops at what is listed above; weights_only=False lets it run: use that only "
        "where you know the code and trust the file's maker");
  if (snprintf(line, sizeof line, "%s%s = torch.load(FILE%s, weights_only=%s)%s",
               how == WEIGHTS_ONLY_TOLD ? "then " : "", d->module ? "model" : "state_dict", map,
               how == WEIGHTS_ONLY_STOPS ? "False" : "True", index) > 0)
    say(list, line);
}

/* What load_state_dict would do with the keys as they are; counts are of the parameters' elements. */
static void say_check(const struct model_summary *s, cJSON *list) {
  char line[LINE], loaded[FIGURE_ROOM], all[FIGURE_ROOM], left[FIGURE_ROOM], ignored[FIGURE_ROOM];
  uint64_t total;
  if (!try_add(s->params_loaded, s->params_missing, &total)) total = UINT64_MAX;
  double percent = total ? 100.0 * (double)s->params_loaded / (double)total : 100;
  figure_count(loaded, s->params_loaded);
  figure_count(all, total);
  figure_count(left, s->params_missing);
  figure_count(ignored, s->params_ignored);
  if (s->adapter)
    (void)snprintf(line, sizeof line,
                   "model = peft.PeftModel.from_pretrained(base_model, FOLDER); load_state_dict of the base "
                   "model takes none of it");
  else if (s->packed)
    (void)snprintf(line, sizeof line,
                   "load_state_dict of the plain model does not take the %u quantised weight%s: "
                   "from_pretrained builds other "
                   "modules for them; %s of %s parameters are there",
                   s->packed, s->packed == 1 ? "" : "s", loaded, all);
  else if (s->loads_strict)
    (void)snprintf(line, sizeof line, "load_state_dict passes, strict or not, and loads %s%s parameters",
                   s->params_missing ? "" : "all ", loaded);
  else if (s->loads_loose && s->missing + s->unexpected == 0 && s->forgiven)
    (void)snprintf(
        line, sizeof line,
        "load_state_dict(strict=True) raises over %u key%s that the architecture file forgives (tied or "
        "ignored); strict=False passes and loads all %s parameters",
        s->forgiven, s->forgiven == 1 ? "" : "s", loaded);
  else if (s->loads_loose)
    (void)snprintf(
        line, sizeof line,
        "load_state_dict(strict=True) raises; strict=False passes: %s of %s parameters (%.4g%%) are loaded, "
        "%s keep their random initialisation, %s of the file are ignored",
        loaded, all, percent, left, ignored);
  else
    (void)snprintf(line, sizeof line, "load_state_dict raises, strict or not%s",
                   s->loads_after_fix ? "; it passes once the keys are renamed as said above" : "");
  say(list, line);
}

/* Tensors outside all state dicts: moments of an optimizer, random states. */
static void say_training(const struct job *job, cJSON *list) {
  const struct plan *p = &job->plan;
  char line[LINE], room[FIGURE_ROOM], all[FIGURE_ROOM];
  uint64_t bytes = 0, total = 0;
  uint8_t *counted = memory_calloc((size_t)p->num_storages + 1, 1);
  for (uint32_t i = 0; counted && i < p->num_tensors; i++) {
    const struct plan_tensor *t = &p->tensors[i];
    uint64_t size = t->storage ? p->storages[t->storage - 1].bytes : 0;
    if (!t->storage || counted[t->storage] || !try_add(total, size, &total)) continue;
    counted[t->storage] = 1;
    if (t->state_key.n == 0) bytes += size;
  }
  free(counted);
  if (bytes <= total / 10) return;
  (void)snprintf(line, sizeof line,
                 "%s of the tensors' %s are training state beside the weights: for inference "
                 "torch.save(model.state_dict(), FILE) is enough",
                 figure_bytes(room, bytes), figure_bytes(all, total));
  say(list, line);
}

/* What is known of a test that no finding speaks of. */
static void say_test(const struct job *job, const struct result_test *t, cJSON *list) {
  char line[LINE];
  const struct result_output *first = NULL;
  uint32_t unknown = 0;
  for (uint32_t k = 0; k < t->num_outputs; k++) {
    const struct result_output *o = &job->result->outputs[t->first_output + k];
    if (o->golden != GOLDEN_NONE) continue;
    if (!unknown++) first = o;
  }
  if (unknown == 0) return;
  if (unknown == t->num_outputs) {
    say(list, "the forward pass computes; correctness unknown: there is no recorded output to compare with");
    return;
  }
  struct span name = result_span(job->result, first->name);
  (void)snprintf(line, sizeof line, "correctness unknown of output %.*s%s: nothing is recorded for it",
                 (int)min_size(name.n, 40), (const char *)name.p, unknown > 1 ? " and others" : "");
  say(list, line);
}

static void say_forward(const struct job *job, cJSON *list) {
  for (uint32_t i = 0; i < job->result->num_tests; i++) {
    const struct result_test *t = &job->result->tests[i];
    if (t->status != RESULT_COMPUTED || t->nonfinite_place.n || t->num_outputs == 0) continue;
    const int before = cJSON_GetArraySize(list);
    say_test(job, t, list);
    if (cJSON_GetArraySize(list) > before) return;
  }
}

void job_says(const struct job *job, enum weights_only how, cJSON *file) {
  cJSON *list = event_array(file, "says");
  const struct model_summary *s = job_summary(job);
  bool diff = job->run->options->verb == VERB_DIFF;
  if (job->run->options->proposal && job->folder.n == 0 && !is_reviewable(job))
    say(list, "the policy file has no entry for it: see the findings");
  if (job->have_plan && !job->merged && !diff && !(s && s->whole_module)) say_loading(job, s, how, list);
  if (s) say_check(s, list);
  if (s && s->matched && !job->merged) say_training(job, list);
  if (job->result) say_forward(job, list);
  if (job->have_plan && !job_key_matches(job))
    say(list, "no tensor matches --key: it is compared with whole keys, * stands for any run");
}
