/* A whole-module save keeps, of each module, whether it was in training mode: dropout and batch norm then do
 * in use what they do in training, until somebody calls eval(). */
#include "api/emit.h"
#include "base/memory.h"

enum { NAMED = 64, NAME_ROOM = 512 };

static bool is_field(const struct plan *p, const struct plan_value *v, const char *key) {
  return span_is(plan_span(p, v->key), key);
}

/* Which records have `_modules`, a byte each; NULL: no memory. One pass, whatever shares a parent. */
static uint8_t *find_modules(const struct plan *p) {
  uint8_t *holds = memory_calloc(p->num_values ? p->num_values : 1, 1);
  for (uint32_t i = 0; holds && i < p->num_values; i++)
    if (is_field(p, &p->values[i], "_modules")) holds[p->values[i].parent] = 1;
  return holds;
}

/* Of an nn.Module: what holds this `training` has `_modules` too. */
static bool is_mode(const struct plan *p, const uint8_t *holds_modules, uint32_t i) {
  const struct plan_value *v = &p->values[i];
  return v->kind == PLAN_VAL_BOOL && v->parent < i && is_field(p, v, "training") &&
         p->values[v->parent].kind == PLAN_VAL_RECORD && holds_modules[v->parent];
}

/* "layer1.0.bn": the keys below each _modules on the way up, written from the end of the room. */
static struct span module_name(const struct plan *p, uint32_t record, char room[NAME_ROOM]) {
  size_t at = NAME_ROOM;
  for (uint32_t i = record; i > 0 && p->values[i].parent < i; i = p->values[i].parent) {
    const struct plan_value *up = &p->values[p->values[i].parent];
    struct span key = plan_span(p, p->values[i].key);
    if (!is_field(p, up, "_modules") || key.n == 0) continue;
    if (key.n + 1 > at) break;
    if (at < NAME_ROOM) room[--at] = '.';
    at -= key.n;
    memcpy(room + at, key.p, key.n);
  }
  return span_of(room + at, NAME_ROOM - at);
}

void add_modes(const struct job *job, cJSON *file) {
  const struct plan *p = &job->plan;
  uint64_t modules = 0, training = 0, named = 0;
  char room[NAME_ROOM];
  cJSON *o = NULL, *names = NULL;
  uint8_t *holds_modules = find_modules(p);
  for (uint32_t i = 0; holds_modules && i < p->num_values; i++) {
    if (!is_mode(p, holds_modules, i)) continue;
    if (!o) {
      o = event_object(file, "modes");
      names = event_array(o, "training");
    }
    modules++;
    if (!p->values[i].number) continue;
    training++;
    if (named++ < NAMED) event_push_text(names, module_name(p, p->values[i].parent, room), NAME_ROOM);
  }
  free(holds_modules);
  if (!o) return;
  event_u64(o, "modules", modules);
  event_u64(o, "in_training", training);
}
