/* Layers of PyTorch Geometric since 2.5, which write Python while they are loaded:
 * MessagePassing.__setstate__ fills a template with what the layer's inspector says of its functions, and
 * runs it; and it evaluates the types that stand in a comment of the layer's source, of which the inspector
 * keeps a copy (torch_geometric/nn/conv/message_passing.py, propagate.jinja, inspector.py). So names have to
 * be names, and types have to be types: names, attributes and what stands in brackets, which calls no
 * function. */
#include "container/detect.h"
#include "model/call.h"

static bool is_letter(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}
static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t'; }

static bool is_keyword(struct span word) {
  static const char *const words[] = {"and", "as",     "assert", "async", "await", "def",    "del",
                                      "for", "from",   "global", "if",    "else",  "import", "in",
                                      "is",  "lambda", "not",    "or",    "with",  "yield"};
  for (size_t i = 0; i < ARRAY_LEN(words); i++)
    if (span_is(word, words[i])) return true;
  return false;
}

/* The identifier at the start; empty: there is none, or one that means something to Python. */
static struct span identifier(struct span text) {
  size_t n = 0;
  while (n < text.n && (is_letter(text.p[n]) || (n > 0 && is_digit(text.p[n])))) n++;
  struct span word = span_first(text, n);
  return is_keyword(word) || span_starts(word, SPAN("__")) ? span_first(text, 0) : word;
}

static bool is_identifier(const struct machine *m, val_id v) {
  struct span text = value_bytes(m, v);
  return kind_of(m, v) == VAL_TEXT && text.n > 0 && identifier(text).n == text.n;
}

/* "Optional[Tensor]", and "x: Tensor, e: OptTensor" over several lines of a comment if `annotated`. Two words
 * next to each other, or one behind a bracket, would be another expression. */
static bool is_type_text(struct span text, bool annotated) {
  bool operand = false; /* does a name or a closing bracket stand before? */
  while (text.n) {
    struct span word = identifier(text);
    if (word.n && operand) return false;
    if (!word.n && !is_space(*text.p) && !is_one_of(*text.p, annotated ? SPAN("#,.:[]") : SPAN(",.[]")))
      return false;
    if (word.n || *text.p == ']')
      operand = true;
    else if (!is_space(*text.p) && *text.p != '#')
      operand = false;
    text = span_from(text, word.n ? word.n : 1);
  }
  return true;
}

/* Where `word` begins in the text, or its length. */
static size_t find(struct span text, struct span word) {
  for (size_t at = 0; at + word.n <= text.n; at++) {
    const uint8_t *p = memchr(text.p + at, word.p[0], text.n - word.n + 1 - at);
    if (!p) break;
    at = (size_t)(p - text.p);
    if (memcmp(p, word.p, word.n) == 0) return at;
  }
  return text.n;
}

/* What follows the first "propagate_type:" in parentheses. False: nothing, or no types. */
static bool types_follow(struct span source, struct span mark) {
  source = span_from(source, find(source, mark));
  source = span_from(source, find(source, SPAN("(")));
  size_t end = find(source, SPAN(")"));
  return end < source.n && is_type_text(span_of(source.p + 1, end - 1), true);
}

static bool is_lower(uint8_t byte) { return (byte >= 'a' && byte <= 'z') || byte == '_'; }

/* Can comments between three quotes, once they are removed, leave a word that was not there? */
static bool quotes_join(struct span source) {
  bool before = false, behind = false;
  for (size_t i = 0; i + 3 <= source.n; i++) {
    bool quotes = memcmp(source.p + i, "\"\"\"", 3) == 0 || memcmp(source.p + i, "'''", 3) == 0;
    if (!quotes) continue;
    size_t start = i > 1 && source.p[i - 1] == 'r' && is_space(source.p[i - 2]) ? i - 1 : i;
    uint8_t left = start ? source.p[start - 1] : ' ', right = i + 3 < source.n ? source.p[i + 3] : ' ';
    before = before || is_lower(left) || left == '"' || left == '\'';
    behind = behind || is_lower(right) || right == '"' || right == '\'';
  }
  return before && behind;
}

/* A class whose source does not say the types: the arguments of the call become names, whatever they are. */
static bool is_source(struct checkpoint *cp, struct span source, uint32_t at) {
  if (!spend(cp, 8 * (uint64_t)source.n, at)) return false;
  if (!types_follow(source, SPAN("propagate_type:"))) return false;
  if (find(source, SPAN("edge_updater_type:")) < source.n)
    return types_follow(source, SPAN("edge_updater_type:"));
  return find(source, SPAN("edge_updater")) == source.n && !quotes_join(source);
}

static bool is_of(const struct checkpoint *cp, const struct machine *m, val_id v, const char *name) {
  const struct built *b = built_of(cp, m, v);
  return b && b->row && strcmp(b->row->module, "torch_geometric.inspector") == 0 &&
         strcmp(b->row->name, name) == 0;
}

/* A named tuple of so many fields. */
static bool is_made_of(const struct checkpoint *cp, const struct machine *m, val_id v, const char *name,
                       uint32_t n) {
  return is_of(cp, m, v, name) && value_count(m, value_object(m, v)->args) == n;
}

static bool is_parameter(const struct checkpoint *cp, const struct machine *m, val_id v) {
  if (!is_made_of(cp, m, v, "Parameter", 4)) return false;
  val_id args = value_object(m, v)->args, type = value_item(m, args, 2);
  return is_identifier(m, value_item(m, args, 0)) && kind_of(m, type) == VAL_TEXT &&
         is_type_text(value_bytes(m, type), false);
}

/* (parameters by name, a type, its text) */
static bool is_signature(struct checkpoint *cp, const struct machine *m, val_id v, uint32_t at) {
  if (!is_made_of(cp, m, v, "Signature", 3)) return false;
  val_id args = value_object(m, v)->args, params = value_item(m, args, 0), type = value_item(m, args, 2);
  if (kind_of(m, params) != VAL_DICT || !spend(cp, value_count(m, params), at)) return false;
  for (uint32_t i = 0; i < value_count(m, params); i += 2)
    if (!is_identifier(m, value_item(m, params, i)) || !is_parameter(cp, m, value_item(m, params, i + 1)))
      return false;
  return kind_of(m, type) == VAL_TEXT && spend(cp, value_bytes(m, type).n, at) &&
         is_type_text(value_bytes(m, type), false);
}

static bool are_signatures(struct checkpoint *cp, const struct machine *m, val_id dict, uint32_t at) {
  if (kind_of(m, dict) != VAL_DICT || !spend(cp, value_count(m, dict), at)) return false;
  for (uint32_t i = 0; i < value_count(m, dict); i += 2)
    if (!value_is_string(m, value_item(m, dict, i)) || !is_signature(cp, m, value_item(m, dict, i + 1), at))
      return false;
  return true;
}

static bool are_sources(struct checkpoint *cp, const struct machine *m, val_id dict, uint32_t at) {
  if (kind_of(m, dict) != VAL_DICT || !spend(cp, value_count(m, dict), at)) return false;
  for (uint32_t i = 0; i < value_count(m, dict); i += 2)
    if (!is_source(cp, value_bytes(m, value_item(m, dict, i + 1)), at)) return false;
  return true;
}

static bool is_plain_inspector(struct checkpoint *cp, const struct machine *m, val_id state, uint32_t at) {
  if (kind_of(m, state) != VAL_DICT || !spend(cp, value_count(m, state), at)) return false;
  for (uint32_t i = 0; i < value_count(m, state); i += 2) {
    struct span name = value_bytes(m, value_item(m, state, i));
    val_id field = value_item(m, state, i + 1);
    bool fine = (span_is(name, "_cls") && kind_of(m, field) == VAL_GLOBAL) ||
                (span_is(name, "_signature_dict") && are_signatures(cp, m, field, at)) ||
                (span_is(name, "_source_dict") && are_sources(cp, m, field, at)) ||
                (span_is(name, "_source") &&
                 (kind_of(m, field) == VAL_NONE || is_source(cp, value_bytes(m, field), at)));
    if (!fine) return false;
  }
  return !keeps_function(cp, m, state, at);
}

/* Up to 2.4 there was another class of that name, which kept the functions' parameters and wrote nothing. */
static bool is_older(const struct built *b) {
  return b && b->row && strcmp(b->row->module, "torch_geometric.nn.conv.utils.inspector") == 0;
}

bool writes_python(struct checkpoint *cp, const struct machine *m, val_id fields, uint32_t at) {
  if (kind_of(m, fields) != VAL_DICT || !spend(cp, value_count(m, fields), at)) return false;
  val_id inspector = dict_get(m, fields, "inspector");
  if (!inspector || !dict_get(m, fields, "fuse") || is_older(built_of(cp, m, inspector))) return false;
  const struct object *o = value_object(m, inspector);
  if (!o || !is_of(cp, m, inspector, "Inspector")) return true;
  return o->states && !is_plain_inspector(cp, m, value_item(m, o->states, 0), at);
}
