/* stable-baselines3 keeps what is no tensor in a JSON object: `data`. Each of its members that is an object
 * with ":serialized:" is a pickle in base64, which its loader unpickles (save_util.py, json_to_data). */
#include "base/json.h"
#include "container/detect.h"
#include "container/serialized.h"
#include "container/unpack.h"

/* By its role it is a pickle: what does not begin as one is not passed over. */
static bool unpack_item(struct unpack *u, struct span member, const cJSON *item) {
  const char *text = cJSON_GetStringValue(json_get(item, ":serialized:"));
  struct span name = arena_printf(u->arena, "%.*s:%s", (int)member.n, (const char *)member.p, item->string);
  size_t room, n;
  if (!text) return unpack_broken(u, name, ": no text in :serialized:");
  uint8_t *at = unpack_room(u, &room);
  if (base64_room(strlen(text)) > room) return unpack_full(u, name);
  if (!base64_decode(span_str(text), at, &n)) return unpack_broken(u, name, ": the base64 is cut off");
  enum container_kind kind = container_sniff(span_of(at, n));
  if (kind != CONTAINER_PICKLE && kind != CONTAINER_TORCH_LEGACY)
    return unpack_broken(u, name, ": what it spells is no pickle");
  return unpack_hand_out(u, name, n);
}

/* Python's JSON takes more than is read here. */
static bool unpack_unread(struct unpack *u, struct span member, struct span text) {
  size_t at = 0, room, n;
  uint8_t *out = unpack_room(u, &room);
  while (serialized_next(text, &at, out, room, &n)) {
    (void)!unpack_beginning(u, member, n);
    out = unpack_room(u, &room);
  }
  return unpack_broken(u, member, ": the JSON is not read");
}

bool json_unpack(struct unpack *u, struct span member, struct span text) {
  struct json_error err;
  cJSON *root = json_parse(text, u->max, &err);
  bool whole = cJSON_IsObject(root);
  if (!root) return unpack_unread(u, member, text);
  if (!whole) whole = unpack_broken(u, member, ": the JSON is no object");
  for (const cJSON *item = root->child; item; item = item->next)
    if (json_get(item, ":serialized:")) whole = unpack_item(u, member, item) && whole;
  cJSON_Delete(root);
  return whole;
}
