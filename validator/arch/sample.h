/* A part of a large model that stands for the whole while config values are tried: of a list of many modules
 * the first ones and the last, and of the checkpoint the keys of those. Private to arch/hint.c. */
#ifndef CKPTLINT_ARCH_SAMPLE_H
#define CKPTLINT_ARCH_SAMPLE_H

#include "arch/hint.h"

struct sample {
  struct hint_request request; /* of the part; the rest is what it points to */
  struct config_sources sources;
  struct model model;
  struct match match;
  struct plan plan; /* the checkpoint's, with the part's entries and one dict */
  struct plan_dict dict;
};

/* False when memory is spent, or when what differs shows nowhere in the part. The arena holds what it needs;
 * sample_close in any case. */
NODISCARD bool sample_open(struct sample *s, const struct hint_request *whole, struct arena *a);
void sample_close(struct sample *s);

#endif
