/* Texts of the repository that are embedded at build time by rules/embed.awk, a row a file. */
#ifndef CKPTLINT_RULES_TEXTS_H
#define CKPTLINT_RULES_TEXTS_H

struct embedded_text {
  const char *name; /* of the file, a page's without ".md"; NULL behind the last */
  const char *text;
};
extern const struct embedded_text rule_pages[];   /* rules/doc/, Markdown: "GLB301" */
extern const struct embedded_text family_texts[]; /* rules/models/, architecture files: "resnet.json" */

#endif
