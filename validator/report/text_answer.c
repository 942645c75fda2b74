#include <stdio.h>

#include "report/fields.h"
#include "report/figures.h"
#include "report/text.h"

/* ---- findings ---- */

enum { SEVERITY_WIDTH = 8, FINDING_INDENT = 2 + SEVERITY_WIDTH + 2 };

/* "at archive/data.pkl+0x15", or "at 0x15" of the file itself; nothing for what has no place. */
static void write_place(struct text *t, const cJSON *finding) {
  bool in_member = field_is_there(finding, "member"), has_offset = field_is_there(finding, "offset");
  uintmax_t offset = field_u64(finding, "offset");
  if (!in_member && !has_offset) return;
  pen_text(&t->pen, INK_FAINT, "at ");
  pen_text(&t->pen, INK_FAINT, field_text(finding, "member"));
  if (in_member && has_offset) pen_format(&t->pen, INK_FAINT, "+0x%jx", offset);
  if (!in_member) pen_format(&t->pen, INK_FAINT, "0x%jx", offset);
  if (field_u64(finding, "length") > 0)
    pen_format(&t->pen, INK_FAINT, ", %ju bytes", (uintmax_t)field_u64(finding, "length"));
  out_str(t->pen.out, "  ");
}

static void write_below(struct text *t, enum ink ink, const char *label, const char *value) {
  text_indent(t, FINDING_INDENT);
  pen_text(&t->pen, ink, label);
  pen_folded(&t->pen, INK_PLAIN, FINDING_INDENT + strlen(label), FINDING_INDENT, value);
  pen_newline(&t->pen);
}

/* "critical  GLB301 dangerous-global: loading calls os.system" */
static void write_sentence(struct text *t, const cJSON *finding) {
  const char *severity = field_text(finding, "severity"), *rule = field_text(finding, "rule");
  const char *name = field_text(finding, "name");
  struct pen *pen = &t->pen;
  text_indent(t, 2);
  pen_text(pen, ink_of_severity(severity), severity);
  out_repeat(pen->out, ' ', FINDING_INDENT - 2 - min_size(strlen(severity), SEVERITY_WIDTH));
  pen_text(pen, INK_STRONG, rule);
  pen_format(pen, INK_PLAIN, " %s: ", name);
  size_t column = FINDING_INDENT + strlen(rule) + 1 + strlen(name) + 2;
  pen_folded(pen, INK_PLAIN, column, FINDING_INDENT, field_text(finding, "message"));
  pen_newline(pen);
}

static void write_owed(struct text *t) {
  if (!t->owed[0]) return;
  text_indent(t, FINDING_INDENT);
  pen_format(&t->pen, INK_FAINT, "[%s]", t->owed);
  pen_newline(&t->pen);
  t->owed[0] = '\0';
}

/* Findings that have no more than their sentence share the line with their reason: fifty missing keys are
 * fifty-one lines. */
void text_finding(struct text *t, const cJSON *finding) {
  const char *rule = field_text(finding, "rule");
  char reason[SHORT_TEXT];
  uint64_t more = field_u64(finding, "more");
  bool bare = !field_is_there(finding, "member") && !field_is_there(finding, "offset") &&
              !field_is_there(finding, "fix") && more == 0 && !t->options->verbose;
  (void)snprintf(reason, sizeof reason, "%s/%s", rule, field_text(finding, "reason"));
  if (!t->first_rule[0]) (void)snprintf(t->first_rule, sizeof t->first_rule, "%s", rule);
  if (!bare || strcmp(t->owed, reason) != 0) write_owed(t);
  write_sentence(t, finding);
  if (bare) {
    (void)snprintf(t->owed, sizeof t->owed, "%s", reason);
    return;
  }
  text_indent(t, FINDING_INDENT);
  write_place(t, finding);
  pen_format(&t->pen, INK_FAINT, "[%s]", reason);
  if (more > 0) pen_format(&t->pen, INK_FAINT, "  and %ju more like it", (uintmax_t)more);
  pen_newline(&t->pen);
  if (field_is_there(finding, "fix")) write_below(t, INK_NOTE, "fix: ", field_text(finding, "fix"));
  if (t->options->verbose) write_below(t, INK_FAINT, "rule: ", field_text(finding, "title"));
}

/* ---- state dicts ---- */

static void write_state_dicts(struct text *t, const cJSON *dicts) {
  static const struct column columns[] = {
      {"state dict", false}, {"entries", true}, {"elements", true}, {"", false}};
  const cJSON *dict;
  if (!dicts || !dicts->child) return;
  text_section(t);
  table_begin(&t->table, &t->pen, columns, ARRAY_LEN(columns));
  cJSON_ArrayForEach(dict, dicts) {
    char entries[FIGURE_ROOM], numel[FIGURE_ROOM];
    const char *path = field_text(dict, "path");
    table_cell(&t->table, INK_PLAIN, path[0] ? path : "(the root)");
    table_cell(&t->table, INK_PLAIN, figure_count(entries, field_u64(dict, "entries")));
    table_cell(&t->table, INK_PLAIN, figure_count(numel, field_u64(dict, "numel")));
    table_cell(&t->table, INK_FAINT, field_true(dict, "module") ? "of a whole module" : "");
  }
  table_end(&t->table);
}

/* ---- a whole module's modes ---- */

/* The first few names; the event has more. */
static void write_training(struct text *t, const cJSON *modes) {
  enum { SHOWN = 8 };
  const cJSON *name;
  uint64_t shown = 0, training = field_u64(modes, "in_training");
  cJSON_ArrayForEach(name, field(modes, "training")) {
    if (shown == SHOWN) break;
    pen_format(&t->pen, INK_PLAIN, "%s%s", shown++ ? ", " : ": ",
               name->valuestring[0] ? name->valuestring : "(the model itself)");
  }
  if (training > shown) pen_format(&t->pen, INK_PLAIN, " and %ju more", (uintmax_t)(training - shown));
}

static void write_modes(struct text *t, const cJSON *modes) {
  if (!modes) return;
  uint64_t modules = field_u64(modes, "modules"), training = field_u64(modes, "in_training");
  bool all = training == modules;
  text_indent(t, 2);
  pen_format(&t->pen, INK_PLAIN, "%ju module%s, ", (uintmax_t)modules, modules == 1 ? "" : "s");
  if (training == 0)
    pen_text(&t->pen, INK_GOOD, "in evaluation mode");
  else if (all)
    pen_text(&t->pen, INK_NOTE, "in training mode: model.eval() comes before use");
  else
    pen_format(&t->pen, INK_NOTE, "%ju in training mode", (uintmax_t)training);
  if (training && !all) write_training(t, modes);
  pen_newline(&t->pen);
}

/* ---- the match ---- */

static void write_deviations(struct text *t, const cJSON *check) {
  static const char *const kinds[] = {"missing", "unexpected", "mismatched"};
  for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
    uint64_t n = field_u64(check, kinds[i]);
    if (n > 0) pen_format(&t->pen, INK_BAD, ", %ju %s", (uintmax_t)n, kinds[i]);
  }
}

static void write_check(struct text *t, const cJSON *check) {
  if (!check) return;
  struct pen *pen = &t->pen;
  uint64_t matched = field_u64(check, "matched");
  uint64_t needed = matched + field_u64(check, "missing") + field_u64(check, "mismatched");
  uint64_t expected = field_u64(check, "expected"), spared = expected > needed ? expected - needed : 0;
  text_indent(t, 2);
  pen_format(pen, matched == needed ? INK_GOOD : INK_BAD, "%ju of %ju %s%s", (uintmax_t)matched,
             (uintmax_t)needed, field_true(check, "adapter") ? "adapted weight" : "key",
             needed == 1 ? "" : "s");
  pen_text(pen, INK_PLAIN, needed == 1 ? " matches " : " match ");
  pen_text(pen, INK_STRONG, field_text(check, "arch"));
  if (field_is_there(check, "prefix")) {
    pen_text(pen, INK_PLAIN, " after removing the prefix \"");
    pen_text(pen, INK_STRONG, field_text(check, "prefix"));
    pen_text(pen, INK_PLAIN, "\"");
  }
  write_deviations(t, check);
  if (spared)
    pen_format(pen, INK_FAINT, " (%ju optional %s absent)", (uintmax_t)spared,
               spared == 1 ? "one is" : "ones are");
  pen_newline(pen);
}

/* ---- the forward pass ---- */

struct phrase {
  const char *status, *text;
  enum ink ink;
};

static const struct phrase phrases[] = {
    {"pass", "computes what the golden says", INK_GOOD},
    {"fail", "differs from the golden", INK_BAD},
    {"computes", "computes; correctness unknown (there is no golden)", INK_NOTE},
    {"not run", "not run", INK_DOUBT},
};

static bool output_differs(const cJSON *test) {
  const cJSON *output;
  cJSON_ArrayForEach(output, field(test, "outputs")) {
    if (strcmp(field_text(output, "status"), "fail") == 0) return true;
  }
  return false;
}

static void write_status(struct text *t, const cJSON *test) {
  const char *status = field_text(test, "status");
  if (field_is_there(test, "first_nonfinite") && !output_differs(test)) {
    pen_text(&t->pen, INK_BAD, "makes NaN or infinity");
    return;
  }
  for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
    if (strcmp(phrases[i].status, status) == 0) pen_text(&t->pen, phrases[i].ink, phrases[i].text);
  if (!field_is_there(test, "reason")) return;
  pen_text(&t->pen, INK_PLAIN, ": ");
  pen_text(&t->pen, INK_PLAIN, field_text(test, "reason"));
}

static void write_list(struct text *t, const cJSON *list) {
  struct out text = out_to_memory(SIZE_MAX);
  text_list(&text, list);
  pen_span(&t->pen, INK_PLAIN, out_taken(&text));
  out_free(&text);
}

static void write_comparison(struct text *t, const cJSON *output) {
  char room[FIGURE_ROOM];
  if (!field_is_there(output, "max_abs")) return;
  pen_format(&t->pen, INK_PLAIN, ";  off by at most %s", figure_real(room, field_real(output, "max_abs")));
  if (field_is_there(output, "max_rel"))
    pen_format(&t->pen, INK_PLAIN, ", %s relative", figure_real(room, field_real(output, "max_rel")));
  if (field_is_there(output, "worst_index")) {
    pen_text(&t->pen, INK_PLAIN, ", worst at ");
    write_list(t, field(output, "worst_index"));
  }
  if (field_is_there(output, "argmax_agree"))
    pen_text(&t->pen, INK_PLAIN, field_true(output, "argmax_agree") ? ", argmax agrees" : ", argmax differs");
}

static void write_figures(struct text *t, const cJSON *row) {
  static const char *const figures[] = {"min", "max", "mean"};
  for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
    char room[FIGURE_ROOM];
    if (field_is_there(row, figures[i]))
      pen_format(&t->pen, INK_PLAIN, "  %s %s", figures[i], figure_real(room, field_real(row, figures[i])));
  }
  const uint64_t nonfinite = field_u64(row, "nonfinite");
  if (nonfinite) pen_format(&t->pen, INK_BAD, "  %ju NaN or infinite", (uintmax_t)nonfinite);
}

/* Where does it go wrong? A line for each step of the pass. */
static void write_step(struct text *t, const cJSON *step) {
  text_indent(t, 6);
  pen_text(&t->pen, INK_STRONG, field_text(step, "op"));
  pen_text(&t->pen, INK_PLAIN, " ");
  write_list(t, field(step, "shape"));
  write_figures(t, step);
  pen_format(&t->pen, INK_FAINT, "  %s", field_text(step, "place"));
  pen_newline(&t->pen);
}

static void write_saved(struct text *t, const cJSON *output) {
  bool lost = field_is_there(output, "not_saved");
  if (!lost && !field_is_there(output, "saved")) return;
  pen_text(&t->pen, lost ? INK_WORST : INK_PLAIN, lost ? ";  not saved to " : ";  saved to ");
  pen_text(&t->pen, INK_STRONG, field_text(output, lost ? "not_saved" : "saved"));
  if (lost) pen_format(&t->pen, INK_WORST, ": %s", field_text(output, "save_error"));
}

static void write_output(struct text *t, const cJSON *output) {
  text_indent(t, 4);
  pen_text(&t->pen, INK_STRONG, field_text(output, "name"));
  pen_text(&t->pen, INK_PLAIN, " ");
  write_list(t, field(output, "shape"));
  write_figures(t, output);
  write_comparison(t, output);
  write_saved(t, output);
  pen_newline(&t->pen);
}

static void write_test(struct text *t, const cJSON *test, bool alone) {
  const cJSON *output, *step;
  text_indent(t, 2);
  pen_text(&t->pen, INK_PLAIN, "forward");
  if (!alone) pen_format(&t->pen, INK_PLAIN, ", test %ju", (uintmax_t)field_u64(test, "test"));
  pen_text(&t->pen, INK_PLAIN, ": ");
  write_status(t, test);
  if (field_is_there(test, "first_nonfinite")) {
    pen_text(&t->pen, INK_PLAIN, "; the first NaN or infinity comes from ");
    pen_text(&t->pen, INK_STRONG, field_text(test, "first_nonfinite"));
  }
  pen_newline(&t->pen);
  cJSON_ArrayForEach(output, field(test, "outputs")) write_output(t, output);
  cJSON_ArrayForEach(step, field(test, "steps")) write_step(t, step);
}

static void write_sameness(struct text *t, const cJSON *goldens, const char *name, const char *yes,
                           const char *no) {
  if (!field_is_there(goldens, name)) return;
  bool same = field_true(goldens, name);
  pen_text(&t->pen, same ? INK_PLAIN : INK_NOTE, same ? yes : no);
}

/* Where a golden is missed: is it the weights, the architecture file, or this build? */
static void write_goldens(struct text *t, const cJSON *goldens) {
  if (!goldens) return;
  text_indent(t, 4);
  pen_format(&t->pen, INK_PLAIN, "recorded by %s", field_text(goldens, "tool"));
  write_sameness(t, goldens, "same_weights", ", the same weights", ", other weights");
  write_sameness(t, goldens, "same_arch", ", the same architecture file", ", another architecture file");
  pen_newline(&t->pen);
}

static void write_forward(struct text *t, const cJSON *file) {
  const cJSON *test, *tests = field(file, "forward");
  cJSON_ArrayForEach(test, tests) write_test(t, test, tests->child->next == NULL);
  write_goldens(t, field(file, "goldens"));
}

/* ---- two checkpoints ---- */

static void write_diff(struct text *t, const cJSON *diff) {
  static const struct {
    const char *field, *words;
  } counts[] = {{"equal", "equal"},       {"within", "within the tolerances"},
                {"changed", "changed"},   {"retyped", "retyped"},
                {"reshaped", "reshaped"}, {"removed", "removed"},
                {"added", "added"},       {"not_compared", "not compared"}};
  const char *before = "";
  if (!field_is_there(diff, "equal")) return;
  text_indent(t, 2);
  pen_text(&t->pen, INK_PLAIN, "tensors: ");
  for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
    uint64_t n = field_u64(diff, counts[i].field);
    if (n == 0) continue;
    pen_format(&t->pen, INK_PLAIN, "%s%ju %s", before, (uintmax_t)n, counts[i].words);
    before = ", ";
  }
  const char *side = field_is_there(diff, "prefix_a") ? "prefix_a" : "prefix_b";
  if (field_is_there(diff, side)) {
    pen_text(&t->pen, INK_PLAIN, "; without the prefix \"");
    pen_text(&t->pen, INK_STRONG, field_text(diff, side));
    pen_format(&t->pen, INK_PLAIN, "\" of the %s", strcmp(side, "prefix_a") == 0 ? "first" : "second");
  }
  pen_newline(&t->pen);
}

void text_answers(struct text *t, const cJSON *file) {
  write_owed(t);
  if (t->answered) return;
  t->answered = true;
  if (field_is(t->run, "verb", "inspect")) write_state_dicts(t, field(file, "state_dicts"));
  write_modes(t, field(file, "modes"));
  write_check(t, field(file, "check"));
  write_forward(t, file);
  write_diff(t, field(file, "diff"));
}
