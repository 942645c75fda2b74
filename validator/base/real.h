/* Doubles as decimal text. */
#ifndef CKPTLINT_BASE_REAL_H
#define CKPTLINT_BASE_REAL_H

#include <stddef.h>

enum { REAL_ROOM = 32 };

/* The shortest decimal that reads back as the same double, in C's spelling ("1e-05", "nan"); the length. */
size_t real_shortest(char out[REAL_ROOM], double x);

#endif
