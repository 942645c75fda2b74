/* What a loader would call of what stands behind the end of a file: who reads on from there, or looks for
 * another kind of file, finds it. That it stands there was observed, and refused. */
#include "model/call.h"

enum { TAIL_BYTES = 16 << 20 };

void judge_tail(struct checkpoint *cp, uint32_t member, uint64_t at, struct span rest) {
  const struct call place = {.at = (uint32_t)min_u64(at, UINT32_MAX)}; /* where the end is */
  size_t zeros = 0;                                                    /* padding */
  while (zeros < rest.n && zeros < TAIL_BYTES && rest.p[zeros] == 0) zeros++;
  rest = span_first(span_from(rest, zeros), TAIL_BYTES);
  if (cp->nesting >= cp->max->nested_payloads || container_is_bystander(container_sniff(rest), SPAN("")))
    return;
  cp->member = member;
  if (arena_copy(cp->arena, rest, &rest)) (void)judge_file(cp, &place, rest);
}

void judge_tails(struct checkpoint *cp) {
  static const enum obs_kind tails[] = {OBS_LEGACY_TRAILING, OBS_SAFETENSORS_TRAILING, OBS_GGUF_TRAILING,
                                        OBS_GGUF_PADDING,    OBS_TAR_PADDING,          OBS_ZIP_TRAILING};
  for (size_t k = 0; k < ARRAY_LEN(tails); k++) {
    if (!cp->obs->seen[tails[k]]) continue;
    uint32_t i = 0;
    while (i < cp->obs->n && cp->obs->list[i].kind != tails[k]) i++;
    if (i == cp->obs->n) continue;
    uint64_t at = cp->obs->list[i].at;
    judge_tail(cp, MEMBER_FILE, at,
               span_from(cp->container->file, (size_t)min_u64(at, cp->container->file.n)));
  }
}
