/* gen [-C FOLDER] OUTDIR [NAME…]: writes the cases of corpus/gen/cases/, or those named, into OUTDIR.
 * gen [-C FOLDER] --programs OUTDIR [NAME…]: only their pickle programs, as seeds for fuzzing.
 * gen [-C FOLDER] --list: their names and ids. */
#include <sys/stat.h>

#include "corpus/gen/cases.h"

static bool wanted(const struct corpus_case *one, char **names, int n) {
  for (int i = 0; i < n; i++)
    if (span_is(one->name, names[i])) return true;
  return n == 0;
}

typedef void make_fn(const struct corpus *c, const struct corpus_case *one, struct bytes *out);

static void write_case(const struct corpus *c, const struct corpus_case *one, const char *folder,
                       make_fn *make) {
  char path[4096];
  struct bytes file = {0};
  snprintf(path, sizeof path, "%s/%.*s", folder, (int)one->name.n, (const char *)one->name.p);
  make(c, one, &file);
  FILE *f = fopen(path, "wb");
  if (!f || (file.n && fwrite(file.p, 1, file.n, f) != file.n) || fclose(f) != 0)
    give_up(path, 0, "can't be written");
  bytes_free(&file);
}

static void list_case(const struct corpus_case *one) {
  printf("%.*s\t%.*s\n", (int)one->name.n, (const char *)one->name.p, (int)one->id.n,
         (const char *)one->id.p);
}

/* Takes `option` and `n - 1` words behind it from the front of the arguments. */
static bool take(int *argc, char ***argv, const char *option, int n) {
  bool there = *argc > n && strcmp((*argv)[1], option) == 0;
  *argc -= there ? n : 0;
  *argv += there ? n : 0;
  return there;
}

int main(int argc, char **argv) {
  static struct corpus corpus;
  const char *folder = take(&argc, &argv, "-C", 2) ? argv[0] : "corpus/gen/cases";
  make_fn *make = take(&argc, &argv, "--programs", 1) ? corpus_make_program : corpus_make;
  if (argc < 2) give_up("usage", 0, "gen [-C FOLDER] [--programs] OUTDIR [NAME...], or gen --list");
  bool list = strcmp(argv[1], "--list") == 0;
  corpus_read(&corpus, folder);
  if (!list) (void)mkdir(argv[1], 0777); /* what is wrong with it shows when it is written to */
  size_t done = 0;
  for (size_t i = 0; i < corpus.n; i++) {
    if (!wanted(&corpus.list[i], argv + 2, argc - 2)) continue;
    if (list)
      list_case(&corpus.list[i]);
    else
      write_case(&corpus, &corpus.list[i], argv[1], make);
    done++;
  }
  corpus_free(&corpus);
  if (done == 0) give_up("gen", 0, "no case has this name");
  return 0;
}
