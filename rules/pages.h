/* The pages of rules/doc/, one a rule, embedded at build time by rules/embed.awk. */
#ifndef CKPTLINT_RULES_PAGES_H
#define CKPTLINT_RULES_PAGES_H

struct rule_page {
  const char *id;   /* "GLB301"; NULL behind the last page */
  const char *text; /* Markdown */
};
extern const struct rule_page rule_pages[];

#endif
