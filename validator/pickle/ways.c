/* How many values one meets who follows every way through the result. A few shared values make that number
 * grow by powers ("billion laughs"): a loader builds them in no time, and whoever prints, compares or copies
 * what it built never ends. */
#include "pickle/op.h"

struct frame {
  val_id v;
  uint32_t next; /* of its children */
};

struct walk {
  struct machine *m;
  struct arena arena; /* of the tables below */
  float *ways;        /* by value; 0: not seen yet, OPEN: on the stack, which makes a cycle */
  VEC(struct frame) stack;
};

static const float OPEN = -1;

/* Items of containers, and those that instances got; their attributes may lead anywhere, back too. */
static uint32_t num_children(const struct machine *m, val_id v) {
  enum value_kind kind = kind_of(m, v);
  if (kind == VAL_OBJECT) return 2;
  return kind_has_items(kind) ? value_count(m, v) : 0;
}

static val_id child(const struct machine *m, val_id v, uint32_t i) {
  const struct object *o = value_object(m, v);
  if (!o) return value_item(m, v, i);
  return i ? o->items : o->appended; /* 0: it got none */
}

static bool enter(struct walk *w, val_id v) {
  struct frame *f = NULL;
  w->ways[v] = 1;
  if (num_children(w->m, v) == 0) return true;
  f = vec_push(&w->arena, &w->stack, UINT32_MAX);
  if (!f) return false;
  *f = (struct frame){.v = v};
  w->ways[v] = OPEN;
  return true;
}

static void leave(struct walk *w, val_id v) {
  float sum = 1;
  for (uint32_t i = 0; i < num_children(w->m, v); i++) {
    float of_child = w->ways[child(w->m, v, i)];
    sum += of_child > 0 ? of_child : 1;
  }
  w->ways[v] = sum;
  w->stack.n--;
}

static bool count_all(struct walk *w) {
  if (!enter(w, w->m->result)) return false;
  while (w->stack.n) {
    struct frame *f = &w->stack.p[w->stack.n - 1];
    if (f->next == num_children(w->m, f->v)) {
      leave(w, f->v);
      continue;
    }
    val_id next = child(w->m, f->v, f->next++);
    if (w->ways[next] == 0 && !enter(w, next)) return false; /* f is not used any more */
  }
  return true;
}

void note_ways(struct machine *m) {
  enum { FEW = 16 }; /* so few more ways to containers multiply to no number worth counting */
  struct walk w = {.m = m};
  if (m->num_shared < FEW) return;
  arena_init(&w.arena, m->arena->budget - m->arena->used);
  w.ways = arena_array(&w.arena, m->values.n, float);
  if (!w.ways || !count_all(&w))
    (void)refuse_memory(m);
  else if (w.ways[m->result] > (float)m->max->value_ways)
    observe(m->obs,
            (struct observation){.kind = OBS_LIMIT_WAYS, .member = m->member, .want = m->max->value_ways});
  arena_free(&w.arena);
}
