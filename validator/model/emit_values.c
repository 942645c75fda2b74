/* The value graph as a tree in preorder, by an iterative walk. Shared containers without tensors are written
 * once; those with tensors again at every path, since each path is a key, within a budget that follows the
 * size of the graph, so that a doubling graph ends early. */
#include "model/emit_values.h"

enum { EXPAND_FACTOR = 16, EXPAND_FLOOR = 4096 };

/* Has it children, and may other values hold the same? Not so a tensor without parts, which is a row of its
 * own at every path. */
static bool is_container(const struct checkpoint *cp, const struct machine *m, val_id v) {
  const struct built *b = built_of(cp, m, v);
  if (b && b->kind == BUILT_TENSOR) return tensor_num_parts(cp, m, fact_of(cp, m, v)) > 0;
  return kind_of(m, v) == VAL_OBJECT || value_count(m, v) > 0;
}

/* Written before and not to be walked again: its row becomes a reference. */
static bool shared(const struct walk *k, val_id v) {
  const struct seen_value *s = &k->seen[v];
  return s->row && (s->open || !s->has_tensors);
}

static uint32_t new_row(struct walk *k, uint32_t parent, uint32_t depth, struct span key) {
  struct plan_value *row = k->budget ? plan_row(k->w, PLAN_values, sizeof *row) : NULL;
  if (!row) {
    k->cut = true;
    return UINT32_MAX;
  }
  k->budget--;
  uint32_t index = plan_rows(k->w, PLAN_values) - 1;
  *row = (struct plan_value){
      .parent = parent, .end = index + 1, .depth = depth, .key = plan_put(k->w, key, PATH_MAX_BYTES)};
  return index;
}

static void extend_path(struct walk *k, size_t base, struct span key) {
  size_t at = base;
  if (base && base < PATH_MAX_BYTES) k->path[base] = '/';
  at += base != 0;
  if (at < PATH_MAX_BYTES && key.n) memcpy(k->path + at, key.p, min_size(key.n, PATH_MAX_BYTES - at));
  k->path_n = at + key.n;
}

/* The machine measures nesting as values are built; what is put into each other later shows only here. */
static void end_depth(struct walk *k, struct frame *f) {
  uint64_t limit = k->cp->max->value_depth;
  if (f->num_segments && k->cp->obs->seen[OBS_LIMIT_VALUE_DEPTH] == 0)
    observe(k->cp->obs, (struct observation){.kind = OBS_LIMIT_VALUE_DEPTH,
                                             .member = k->m->member,
                                             .at = value_of(k->m, f->v)->at,
                                             .got = limit + 1,
                                             .want = limit});
  f->num_segments = 0;
}

/* The walk goes on among the values of this program. False: the budget is spent. */
static bool enter(struct walk *k, uint32_t index) {
  const struct program *p = k->cp->programs.p[index];
  const struct machine *m = &p->machine;
  struct tables *t = &k->tables[index];
  if (!t->seen) {
    k->budget += EXPAND_FACTOR * ((uint64_t)m->values.n + m->links.n);
    t->seen = arena_array(k->cp->arena, m->values.n, struct seen_value);
    t->class_names = arena_array(k->cp->arena, m->globals.n, struct plan_text);
  }
  checkpoint_enter(k->cp, p);
  k->program = index;
  k->m = m;
  k->seen = t->seen;
  k->class_names = t->class_names;
  return t->seen && t->class_names;
}

static void leave(struct walk *k, uint32_t outer_program, val_id outer, uint32_t row, bool has_tensors) {
  (void)enter(k, outer_program);
  k->seen[outer] = (struct seen_value){.row = row + 1, .has_tensors = has_tensors};
}

static void visit(struct walk *k, val_id v, uint32_t parent, uint32_t depth, struct span key);

// NOLINTBEGIN(misc-no-recursion): programs in programs, as deep as limits.nested_payloads
/* An object that is the value of a program: that value stands in its place. Programs lie in each other as
 * deep as limits.def says. */
static void visit_program(struct walk *k, val_id outer, uint32_t index, uint32_t parent, uint32_t depth,
                          struct span key) {
  uint32_t row = plan_rows(k->w, PLAN_values), frames = k->frames.n, from = k->program,
           before = k->tensors->n;
  if (!enter(k, index)) {
    k->cut = true;
    return;
  }
  visit(k, k->m->result, parent, depth, key);
  if (k->frames.n == frames) {
    leave(k, from, outer, row, k->tensors->n > before);
    return;
  }
  k->frames.p[frames].outer = outer;
  k->frames.p[frames].outer_program = from;
}

/* Writes the row of v; opens a frame when it has children. */
static void visit(struct walk *k, val_id v, uint32_t parent, uint32_t depth, struct span key) {
  const struct built *b = built_of(k->cp, k->m, v);
  if (b && b->kind == BUILT_PROGRAM && !shared(k, v)) {
    visit_program(k, v, b->index, parent, depth, key);
    return;
  }
  uint32_t i = new_row(k, parent, depth, key);
  if (i == UINT32_MAX) return;
  if (!is_container(k->cp, k->m, v)) {
    put_value(k, row_at(k, i), i, v);
    return;
  }
  if (shared(k, v)) {
    row_at(k, i)->kind = PLAN_VAL_SHARED;
    row_at(k, i)->number = k->seen[v].row - 1;
    return;
  }
  uint32_t before = k->tensors->n;
  put_value(k, row_at(k, i), i, v);
  struct frame f = {.v = v, .row = i, .tensors_before = before, .path_n = k->path_n};
  open_frame(k, &f, v);
  if (depth >= k->cp->max->value_depth) end_depth(k, &f);
  struct frame *slot = vec_push(k->cp->arena, &k->frames, UINT32_MAX);
  if (!slot) {
    k->cut = true;
    return;
  }
  *slot = f;
  if (!k->seen[v].row) k->seen[v].row = i + 1;
  k->seen[v].open = true;
}
// NOLINTEND(misc-no-recursion)

static void close_frame(struct walk *k) {
  const struct frame *f = &k->frames.p[--k->frames.n];
  row_at(k, f->row)->end = plan_rows(k->w, PLAN_values);
  k->seen[f->v].open = false;
  k->seen[f->v].has_tensors = k->tensors->n > f->tensors_before;
  if (f->outer) leave(k, f->outer_program, f->outer, f->row, k->tensors->n > f->tensors_before);
}

/* The key of the entry that the walk stands at, where that is an object and no name: MetadataIndex in the
 * .metadata of a distributed checkpoint (format-spec G.8). */
static val_id object_key(const struct walk *k, const struct frame *f) {
  const struct segment *s = &f->segments[f->segment];
  val_id key = s->kind == SEGMENT_PAIRS ? value_item(k->m, s->v, 2 * f->next) : 0;
  return key && kind_of(k->m, key) == VAL_OBJECT ? key : 0;
}

/* A record that was just entered holds the key, too. */
static void add_key(struct walk *k, uint32_t frames, val_id key) {
  struct frame *f = k->frames.n > frames ? &k->frames.p[k->frames.n - 1] : NULL;
  if (!f || row_at(k, f->row)->kind != PLAN_VAL_RECORD || f->num_segments == SEGMENTS_MAX) return;
  memmove(f->segments + 1, f->segments, f->num_segments * sizeof *f->segments);
  f->segments[0] = (struct segment){SEGMENT_KEY, key, 1};
  f->num_segments++;
}

/* Everything below the frames that are open when it is called with one value more. */
static void walk_values(struct walk *k) {
  while (k->frames.n && !k->cut) {
    struct frame *f = &k->frames.p[k->frames.n - 1];
    if (f->segment == f->num_segments) {
      close_frame(k);
      continue;
    }
    char scratch[SCRATCH];
    struct span key;
    uint32_t depth = row_at(k, f->row)->depth + 1, parent = f->row, frames = k->frames.n;
    val_id entry_key = object_key(k, f);
    val_id child = child_at(k, f, scratch, &key);
    extend_path(k, f->path_n, key);
    if (++f->next == f->segments[f->segment].n) {
      f->segment++;
      f->next = 0;
    }
    visit(k, child, parent, depth, key);
    if (entry_key) add_key(k, frames, entry_key);
  }
  while (k->frames.n) close_frame(k); /* after a cut: what is open ends here */
}

/* ---- the roots: the value of the first is the tree, if it has no key; others are entries of it ---- */

/* Where roots go: a row, its depth, and the path to it. */
struct place {
  uint32_t row, depth;
  size_t path_n;
};

static bool put_program(struct walk *k, uint32_t index, const struct place *in, struct span key) {
  if (!k->cp->programs.p[index]->machine.stopped)
    return true; /* what it made has no root; the error was observed */
  if (!enter(k, index)) return false;
  visit(k, k->m->result, in->row, in->depth, key);
  walk_values(k);
  return !k->cut;
}

static bool put_root(struct walk *k, const struct root *r, const struct place *in) {
  extend_path(k, in->path_n, r->key);
  if (r->kind == ROOT_PROGRAM) return put_program(k, r->index, in, r->key);
  uint32_t i = new_row(k, in->row, in->depth, r->key);
  if (i == UINT32_MAX) return false;
  if (r->kind == ROOT_EMPTY) {
    row_at(k, i)->kind = PLAN_VAL_DICT;
    return true;
  }
  if (r->kind == ROOT_TEXT) {
    put_text(k, row_at(k, i), PLAN_VAL_TEXT, r->text);
    return true;
  }
  row_at(k, i)->kind = PLAN_VAL_TENSOR;
  uint32_t tensor = put_tensor(k, i, r->index);
  row_at(k, i)->number = tensor;
  return !k->cut;
}

/* A dict that is in no program. */
static bool open_dict(struct walk *k, struct place *place, uint32_t parent, uint32_t depth, struct span key) {
  uint32_t i = new_row(k, parent, depth, key);
  if (i == UINT32_MAX) return false;
  row_at(k, i)->kind = PLAN_VAL_DICT;
  *place = (struct place){.row = i, .depth = depth + 1, .path_n = k->path_n};
  return true;
}

static void close_dict(struct walk *k, const struct place *place) {
  row_at(k, place->row)->end = plan_rows(k->w, PLAN_values);
}

static bool put_roots(struct walk *k, const struct place *top, uint32_t first) {
  struct place place = *top;
  struct span group = SPAN("");
  bool fine = true;
  for (uint32_t i = first; fine && i < k->cp->roots.n; i++) {
    const struct root *r = &k->cp->roots.p[i];
    if (!span_eq(r->group, group)) {
      if (group.n) close_dict(k, &place);
      place = *top;
      group = r->group;
      extend_path(k, top->path_n, group);
      fine = group.n == 0 || open_dict(k, &place, top->row, top->depth, group);
    }
    fine = fine && put_root(k, r, &place);
  }
  if (group.n && place.row != top->row) close_dict(k, &place);
  return fine;
}

bool plan_emit_values(struct checkpoint *cp, struct plan_writer *w, struct tensor_paths *tensors) {
  struct walk *k = arena_new(cp->arena, struct walk);
  struct place top = {.row = 0};
  if (!k) return false;
  *k = (struct walk){.cp = cp,
                     .w = w,
                     .tables = arena_array(cp->arena, cp->programs.n, struct tables),
                     .tensors = tensors,
                     .budget = EXPAND_FLOOR + cp->roots.n};
  if (!k->tables) return false;
  if (cp->roots.n == 0) return true;
  bool tree = cp->roots.p[0].key.n == 0 && cp->roots.p[0].group.n == 0;
  if (tree ? !put_root(k, &cp->roots.p[0], &top) : !open_dict(k, &top, 0, 0, SPAN(""))) return false;
  if (plan_rows(w, PLAN_values) == 0) return true; /* its program did not come to an end */
  bool fine = put_roots(k, &(struct place){.row = 0, .depth = 1}, tree);
  close_dict(k, &top);
  return fine;
}
