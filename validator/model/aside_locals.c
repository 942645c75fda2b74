/* What a loader would call of a zip whose table of contents is not to be believed, or that stands where
 * another file is. Who reads such a zip from its beginning, or repairs it, finds members by their local
 * headers. */
#include "container/serialized.h"
#include "container/zip.h"
#include "model/call.h"

/* What is looked at: so much of all, of one, of one that is inflated; and so many. */
enum { LOCALS_BYTES = 64 << 20, LOCAL_BYTES = 16 << 20, INFLATED_BYTES = 1 << 20, LOCALS_MAX = 4096 };
enum { PROGRAMS_ASKED = 64, SNIFFED_BYTES = 65536 };

struct locals {
  struct checkpoint *cp;
  uint8_t *inflated; /* INFLATED_BYTES */
  uint64_t left;     /* bytes that may be looked at */
};

/* Was its program run to the end already? */
static bool is_read_there(const struct checkpoint *cp, uint64_t data_at) {
  for (uint32_t i = 0; cp->container->usable && i < cp->programs.n && i < PROGRAMS_ASKED; i++) {
    const struct machine *m = &cp->programs.p[i]->machine;
    if (m->stopped && m->member != MEMBER_FILE && m->member <= cp->container->num_members &&
        cp->container->members[m->member - 1].data_at == data_at)
      return true;
  }
  return false;
}

/* The JSON of stable-baselines3 (unpack_json.c). */
static bool judge_text(struct locals *l, uint64_t at, struct span text) {
  static const char key[] = ":serialized:";
  text = span_first(text, INFLATED_BYTES);
  if (!memmem(text.p, text.n, key, sizeof key - 1)) return false;
  size_t room = base64_room(text.n), next = 0, n;
  uint8_t *program = arena_array(l->cp->arena, room, uint8_t);
  if (!program || !arena_copy(l->cp->arena, text, &text)) return true;
  l->left -= min_u64(l->left, text.n);
  while (serialized_next(text, &next, program, room, &n))
    (void)judge_program(l->cp, MEMBER_FILE, at, span_of(program, n));
  return true;
}

static bool judge_found(struct locals *l, uint64_t at, struct span bytes) {
  struct checkpoint *cp = l->cp;
  enum container_kind kind = container_sniff(span_first(bytes, SNIFFED_BYTES));
  const struct call place = {.at = (uint32_t)min_u64(at, UINT32_MAX)};
  cp->member = MEMBER_FILE;
  if (kind == CONTAINER_TEXT) return judge_text(l, at, bytes);
  if (kind != CONTAINER_PICKLE && kind != CONTAINER_NPY && kind != CONTAINER_TORCH_LEGACY) return false;
  bytes = span_first(bytes, (size_t)min_u64(bytes.n, l->left));
  l->left -= bytes.n;
  if (!arena_copy(cp->arena, bytes, &bytes)) return true;
  if (kind == CONTAINER_PICKLE)
    (void)judge_program(cp, MEMBER_FILE, at, bytes);
  else
    judge_file(cp, &place, bytes);
  return true;
}

/* The method, the lengths and the flags may be lies. */
static void judge_local(struct locals *l, const struct zip_local *local) {
  uint64_t at = zip_data_at(local);
  struct span file = l->cp->container->file;
  if (at >= file.n || is_read_there(l->cp, at)) return;
  struct span data = span_from(file, (size_t)at);
  size_t n = local->csize ? min_size(local->csize, LOCAL_BYTES) : LOCAL_BYTES;
  if (judge_found(l, at, span_first(data, n)) || local->method == METHOD_STORED) return;
  n = zip_inflate_some(data, l->inflated, INFLATED_BYTES);
  if (!judge_found(l, at, span_of(l->inflated, n))) l->left -= min_u64(l->left, n);
}

/* Do readers of zips see different files here, or other members than are read? */
static bool is_doubtful(const struct checkpoint *cp) {
  static const enum obs_kind doubts[] = {
      OBS_KIND_PREFIXED_ZIP, OBS_KIND_ZIP_BEHIND,  OBS_KIND_ZIP_INSIDE,    OBS_ZIP_SECOND_END,
      OBS_ZIP_TRAILING,      OBS_ZIP_COMMENT,      OBS_ZIP_DIRECTORY_REST, OBS_ZIP_DIRECTORY_GAP,
      OBS_ZIP_UNLISTED,      OBS_ZIP_GAP,          OBS_ZIP_METHOD,         OBS_ZIP_ENCRYPTED,
      OBS_ZIP_STORED_SIZES,  OBS_ZIP_NO_BYTES,     OBS_ZIP_LOCAL_CSIZE,    OBS_ZIP_LOCAL_SIZE,
      OBS_ZIP_OVERLAP,       OBS_ZIP_LOCAL_METHOD, OBS_ZIP_LOCAL_NAME,     OBS_ZIP_LOCAL_CRC,
      OBS_ZIP_LOCAL_FLAGS,   OBS_INFLATE_SIZE,     OBS_INFLATE_BROKEN};
  switch (cp->container->kind) {
  case CONTAINER_TORCH_ZIP:
  case CONTAINER_TORCHSCRIPT:
  case CONTAINER_TORCH_PACKAGE:
  case CONTAINER_NPZ:
  case CONTAINER_PT2:
  case CONTAINER_STABLE_BASELINES3:
  case CONTAINER_OTHER_ZIP:
    if (!cp->container->usable) return true;
    break;
  default: break;
  }
  for (size_t i = 0; i < ARRAY_LEN(doubts); i++)
    if (cp->obs->seen[doubts[i]]) return true;
  return false;
}

static void judge_each(struct locals *l, bool (*find)(struct span, uint64_t *, struct zip_local *)) {
  uint64_t at = 0;
  struct zip_local local;
  for (uint32_t i = 0; l->left && l->inflated && i < LOCALS_MAX; i++) {
    if (!find(l->cp->container->file, &at, &local)) return;
    judge_local(l, &local);
  }
}

void judge_locals(struct checkpoint *cp) {
  if (!is_doubtful(cp)) return;
  struct locals l = {
      .cp = cp, .left = LOCALS_BYTES, .inflated = arena_array(cp->arena, INFLATED_BYTES, uint8_t)};
  judge_each(&l, zip_find_local);
  judge_each(&l, zip_find_unsigned);
}
