/* What a loader would call of programs that are not read for what they make: in containers too broken to be
 * believed, behind the end of an array, inside bytes that are not read here. Those calls are reported; the
 * rest stays what its container is: refused, or not checked. */
#include "container/detect.h"
#include "model/call.h"

/* What says that a loader runs, imports or changes something. */
static const enum obs_kind acts[] = {
    OBS_CALL_DANGEROUS, OBS_CALL_INDIRECT,    OBS_CALL_ENUM,     OBS_CALL_PARTIAL,     OBS_CALL_UNION,
    OBS_CALL_GADGET,    OBS_CALL_UNKNOWN,     OBS_CALL_ODD_NAME, OBS_CALL_COMPUTED,    OBS_CALL_ARGUMENTS,
    OBS_BUILD_REFUSED,  OBS_PKL_BUILD_IMPORT, OBS_PKL_EXTENSION, OBS_PKL_ITEMS_IMPORT, OBS_PKL_NAME_COMPUTED};

/* A checkpoint of its own, all of it scratch. */
struct aside {
  struct arena arena;
  struct observations seen;
  struct checkpoint cp;
  uint64_t base; /* of its bytes in the member that is named */
};

static void begin(struct aside *a, const struct checkpoint *cp, struct container *c) {
  a->base = 0;
  arena_init(&a->arena, cp->arena->budget - cp->arena->used);
  observations_init(&a->seen, &a->arena, cp->obs->per_kind_max);
  checkpoint_init(&a->cp, &a->arena, &a->seen, cp->max, c, &cp->policy);
  memcpy(a->cp.hash_seed, cp->hash_seed, sizeof a->cp.hash_seed);
  a->cp.steps = cp->steps;
  a->cp.nesting = cp->nesting + 1;
}

static bool is_act(enum obs_kind kind) {
  for (size_t i = 0; i < ARRAY_LEN(acts); i++)
    if (acts[i] == kind) return true;
  return false;
}

/* place: where to say that it happens; NULL: where it was seen, behind `base`. */
static void pass_on(struct checkpoint *cp, const struct call *place, uint64_t base, struct observation what) {
  struct span subject = span_first(what.subject, OBS_TEXT_MAX),
              detail = span_first(what.detail, OBS_TEXT_MAX);
  if (!arena_copy(cp->arena, subject, &what.subject) || !arena_copy(cp->arena, detail, &what.detail))
    cp->obs->lost = true;
  what.at += base;
  if (place) {
    what.member = cp->member;
    what.at = place->at;
  }
  observe(cp->obs, what);
  if (cp->num_refused++ == 0) cp->refused_at = (uint32_t)what.at;
}

static void pass_acts(const struct aside *a, struct checkpoint *cp, const struct call *place) {
  for (uint32_t i = 0; i < a->seen.n; i++)
    if (is_act(a->seen.list[i].kind)) pass_on(cp, place, a->base, a->seen.list[i]);
}

static void pass_imports(struct aside *a, struct checkpoint *cp, const struct call *place,
                         const struct machine *m) {
  const uint32_t *uses = global_uses(&a->cp, m);
  for (uint32_t i = 0; uses && i < m->globals.n; i++) {
    const struct global *g = &m->globals.p[i];
    const struct global_row *row = row_of_global(&a->cp, g);
    enum obs_kind kind = g->computed ? OBS_NONE : global_refused(g, row, uses[i]);
    if (kind == OBS_NONE) continue;
    pass_on(cp, place, a->base,
            (struct observation){.kind = kind,
                                 .member = m->member,
                                 .at = g->first_at,
                                 .subject = global_name(&a->arena, g),
                                 .got = g->count,
                                 .detail = span_str(row ? row->why : "")});
  }
}

static void end(struct aside *a, struct checkpoint *cp, const struct call *place) {
  pass_acts(a, cp, place);
  for (uint32_t i = 0; i < a->cp.programs.n; i++) {
    checkpoint_enter(&a->cp, a->cp.programs.p[i]);
    pass_imports(a, cp, place, &a->cp.programs.p[i]->machine);
  }
  cp->steps = a->cp.steps;
  cp->num_ops += a->cp.num_ops;
  arena_free(&a->arena);
}

/* Its storages are nobody's: no member of the real container is taken for used by them. */
uint64_t judge_program(struct checkpoint *cp, uint32_t member, uint64_t base, struct span bytes) {
  struct member nobody = {.size = 0};
  struct container none = {.kind = cp->container->kind, .file = cp->container->file, .members = &nobody};
  struct aside a;
  begin(&a, cp, &none);
  a.base = base;
  const struct program *p = run_aside(&a.cp, member, bytes);
  uint64_t at = p && p->machine.stopped ? p->machine.in.at : 0;
  end(&a, cp, NULL);
  return at;
}

/* A memo can give the same bytes to call after call. */
static bool is_known(struct checkpoint *cp, struct span bytes) {
  for (size_t i = 0; i < ARRAY_LEN(cp->judged); i++)
    if (cp->judged[i].p == bytes.p && cp->judged[i].n == bytes.n) return true;
  cp->judged[cp->num_judged++ % ARRAY_LEN(cp->judged)] = bytes;
  return false;
}

uint64_t judge_file(struct checkpoint *cp, const struct call *place, struct span bytes) {
  struct container inner;
  struct aside a;
  begin(&a, cp, &inner);
  container_open(&inner, &a.arena, &a.seen, cp->max, bytes);
  checkpoint_load(&a.cp);
  uint64_t work = a.cp.num_ops + inner.num_members;
  end(&a, cp, place);
  return work;
}

void judge_bytes(const struct call *c, struct span bytes) {
  enum { OPENING = 256 }; /* steps */
  struct checkpoint *cp = c->cp;
  if (is_known(cp, bytes) || cp->nesting >= cp->max->nested_payloads || !spend(cp, OPENING, c->at)) return;
  (void)!spend(cp, judge_file(cp, c, bytes), c->at);
}

/* Bytes, or what holds bytes, such as an io.BytesIO. */
static bool held_bytes(const struct call *c, val_id v, struct span *out) {
  if (bytes_of(c->cp, c->m, v, out)) return true;
  const struct object *o = value_object(c->m, v);
  return o && kind_of(c->m, o->args) == VAL_TUPLE && value_count(c->m, o->args) > 0 &&
         bytes_of(c->cp, c->m, value_item(c->m, o->args, 0), out);
}

void judge_arguments(const struct call *c) {
  enum { ARGUMENTS_SEEN = 4, LEAST = 4 };
  struct span bytes;
  for (uint32_t i = 0; i < c->n && i < ARGUMENTS_SEEN; i++)
    if (held_bytes(c, call_arg(c, i), &bytes) && bytes.n >= LEAST) judge_bytes(c, bytes);
}

/* What the break does to it is no finding. */
void judge_beginning(struct checkpoint *cp) {
  struct span file = cp->container->file;
  note_load(cp, OBS_NESTED_BEGINNING, MEMBER_FILE, 0, file.n, 0);
  (void)judge_file(cp, NULL, file);
  cp->unread = true;
}

/* What no unpickler would begin to read is data. A broken one has called by then what stands before the break
 * (threats D04). */
bool begins_pickle(struct span bytes) {
  if (bytes.n >= 2 && bytes.p[0] == 0x80 && bytes.p[1] <= 5) return true; /* PROTO */
  struct probe p = {.head = span_first(bytes, min_size(bytes.n, PROBE_BYTES)), .file = bytes};
  return looks_like_pickle(&p);
}

void judge_rest(struct checkpoint *cp, uint32_t member, uint64_t at, struct span rest) {
  enum { READ_ON = 64 };
  for (uint32_t i = 0; i < READ_ON && begins_pickle(rest); i++) {
    uint64_t n = judge_program(cp, member, at, rest);
    if (n == 0) return;
    at += n;
    rest = span_from(rest, (size_t)n);
  }
}
