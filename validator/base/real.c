#include "base/real.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A decimal of up to DBL_DIG digits survives the way through a normal double and back, so "%.15g", which
 * drops trailing zeros, finds every short one; the loop is for subnormals, which hold fewer digits. A NaN
 * ends at the most digits: it prints the same. */
size_t real_shortest(char out[REAL_ROOM], double x) {
  int digits = fabs(x) < DBL_MIN ? 1 : DBL_DIG, n;
  do n = snprintf(out, REAL_ROOM, "%.*g", digits, x);
  while (digits++ < DBL_DECIMAL_DIG && (strtod(out, NULL) < x || strtod(out, NULL) > x));
  return n > 0 ? (size_t)n : 0;
}
