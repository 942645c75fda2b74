#include "base/json.h"

#include <malloc.h>

#include "base/json_token.h"
#include "base/json_valid.h"
#include "base/memory.h"

enum { WRITTEN_AS_INTEGER = 1 << 16 }; /* our bit in cJSON's type; its own end at 1 << 9 */

/* ---- memory: cJSON's hooks take no context, so the budget is the one mutable thing of this layer ---- */

static size_t budget_left = SIZE_MAX;

static void *budgeted_malloc(size_t size) {
  void *p = size > budget_left ? NULL : memory_malloc(size);
  if (!p) return NULL;
  size_t held = malloc_usable_size(p);
  if (held > budget_left) {
    free(p);
    return NULL;
  }
  budget_left -= held;
  return p;
}

static void budgeted_free(void *p) {
  if (p) budget_left += malloc_usable_size(p);
  free(p);
}

void json_budget(size_t bytes) {
  budget_left = bytes;
  cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = budgeted_malloc, .free_fn = budgeted_free});
}

/* ---- the tree ---- */

static size_t skip_number(struct span text, size_t at) {
  while (at < text.n && (is_digit(text.p[at]) || (text.p[at] && strchr("+-.eE", text.p[at])))) at++;
  return at;
}

/* The next number token at or behind *at, and moves behind it. */
static struct span next_number(struct span text, size_t *at) {
  while (*at < text.n && text.p[*at] != '-' && !is_digit(text.p[*at]))
    *at = text.p[*at] == '"' ? json_skip_string(text, *at) : *at + 1;
  size_t start = *at;
  *at = skip_number(text, start);
  return span_of(text.p + start, *at - start);
}

static bool written_as_integer(struct span token) {
  for (size_t i = token.n && token.p[0] == '-'; i < token.n; i++)
    if (!is_digit(token.p[i])) return false;
  return token.n > 0 && json_exact(token);
}

/* cJSON forgets how a number was written. The tree in preorder has its numbers in the order of the text. */
static void mark_integers(cJSON *root, struct span text) {
  cJSON *open[JSON_DEPTH_ROOM];
  size_t depth = 0, at = 0;
  for (cJSON *item = root; item;) {
    if (cJSON_IsNumber(item) && written_as_integer(next_number(text, &at))) item->type |= WRITTEN_AS_INTEGER;
    if (item->child) {
      open[depth++] = item; /* fits: the validator counted the levels */
      item = item->child;
      continue;
    }
    while (!item->next && depth > 0) item = open[--depth];
    item = item->next;
  }
}

static bool validate(struct span text, const struct limits *max, bool rounds, struct json_error *err) {
  *err = (struct json_error){.line = 1, .column = 1};
  if (text.n <= max->json_bytes) return json_validate(text, max, rounds, budget_left, err);
  err->fault = JSON_LIMIT_BYTES;
  err->what = "a smaller JSON file";
  return false;
}

/* What passed the validator is JSON: only memory is left as a reason. */
static bool refuse_memory(struct json_error *err) {
  *err = (struct json_error){.fault = JSON_LIMIT_MEMORY,
                             .line = 1,
                             .column = 1,
                             .what = "fewer values: the memory for JSON is spent"};
  return false;
}

static cJSON *build(struct span text) {
  cJSON *root = cJSON_ParseWithLength((const char *)text.p, text.n);
  if (root) mark_integers(root, text);
  return root;
}

static cJSON *parse(struct span text, const struct limits *max, bool rounds, struct json_error *err) {
  if (!validate(text, max, rounds, err)) return NULL;
  cJSON *root = build(text);
  if (!root) (void)refuse_memory(err);
  return root;
}

cJSON *json_parse(struct span text, const struct limits *max, struct json_error *err) {
  return parse(text, max, false, err);
}

cJSON *json_parse_event(struct span text, const struct limits *max, struct json_error *err) {
  return parse(text, max, true, err);
}

/* The room for an object of one member. */
struct single {
  uint8_t *p;
  size_t n;
};

static cJSON *build_single(struct single *s, struct span member) {
  size_t n = member.n + 2; /* its brackets */
  if (!s->p || n > s->n) {
    budgeted_free(s->p);
    *s = (struct single){budgeted_malloc(n), n};
    if (!s->p) return NULL;
  }
  s->p[0] = '{';
  memcpy(s->p + 1, member.p, member.n);
  s->p[n - 1] = '}';
  return build(span_of(s->p, n));
}

bool json_members(struct span text, const char *inside, const struct limits *max, struct json_error *err,
                  json_member_fn *each, void *ctx) {
  struct single room = {NULL, 0};
  struct span member;
  uint64_t start = 0;
  size_t at = 0;
  if (!validate(text, max, false, err)) return false;
  if (!json_offset(text, &inside, inside ? 1 : 0, &start)) return true;
  text = json_text_at(text, start);
  bool fine = true, object = text.p[0] == '{';
  while (fine && object && json_next_member(text, &at, &member)) {
    cJSON *root = build_single(&room, member);
    fine = root ? each(ctx, root->child) : refuse_memory(err);
    cJSON_Delete(root);
  }
  budgeted_free(room.p);
  return fine;
}

const cJSON *json_get(const cJSON *object, const char *key) {
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

bool json_int(const cJSON *item, int64_t *out) {
  if (!cJSON_IsNumber(item) || !(item->type & WRITTEN_AS_INTEGER)) return false;
  *out = (int64_t)item->valuedouble; /* exact: the validator refused what is beyond 2^53 */
  return true;
}

/* ---- many lookups in one object ---- */

static uint32_t hash_text(struct span key) {
  uint64_t seed[2];
  json_seed(seed);
  return (uint32_t)(siphash(seed, key) & UINT32_MAX);
}

bool json_index(struct json_index *x, struct arena *a, const cJSON *object) {
  if (!cJSON_IsObject(object)) return true;
  for (const cJSON *item = object->child; item; item = item->next) {
    struct json_member *slot = vec_push(a, &x->members, UINT32_MAX);
    if (!slot || !hash_add(a, &x->hashes, hash_text(span_str(item->string)), UINT32_MAX)) return false;
    slot->item = item;
  }
  return true;
}

const cJSON *json_find(const struct json_index *x, struct span key) {
  uint32_t hash = hash_text(key);
  for (uint32_t i = hash_find(&x->hashes, hash, 0); i; i = hash_find(&x->hashes, hash, i))
    if (span_is(key, x->members.p[i - 1].item->string)) return x->members.p[i - 1].item;
  return NULL;
}
