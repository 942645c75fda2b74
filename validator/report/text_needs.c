/* What loading needs, for a person: `needs` and `safe_globals` of a file. */
#include "report/fields.h"
#include "report/text.h"

enum { LABEL = 16, INDENT = 2 + LABEL, MODULES_SHOWN = 24 };

/* "  label           text", folded under itself. */
static void write_labelled(struct text *t, const char *label, struct out *line) {
  out_span(line, SPAN("\0"));
  if (line->failed || line->n == 1) return;
  text_indent(t, 2);
  pen_text(&t->pen, INK_FAINT, label);
  out_repeat(t->pen.out, ' ', LABEL - min_size(strlen(label), LABEL - 1));
  pen_folded(&t->pen, INK_PLAIN, INDENT, INDENT, (const char *)line->p);
  pen_newline(&t->pen);
}

/* "torch 2.1 (torch._utils._rebuild_tensor_v3), Python 3.4 (pickle protocol 4)" */
static void put_versions(struct out *line, const cJSON *versions) {
  const cJSON *v;
  cJSON_ArrayForEach(v, versions) {
    if (v->prev->next) out_str(line, ", "); /* the first one's prev is the last */
    out_str(line, field_text(v, "package"));
    out_str(line, " ");
    out_str(line, field_text(v, "least"));
    out_str(line, " (");
    out_str(line, field_text(v, "for"));
    out_str(line, ")");
  }
}

/* "argparse: Namespace; numpy.core.multiarray: _reconstruct, scalar" */
static void put_imports(struct out *line, const cJSON *imports) {
  const cJSON *module, *name;
  int n = 0;
  cJSON_ArrayForEach(module, imports) {
    if (n++ == MODULES_SHOWN) {
      out_format(line, "; and %d modules more (--format json)", cJSON_GetArraySize(imports) - MODULES_SHOWN);
      return;
    }
    if (n > 1) out_str(line, "; ");
    out_str(line, field_text(module, "module"));
    const char *before = ": ";
    cJSON_ArrayForEach(name, field(module, "names")) {
      out_str(line, before);
      out_str(line, cJSON_GetStringValue(name));
      before = ", ";
    }
  }
}

static void put_systems(struct out *line, const cJSON *needs) {
  const cJSON *s;
  cJSON_ArrayForEach(s, field(needs, "systems")) {
    if (line->n) out_str(line, "; ");
    out_str(line, field_text(s, "only"));
    out_str(line, " (");
    out_str(line, field_text(s, "name"));
    out_str(line, ")");
  }
  if (field_true(needs, "big_endian"))
    out_str(line, line->n ? "; its numbers are big-endian" : "any system; its numbers are big-endian");
}

/* The line stays whole, whatever the terminal's width: it is there to be copied. */
static void write_safe_globals(struct text *t, const cJSON *safe) {
  struct out line = out_to_memory(SIZE_MAX);
  if (field_is_there(safe, "do_not")) {
    out_str(&line, "don't: ");
    out_str(&line, field_text(safe, "do_not"));
    write_labelled(t, "safe globals", &line);
  } else if (field_is_there(safe, "line")) {
    text_indent(t, 2);
    pen_text(&t->pen, INK_NOTE, pen_glyph(&t->pen, "→ ", "> "));
    pen_text(&t->pen, INK_PLAIN, field_text(safe, "line"));
    pen_newline(&t->pen);
  }
  out_free(&line);
}

void text_needs(struct text *t, const cJSON *file) {
  const cJSON *needs = field(file, "needs");
  struct out line = out_to_memory(SIZE_MAX);
  put_versions(&line, field(needs, "versions"));
  write_labelled(t, "loading needs", &line);
  out_reset(&line);
  put_imports(&line, field(needs, "imports"));
  write_labelled(t, "it imports", &line);
  out_reset(&line);
  put_systems(&line, needs);
  write_labelled(t, "it loads on", &line);
  out_free(&line);
  write_safe_globals(t, field(file, "safe_globals"));
}
