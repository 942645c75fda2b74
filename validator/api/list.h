/* Inputs as a run lists them: paths as they are given, and what is below directories. */
#ifndef CKPTLINT_API_LIST_H
#define CKPTLINT_API_LIST_H

#include "api/pipeline.h"

/* An input as the run lists it. */
struct listed {
  struct span path;
  size_t root_n; /* of the path: the directory that was walked to find it; 0: it was named */
  int fd;        /* the input itself, or -1 */
  const struct span
      *files; /* a folder of weights: paths of the files that stand in it, in the order of their names */
  uint32_t num_files; /* 0: a file */
};
struct listing {
  VEC(struct listed) rows;
};
/* False: out of memory. What can't be walked stays a path, which opening tells. */
NODISCARD bool list_inputs(struct listing *out, struct arena *a, const struct input_list *inputs);
/* May some input have its model's config.json beside it? By names. */
bool listing_may_have_config(const struct listing *l);

#endif
