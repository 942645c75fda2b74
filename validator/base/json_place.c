/* Places of values: the text once more, since cJSON keeps none. */
#include "base/json.h"
#include "base/json_token.h"

void json_line_column(struct span text, uint64_t offset, uint32_t *line, uint32_t *column) {
  size_t end = offset < text.n ? (size_t)offset : text.n;
  *line = *column = 1;
  for (size_t i = 0; i < end; i++) {
    if (text.p[i] == '\n') {
      ++*line;
      *column = 1;
    } else if ((text.p[i] & 0xc0) != 0x80) {
      ++*column;
    }
  }
}

static bool opens(uint8_t b) { return b == '{' || b == '['; }
static bool closes(uint8_t b) { return b == '}' || b == ']'; }

/* The offset behind the value at `at`. Brackets are counted, not remembered: the text is known to be JSON. */
static size_t skip_value(struct span text, size_t at) {
  size_t depth = 0;
  while (at < text.n) {
    uint8_t b = text.p[at];
    if (depth == 0 && (b == ',' || closes(b) || is_space(b))) break;
    if (opens(b)) depth++;
    if (closes(b)) depth--;
    at = b == '"' ? json_skip_string(text, at) : at + 1;
    if (depth == 0 && (b == '"' || closes(b))) break;
  }
  return at;
}

/* The place number of a list item as a path spells it; UINT64_MAX, which no list reaches, for other text. */
static uint64_t list_place(struct span step) {
  uint64_t place = 0;
  for (size_t i = 0; i < step.n; i++)
    if (!is_digit(step.p[i]) || !try_mul(place, UINT64_C(10), &place) ||
        !try_add(place, step.p[i] - (uint64_t)'0', &place))
      return UINT64_MAX;
  return step.n ? place : UINT64_MAX;
}

/* With *at on a member's key: moves to its value, and tells whether it is the one. */
static bool enter_member(struct span text, size_t *at, struct span step) {
  size_t start = *at + 1;
  *at = json_skip_string(text, *at);
  size_t end = *at > start ? *at - 1 : start;
  bool hit = json_same_text(span_of(text.p + start, end - start), step, false);
  *at = json_skip_space(text, json_skip_space(text, *at) + 1);
  return hit;
}

/* From the bracket at *at to the member or item that `step` names. */
static bool enter(struct span text, size_t *at, struct span step) {
  if (*at >= text.n || !opens(text.p[*at])) return false;
  bool object = text.p[*at] == '{';
  uint64_t place = list_place(step);
  *at = json_skip_space(text, *at + 1);
  for (uint64_t i = 0; *at < text.n && !closes(text.p[*at]); i++) {
    if (object ? enter_member(text, at, step) : i == place) return *at < text.n;
    *at = json_skip_space(text, skip_value(text, *at));
    if (*at < text.n && text.p[*at] == ',') *at = json_skip_space(text, *at + 1);
  }
  return false;
}

bool json_next_member(struct span text, size_t *at, struct span *member) {
  *at = json_skip_space(text, *at);
  if (*at < text.n && (text.p[*at] == '{' || text.p[*at] == ',')) *at = json_skip_space(text, *at + 1);
  if (*at >= text.n || closes(text.p[*at])) return false;
  size_t start = *at, value = start;
  (void)enter_member(text, &value, SPAN(""));
  *at = skip_value(text, value);
  *member = span_of(text.p + start, *at - start);
  return true;
}

bool json_offset(struct span text, const char *const *path, size_t n, uint64_t *offset) {
  size_t at = json_skip_space(text, 0);
  for (size_t i = 0; i < n; i++)
    if (!enter(text, &at, span_str(path[i]))) return false;
  *offset = at;
  return true;
}

struct span json_text_at(struct span text, uint64_t offset) {
  size_t start = offset < text.n ? (size_t)offset : text.n;
  return span_of(text.p + start, skip_value(text, start) - start);
}

bool json_locate(struct span text, const char *const *path, size_t n, uint32_t *line, uint32_t *column) {
  uint64_t at;
  if (!json_offset(text, path, n, &at)) return false;
  json_line_column(text, at, line, column);
  return true;
}
