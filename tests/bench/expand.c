/* expand RUNS ARCH CONFIG: prints the milliseconds from an architecture file and a config to the expected
 * state dict, the best of RUNS runs, each on fresh memory as in a check. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "arch/modules.h"

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct text_file map_file(const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *p = fd >= 0 && fstat(fd, &st) == 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                                           : MAP_FAILED;
  if (p == MAP_FAILED) {
    perror(path);
    exit(1);
  }
  return (struct text_file){span_str(path), span_of(p, (size_t)st.st_size)};
}

/* Milliseconds; the number of keys in *keys, 0: refused. */
static double expand(struct text_file file, struct text_file config, uint32_t *keys) {
  struct arena arena;
  struct observations obs;
  struct arch arch;
  struct model model;
  const struct limits max = limits_default();
  const struct config_sources sources = {.file = config};
  double started = now_ms();
  arena_init(&arena, (size_t)1 << 30);
  observations_init(&obs, &arena, 10);
  bool parsed = arch_parse(&arch, file, &arena, &max, &obs);
  bool built =
      parsed && model_build(&model, &arch, &sources, SPAN(""), (uint32_t)max.tensors, &arena, &max, &obs);
  double took = now_ms() - started;
  *keys = built ? model.num_expected : 0;
  if (parsed) model_close(&model);
  arch_close(&arch);
  arena_free(&arena);
  return took;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  struct text_file file = map_file(argv[2]), config = map_file(argv[3]);
  double best = 1e9;
  uint32_t keys = 0;
  for (int i = (int)strtoull(argv[1], NULL, 10); i > 0; i--) {
    double took = expand(file, config, &keys);
    if (took < best) best = took;
  }
  printf("%.2f\n", best);
  return keys == 0;
}
