#include "report/figures.h"

#include <stdio.h>

const char *figure_bytes(char room[FIGURE_ROOM], uint64_t n) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (n < 1024) {
    (void)snprintf(room, FIGURE_ROOM, "%u B", (unsigned)n);
    return room;
  }
  size_t unit = 0;
  double x = (double)n / 1024;
  for (; x >= 1023.5 && unit + 1 < ARRAY_LEN(units); unit++) x /= 1024; /* 1023.5 would print as 1024 */
  int decimals = x >= 99.95 ? 0 : x >= 9.995 ? 1 : 2;                   /* three digits, rounding counted */
  (void)snprintf(room, FIGURE_ROOM, "%.*f %s", decimals, x, units[unit]);
  return room;
}

const char *figure_count(char room[FIGURE_ROOM], uint64_t n) {
  char digits[24];
  size_t len = (size_t)snprintf(digits, sizeof digits, "%ju", (uintmax_t)n), at = 0;
  for (size_t i = 0; i < len; i++) {
    if (i > 0 && (len - i) % 3 == 0) room[at++] = ',';
    room[at++] = digits[i];
  }
  room[at] = '\0';
  return room;
}

const char *figure_real(char room[FIGURE_ROOM], double x) {
  (void)snprintf(room, FIGURE_ROOM, "%.4g", x);
  return room;
}
