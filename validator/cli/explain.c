/* explain and rules: what the rules are, out of rules.def, the observations' rows and the pages of
 * rules/doc/. */
#include <stdio.h>
#include <strings.h>

#include "base/near.h"
#include "cli/cli.h"
#include "report/table.h"
#include "rules/finding.h"
#include "rules/texts.h"

static const char *page_of(const char *id) {
  for (const struct embedded_text *page = rule_pages; page->name; page++)
    if (strcmp(page->name, id) == 0) return page->text;
  return NULL;
}

/* "glb301", "GLB301", "dangerous-global", "GLB301/call" */
static bool is_word(const char *name, const char *word, size_t n) {
  return strlen(name) == n && strncasecmp(name, word, n) == 0;
}

static enum rule_id find_rule(const char *word) {
  size_t n = strcspn(word, "/");
  for (enum rule_id r = RULE_NONE + 1; r < RULE_COUNT; r++)
    if (is_word(rule_table[r].id, word, n) || is_word(rule_table[r].name, word, n)) return r;
  return RULE_NONE;
}

static enum exit_code unknown_rule(struct cli *cli, const char *word) {
  struct nearest near = {.word = span_str(word)};
  for (enum rule_id r = RULE_NONE + 1; r < RULE_COUNT; r++) {
    nearest_try(&near, span_str(rule_table[r].id));
    nearest_try(&near, span_str(rule_table[r].name));
  }
  char text[USAGE_ROOM];
  (void)snprintf(text, sizeof text, "there is no rule %.200s%s%.*s%s", word,
                 near.best.n ? "; did you mean " : "", (int)near.best.n, (const char *)near.best.p,
                 near.best.n ? "?" : ": see ckptlint rules");
  return cli_usage(cli, text);
}

static bool is_of(const struct reason *reason, enum rule_id rule) {
  return reason->rule == rule && reason->slug;
}

/* ---- as JSON ---- */

static void add_rule(cJSON *list, enum rule_id id, bool with_page) {
  const struct rule *rule = &rule_table[id];
  cJSON *o = event_push_object(list), *reasons;
  event_str(o, "id", rule->id);
  event_str(o, "name", rule->name);
  event_str(o, "severity", severity_name(rule->severity));
  event_str(o, "effect", effect_name(rule->effect));
  event_str(o, "title", rule->title);
  reasons = event_array(o, "reasons");
  for (unsigned k = 0; k < OBS_COUNT; k++) {
    if (!is_of(&reason_table[k], id)) continue;
    cJSON *reason = event_push_object(reasons);
    event_str(reason, "reason", reason_table[k].slug);
    event_str(reason, "effect", effect_name(reason_effect((enum obs_kind)k)));
    event_str(reason, "text", reason_table[k].text);
  }
  const char *page = with_page ? page_of(rule->id) : NULL;
  if (page) event_str(o, "page", page);
}

static cJSON *rules_document(void) {
  cJSON *tree = cJSON_CreateObject();
  event_str(tree, "schema", "ckptlint.rules/1");
  return tree;
}

/* ---- for people ---- */

enum { PAGE_WIDTH = 100 }; /* of the pages as they are written */

static bool is_heading(const char *line) {
  size_t marks = strspn(line, "#");
  return marks > 0 && line[marks] == ' ';
}

/* A line that goes on with the text of the line before it: no item, example, heading or blank. */
static bool goes_on(const char *line) {
  return *line && *line != '\n' && strncmp(line, "- ", 2) != 0 && strncmp(line, "    ", 4) != 0 &&
         !is_heading(line);
}

/* The line, and on a narrow terminal the lines that go on with it; answers where the rest begins. */
static const char *write_lines(struct pen *pen, const char *line, bool joined) {
  struct out text = out_to_memory(SIZE_MAX);
  size_t indent = strncmp(line, "- ", 2) == 0 ? 2 : 0;
  bool first = true;
  do {
    size_t blanks = first ? 0 : strspn(line, " "), n = strcspn(line, "\n");
    out_str(&text, first ? "" : " ");
    out_span(&text, span_of(line + blanks, n - blanks));
    line += n + (line[n] == '\n');
    first = false;
  } while (joined && goes_on(line));
  out_span(&text, SPAN("\0"));
  if (!text.failed && joined)
    pen_folded(pen, INK_PLAIN, 0, indent, (const char *)text.p);
  else if (!text.failed)
    pen_text(pen, INK_PLAIN, (const char *)text.p);
  pen_newline(pen);
  out_free(&text);
  return line;
}

/* Markdown is readable as it is; headings become headings. */
static void write_page(struct pen *pen, const char *page) {
  bool narrow = pen->width > 0 && pen->width < PAGE_WIDTH;
  while (*page) {
    bool item = strncmp(page, "- ", 2) == 0;
    if (!is_heading(page)) {
      page = write_lines(pen, page, narrow && (item || goes_on(page)));
      continue;
    }
    page += strspn(page, "#") + 1;
    size_t n = strcspn(page, "\n");
    pen_span(pen, INK_STRONG, span_of(page, n));
    pen_newline(pen);
    page += n + (page[n] == '\n');
  }
}

/* A reason's sentence with "…" where a finding has its own words; of "{got:key is|keys are}" the last ones.
 */
static const char *sentence(struct out *room, const char *pattern, const char *ellipsis) {
  out_reset(room);
  while (*pattern) {
    size_t n = strcspn(pattern, "{");
    out_span(room, span_of(pattern, n));
    pattern += n;
    if (*pattern != '{') break;
    size_t end = strcspn(pattern, "}"), bar = strcspn(pattern, "|");
    if (bar < end)
      out_span(room, span_of(pattern + bar + 1, end - bar - 1));
    else
      out_str(room, ellipsis);
    pattern += end + (pattern[end] == '}');
  }
  out_span(room, SPAN("\0"));
  return room->failed ? "" : (const char *)room->p;
}

static void write_reasons(struct cli *cli, enum rule_id id) {
  static const struct column columns[] = {{"reason", false}, {"effect", false}, {"says", false}};
  struct table *table = arena_new(cli->arena, struct table);
  struct out room = out_to_memory(SIZE_MAX);
  const char *ellipsis = pen_glyph(&cli->pen, "…", "...");
  if (!table) return;
  table_begin(table, &cli->pen, columns, ARRAY_LEN(columns));
  for (unsigned k = 0; k < OBS_COUNT; k++) {
    if (!is_of(&reason_table[k], id)) continue;
    enum effect effect = reason_effect((enum obs_kind)k);
    table_cell(table, INK_NOTE, reason_table[k].slug);
    table_cell(table, INK_PLAIN, effect == rule_table[id].effect ? "" : effect_name(effect));
    table_cell(table, INK_PLAIN, sentence(&room, reason_table[k].text, ellipsis));
  }
  table_end(table);
  out_free(&room);
}

static void write_rule(struct cli *cli, enum rule_id id) {
  const struct rule *rule = &rule_table[id];
  const char *page = page_of(rule->id);
  struct pen *pen = &cli->pen;
  if (page)
    write_page(pen, page);
  else
    pen_format(pen, INK_STRONG, "%s %s\n%s\n", rule->id, rule->name, rule->title);
  pen_newline(pen);
  pen_text(pen, INK_STRONG, "Reasons");
  pen_newline(pen);
  pen_text(pen, INK_PLAIN, "Severity ");
  pen_text(pen, ink_of_severity(severity_name(rule->severity)), severity_name(rule->severity));
  pen_format(pen, INK_PLAIN, ", effect %s unless a reason says otherwise.\n", effect_name(rule->effect));
  write_reasons(cli, id);
}

enum exit_code command_explain(struct cli *cli) {
  const struct options *o = cli->options;
  if (o->operands.list.n == 0) return cli_usage(cli, "explain needs a rule: see ckptlint rules");
  cJSON *tree = cli_wants_json(cli) ? rules_document() : NULL, *list = event_array(tree, "rules");
  for (uint32_t i = 0; i < o->operands.list.n; i++) {
    enum rule_id id = find_rule(o->operands.list.p[i]);
    if (id == RULE_NONE) {
      cJSON_Delete(tree);
      return unknown_rule(cli, o->operands.list.p[i]);
    }
    if (tree)
      add_rule(list, id, true);
    else
      write_rule(cli, id);
  }
  return tree ? cli_json(cli, tree) : EXIT_CLEAN;
}

enum exit_code command_rules(struct cli *cli) {
  static const struct column columns[] = {
      {"rule", false}, {"name", false}, {"severity", false}, {"effect", false}, {"title", false}};
  if (cli_wants_json(cli)) {
    cJSON *tree = rules_document(), *list = event_array(tree, "rules");
    for (enum rule_id r = RULE_NONE + 1; r < RULE_COUNT; r++) add_rule(list, r, false);
    return cli_json(cli, tree);
  }
  struct table *table = arena_new(cli->arena, struct table);
  if (!table) return EXIT_BUG;
  table_begin(table, &cli->pen, columns, ARRAY_LEN(columns));
  for (enum rule_id r = RULE_NONE + 1; r < RULE_COUNT; r++) {
    const struct rule *rule = &rule_table[r];
    table_cell(table, INK_STRONG, rule->id);
    table_cell(table, INK_PLAIN, rule->name);
    table_cell(table, ink_of_severity(severity_name(rule->severity)), severity_name(rule->severity));
    table_cell(table, INK_PLAIN, effect_name(rule->effect));
    table_cell(table, INK_PLAIN, rule->title);
  }
  table_end(table);
  return EXIT_CLEAN;
}
