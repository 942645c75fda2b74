/* machine RUNS FILE…: megabytes of pickle a second that the machine reads on one core, the best of RUNS runs,
 * each on fresh memory as in a scan. A torch zip is measured twice: its data.pkl by the machine alone, and as
 * a whole by checkpoint_load, where the model proves every call. Any other file is a pickle. */
#include "pickle/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "model/checkpoint.h"
#include "rules/globals.h"

enum { SLICES = 32, ARENA_BYTES = 1 << 30 };

struct bench {
  struct arena arena;
  struct slices slices;
  struct observations obs;
  struct limits max;
};

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void start(struct bench *b) {
  arena_init(&b->arena, ARENA_BYTES);
  (void)!slices_map(&b->slices, SLICES, ARENA_BYTES / (SLICES / 2));
  b->arena.slices = &b->slices;
  b->max = limits_default();
  observations_init(&b->obs, &b->arena, (uint32_t)b->max.report_findings);
}

static void finish(struct bench *b) {
  arena_free(&b->arena);
  slices_unmap(&b->slices);
}

/* Seconds; 0: it did not come to STOP. */
static double run_alone(struct span program) {
  struct bench b;
  struct machine m;
  start(&b);
  double begin = now_s();
  bool ok = machine_init(&m, &b.arena, &b.obs, &b.max, 1, NULL, program) && machine_run(&m);
  double took = now_s() - begin;
  finish(&b);
  return ok ? took : 0;
}

static double run_whole(struct span file) {
  struct bench b;
  struct container c;
  struct checkpoint cp;
  const struct global_policy policy = {.lookup = globals_lookup};
  start(&b);
  container_open(&c, &b.arena, &b.obs, &b.max, file);
  checkpoint_init(&cp, &b.arena, &b.obs, &b.max, &c, &policy);
  double begin = now_s();
  checkpoint_load(&cp);
  double took = now_s() - begin;
  bool ok = checkpoint_is_read(&cp);
  finish(&b);
  return ok ? took : 0;
}

static void row(const char *what, double (*run)(struct span), int runs, struct span in, size_t pickle_bytes) {
  double best = 0;
  for (int i = 0; i < runs; i++) {
    double took = run(in);
    if (i == 0 || took < best) best = took;
  }
  printf("%-44s %9.3f ms %8.1f MB/s of pickle\n", what, best * 1e3,
         best > 0 ? (double)pickle_bytes / best / 1e6 : 0);
}

static void measure(int runs, struct span file) {
  static struct bench b; /* large */
  static struct container c;
  struct span program = file;
  start(&b);
  container_open(&c, &b.arena, &b.obs, &b.max, file);
  const struct member *m = container_find(&c, SPAN("data.pkl"));
  bool zip = c.kind == CONTAINER_TORCH_ZIP && m;
  if (zip && !member_copy(&c, m, b.max.pickle_bytes, &b.arena, &b.obs, &program)) exit(65);
  row("pickle machine alone", run_alone, runs, program, program.n);
  if (zip) row("pickle machine with the model's proofs", run_whole, runs, file, program.n);
  finish(&b);
}

int main(int argc, char **argv) {
  int runs = argc > 2 ? (int)strtoull(argv[1], NULL, 10) : 0;
  if (runs < 1) return 4;
  for (int i = 2; i < argc; i++) {
    struct stat s;
    int fd = open(argv[i], O_RDONLY);
    if (fd < 0 || fstat(fd, &s) != 0) return 66;
    void *p = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED) return 66;
    measure(runs, span_of(p, (size_t)s.st_size));
  }
  return 0;
}
