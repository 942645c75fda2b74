/* expected FILE PRESET ROOT [CONFIG]: the state dict that an architecture file expects, a key a line in its
 * order, with "-" for a preset or root that is not named:
 *
 *     parameter|buffer|optional KEY DTYPE SIZES…
 *
 * then the ties that hold ("tie ALIAS TARGET") and the total of the parameters ("parameters N"). For the
 * oracles, which hold it against other sources. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/modules.h"

static struct text_file read_whole(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END) != 0) {
    perror(path);
    exit(2);
  }
  size_t n = (size_t)ftell(f);
  uint8_t *p = malloc(n + 1);
  rewind(f);
  if (!p || fread(p, 1, n, f) != n) abort();
  fclose(f);
  return (struct text_file){span_str(path), span_of(p, n)};
}

static void print_slot(const struct expected *e) {
  const char *what = e->slot->optional ? "optional" : e->slot->buffer ? "buffer" : "parameter";
  const char *dtype = e->slot->rule == SLOT_EXACT   ? dtype_table[e->slot->dtype].name
                      : e->slot->rule == SLOT_FLOAT ? "float"
                                                    : "any";
  printf("%s %.*s %s", what, (int)e->key.n, (const char *)e->key.p, dtype);
  for (uint32_t d = 0; d < e->slot->ndim; d++) printf(" %" PRIu64, e->slot->sizes[d]);
  putchar('\n');
}

static void print_model(const struct model *m) {
  for (uint32_t i = 0; i < m->num_expected; i++) print_slot(&m->expected[i]);
  for (uint32_t i = 0; i < m->num_ties; i++) {
    const struct tie_line *t = m->ties[i].line;
    printf("tie %.*s %.*s\n", (int)t->alias.n, (const char *)t->alias.p, (int)t->target.n,
           (const char *)t->target.p);
  }
  printf("parameters %" PRIu64 "\n", m->parameters);
}

static int refused(const struct observations *o) {
  for (size_t i = 0; i < o->n; i++)
    fprintf(stderr, "kind %d, line %" PRIu64 ", column %" PRIu64 ": %.*s %.*s\n", (int)o->list[i].kind,
            o->list[i].got, o->list[i].want, (int)o->list[i].subject.n, (const char *)o->list[i].subject.p,
            (int)o->list[i].detail.n, (const char *)o->list[i].detail.p);
  return 1;
}

static const char *given(const char *arg) { return strcmp(arg, "-") == 0 ? "" : arg; }

int main(int argc, char **argv) {
  static struct arena arena;
  static struct observations o;
  static struct arch arch;
  static struct model model;
  if (argc < 4 || argc > 5) {
    fputs("usage: expected FILE PRESET|- ROOT|- [CONFIG]\n", stderr);
    return 2;
  }
  struct limits max = limits_default();
  arena_init(&arena, (size_t)1 << 30);
  observations_init(&o, &arena, 50);
  struct config_sources sources = {.preset = span_str(given(argv[2]))};
  if (argc == 5) sources.file = read_whole(argv[4]);
  if (!arch_parse(&arch, read_whole(argv[1]), &arena, &max, &o)) return refused(&o);
  if (!model_build(&model, &arch, &sources, span_str(given(argv[3])), 100000, &arena, &max, &o))
    return refused(&o);
  print_model(&model);
  return 0;
}
