/* Numbers as people read them. Each writes into room of FIGURE_ROOM bytes and answers it. */
#ifndef CKPTLINT_REPORT_FIGURES_H
#define CKPTLINT_REPORT_FIGURES_H

#include "base/ints.h"

enum { FIGURE_ROOM = 32 };

const char *figure_bytes(char room[FIGURE_ROOM], uint64_t n); /* "143 B", "44.7 MiB" */
const char *figure_count(char room[FIGURE_ROOM], uint64_t n); /* "11,689,512" */
const char *figure_real(char room[FIGURE_ROOM], double x);    /* 4 digits */

#endif
