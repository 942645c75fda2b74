/* A bare pickle, or several in a row (format-spec G.7). pickle.load reads the first, a loop reads them all:
 * each is a program of its own, and judged like the first. joblib.load reads the arrays in them too. */
#include "model/checkpoint.h"

/* A pickle has no length: its section reaches to the end of the file, until the program has ended. */
static struct program *run_one(struct checkpoint *cp, uint32_t number, struct span rest, uint64_t at) {
  struct span key = SPAN(""), name = SPAN("pickle");
  if (number) {
    key = arena_printf(cp->arena, "%u", number);
    name = arena_printf(cp->arena, "pickle.%u", number);
  }
  const struct member *rec = load_section(cp, name, at, rest.n);
  return rec ? run_program(cp, key, member_number(cp->container, rec), rest) : NULL;
}

/* Behind STOP: is there another pickle to run? */
static bool goes_on(struct checkpoint *cp, const struct program *p, uint32_t number) {
  const struct reader *in = &p->machine.in;
  if (!p->machine.stopped || in->left.n == 0) return false;
  if (!begins_pickle(in->left)) {
    note_rest(cp, p, p->machine.member);
    return false;
  }
  if (number == cp->max->pickles) {
    cp->unread = true;
    note_load(cp, OBS_LIMIT_PICKLES, p->machine.member, in->at, number, cp->max->pickles);
    return false;
  }
  load_section_end(cp, p->machine.member, in->at);
  return true;
}

/* ---- the same bytes, read by an unpickler that knows nothing of joblib ---- */

/* What a loader would run, import or change, more often than joblib would; and the limits that hide it. */
static const enum obs_kind executes[] = {OBS_BUILD_REFUSED,     OBS_PKL_BUILD_IMPORT, OBS_PKL_ITEMS_IMPORT,
                                         OBS_PKL_NAME_COMPUTED, OBS_PKL_EXTENSION,    OBS_GLOBAL_DANGEROUS,
                                         OBS_GLOBAL_INDIRECT,   OBS_GLOBAL_GADGET,    OBS_GLOBAL_ODD,
                                         OBS_GLOBAL_UNKNOWN,    OBS_GLOBAL_NAMED};
static const enum obs_kind limits[] = {OBS_LIMIT_MEMORY,        OBS_LIMIT_CALL_STEPS,   OBS_LIMIT_PICKLE_OPS,
                                       OBS_LIMIT_PICKLE_STACK,  OBS_LIMIT_PICKLE_MARKS, OBS_LIMIT_PICKLE_MEMO,
                                       OBS_LIMIT_PICKLE_VALUES, OBS_LIMIT_PICKLE_LINKS};

static void compare_readings(struct checkpoint *cp, const struct checkpoint *plain) {
  bool more = plain->num_refused > cp->num_refused;
  for (size_t i = 0; i < ARRAY_LEN(executes); i++)
    more = more || plain->obs->seen[executes[i]] > cp->obs->seen[executes[i]];
  if (more) note_load(cp, OBS_JOBLIB_POLYGLOT, MEMBER_FILE, 0, 0, 0);
  for (size_t i = 0; i < ARRAY_LEN(limits); i++)
    if (plain->obs->seen[limits[i]]) note_load(cp, limits[i], MEMBER_FILE, 0, 0, 0);
}

/* All of it is scratch: what it observes is no finding, what it makes is no value. */
static void check_plain_reading(struct checkpoint *cp, struct span rest) {
  struct arena own;
  struct observations obs;
  struct checkpoint plain;
  bool stopped = true;
  arena_init(&own, cp->arena->budget - cp->arena->used);
  observations_init(&obs, &own, 1);
  checkpoint_init(&plain, &own, &obs, cp->max, cp->container, &cp->policy);
  memcpy(plain.hash_seed, cp->hash_seed, sizeof plain.hash_seed);
  for (uint64_t n = 0; stopped && rest.n && n < cp->max->pickles; n++) {
    const struct program *p = run_aside(&plain, MEMBER_FILE, rest);
    stopped = p && p->machine.stopped;
    if (stopped) rest = p->machine.in.left;
  }
  compare_readings(cp, &plain);
  arena_free(&own);
}

void load_pickles(struct checkpoint *cp) {
  struct span file, rest;
  uint64_t at = 0, second_at = 0;
  uint32_t number = 1; /* of pickles that were run */
  if (!load_copy(cp, 0, cp->container->file.n, &file)) return;
  cp->raw_arrays = true;
  rest = file;
  const struct program *p = run_one(cp, 0, rest, 0);
  for (; p && goes_on(cp, p, number); number++) {
    cp->roots.p[0].key = SPAN("0"); /* no longer the tree itself */
    at += p->machine.in.at;
    if (number == 1) second_at = at;
    rest = p->machine.in.left;
    p = run_one(cp, number, rest, at);
  }
  if (number > 1) note_load(cp, OBS_PKL_SEVERAL, MEMBER_FILE, second_at, number, 0);
  if (cp->ambiguous) check_plain_reading(cp, file);
}
