/* stable-baselines3 keeps what is no tensor in a JSON object: `data`. Each of its members that is an object
 * with
 * ":serialized:" is a pickle in base64, which its loader unpickles (save_util.py, json_to_data). */
#include "base/json.h"
#include "container/unpack.h"

static int digit_of(uint8_t c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* As CPython's binascii.a2b_base64 reads it: other characters are passed over, the padding ends it. `out` has
 * room for 3 bytes of every 4. False: the padding is not there. */
static bool decode(struct span text, uint8_t *out, size_t *n) {
  uint32_t bits = 0;
  unsigned place = 0, pads = 0;
  *n = 0;
  for (size_t i = 0; i < text.n; i++) {
    int digit = digit_of(text.p[i]);
    if (text.p[i] == '=' && place >= 2 && place + ++pads >= 4) return true;
    if (digit < 0) continue;
    pads = 0;
    bits = bits << 6 | (uint32_t)digit;
    place = (place + 1) % 4;
    if (place != 1) out[(*n)++] = (uint8_t)(bits >> (place == 2 ? 4 : place == 3 ? 2 : 0));
  }
  return place == 0;
}

static bool unpack_item(struct unpack *u, struct span member, const cJSON *item) {
  const char *text = cJSON_GetStringValue(json_get(item, ":serialized:"));
  struct span name = arena_printf(u->arena, "%.*s:%s", (int)member.n, (const char *)member.p, item->string);
  size_t room, n;
  if (!text) return unpack_broken(u, name, ": no text in :serialized:");
  uint8_t *at = unpack_room(u, &room);
  if (strlen(text) / 4 * 3 + 3 > room) return unpack_full(u, name);
  if (!decode(span_str(text), at, &n)) return unpack_broken(u, name, ": the base64 is cut off");
  return unpack_hand_out(u, name, n);
}

bool json_unpack(struct unpack *u, struct span member, struct span text) {
  struct json_error err;
  cJSON *root = json_parse(text, u->max, &err);
  bool whole = cJSON_IsObject(root);
  if (!root) return unpack_broken(u, member, ": the JSON is not read");
  if (!whole) whole = unpack_broken(u, member, ": the JSON is no object");
  for (const cJSON *item = root->child; item; item = item->next)
    if (json_get(item, ":serialized:")) whole = unpack_item(u, member, item) && whole;
  cJSON_Delete(root);
  return whole;
}
