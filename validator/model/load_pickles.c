/* A bare pickle, or several in a row (format-spec G.7). pickle.load reads the first, a loop reads them all:
 * each is a program of its own, and judged like the first. */
#include "container/detect.h"
#include "model/checkpoint.h"

static bool refuse_memory(struct checkpoint *cp) {
  cp->unread = true;
  return refuse(cp->obs, (struct observation){
                             .kind = OBS_LIMIT_MEMORY, .got = cp->arena->used, .want = cp->arena->budget});
}

/* A pickle has no length: its section reaches to the end of the file, until the program has ended. */
static struct program *run_one(struct checkpoint *cp, uint32_t number, struct span rest, uint64_t at) {
  struct span key = SPAN(""), name = SPAN("pickle");
  if (number) {
    key = arena_printf(cp->arena, "%u", number);
    name = arena_printf(cp->arena, "pickle.%u", number);
  }
  struct member *rec = container_append(cp->container, cp->arena, cp->max, name, at, rest.n);
  if (!rec || name.n == 0) {
    (void)refuse_memory(cp);
    return NULL;
  }
  rec->used = true;
  return run_program(cp, key, member_number(cp->container, rec), rest);
}

/* What no unpickler would begin to read is data behind the program. A broken one has called by then what
 * stands before the break (threats D04). */
static bool is_pickle(struct span rest) {
  if (rest.n >= 2 && rest.p[0] == 0x80 && rest.p[1] <= 5) return true; /* PROTO */
  struct probe p = {.head = span_first(rest, min_size(rest.n, PROBE_BYTES)), .file = rest};
  return looks_like_pickle(&p);
}

/* Behind STOP: is there another pickle to run? */
static bool goes_on(struct checkpoint *cp, const struct program *p, uint32_t number) {
  const struct reader *in = &p->machine.in;
  if (!p->machine.stopped || in->left.n == 0) return false;
  if (!is_pickle(in->left)) {
    note_load(cp, OBS_PKL_TRAILING, p->machine.member, in->at, in->left.n, 0);
    return false;
  }
  if (number == cp->max->pickles) {
    cp->unread = true;
    note_load(cp, OBS_LIMIT_PICKLES, p->machine.member, in->at, number, cp->max->pickles);
    return false;
  }
  struct member *rec = &cp->container->members[p->machine.member - 1];
  rec->csize = rec->size = in->at;
  return true;
}

void load_pickles(struct checkpoint *cp) {
  struct span rest;
  uint64_t at = 0;
  uint32_t number = 0;
  if (!load_copy(cp, 0, cp->container->file.n, &rest)) return;
  const struct program *p = run_one(cp, number, rest, at);
  while (p && goes_on(cp, p, ++number)) {
    if (number == 1) cp->roots.p[0].key = SPAN("0"); /* no longer the tree itself */
    at += p->machine.in.at;
    rest = p->machine.in.left;
    p = run_one(cp, number, rest, at);
  }
  if (cp->programs.n > 1)
    note_load(cp, OBS_PKL_SEVERAL, MEMBER_FILE, cp->container->members[1].data_at, cp->programs.n, 0);
}
