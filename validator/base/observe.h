/* What a parser saw and will not vouch for. Parsers make observations (a kind, a place, what was expected,
 * what was found); rules/ turns them into findings; nobody here knows a severity or writes a sentence.
 *
 * The kinds stand in base/obs_*.def, one row each:
 *     OBS(id, rule, effect, "slug", "sentence")
 * Here only the id is expanded; the other columns belong to rules/reasons.c. The sentence may use {subject}
 * {detail} {member} {at} {got} {want}, for hexadecimal {got:x} {want:x} {at:x}, and {got:byte|bytes}
 * {want:is|are} for the words that go with one and with any other number. */
#ifndef CKPTLINT_BASE_OBSERVE_H
#define CKPTLINT_BASE_OBSERVE_H

#include "base/arena.h"

enum obs_kind {
  OBS_NONE,
#define OBS(id, rule, effect, slug, text) OBS_##id,
#include "base/observations.def"
#undef OBS
  OBS_COUNT
};

enum {
  OBS_TEXT_MAX = 512
}; /* bytes of subject and detail that are kept: reports are bounded, names need not be */
enum { MEMBER_FILE = 0 }; /* observation.member: 0 is the file itself, i + 1 is container member i */

struct observation {
  enum obs_kind kind;
  uint32_t member;
  uint64_t at;         /* offset in that member (its uncompressed bytes), or in the file for MEMBER_FILE */
  uint64_t len;        /* bytes concerned, 0 if a point */
  uint64_t got, want;  /* numbers of the sentence */
  struct span subject; /* untrusted bytes of the file; only a writer escapes them. Borrowed: must live as long
                          as the arena or the file */
  struct span detail;  /* a second text: untrusted too */
};

struct observations {
  struct arena *arena;
  struct observation *list; /* in the order seen */
  uint32_t n;
  uint32_t per_kind_max;         /* after so many of one kind they are only counted */
  uint32_t seen[OBS_COUNT];      /* how many of each kind, listed or not */
  bool lost;                     /* the arena was spent: something was seen and could not be noted */
  VEC(struct observation) table; /* behind list; private */
};

void observations_init(struct observations *o, struct arena *a, uint32_t per_kind_max);
/* Notes it. Never fails visibly: what can't be kept sets `lost`, which the verdict reads as not checked. */
COLD void observe(struct observations *o, struct observation what);
/* The same, answering false: `return refuse(o, (struct observation){.kind = OBS_…});` ends a stage. */
NODISCARD static inline bool refuse(struct observations *o, struct observation what) {
  observe(o, what);
  return false;
}
/* Takes back what was noted of this kind in that member: what was seen later answers it. */
void observations_withdraw(struct observations *o, enum obs_kind kind, uint32_t member);
/* Will one more of this kind be listed? What is only counted needs no texts, which a million of them would
 * fill the arena with. */
static inline bool will_list(const struct observations *o, enum obs_kind kind) {
  return o->seen[kind] < o->per_kind_max;
}

#endif
