#include "base/glob.h"

/* The last '*' is tried at one byte further whenever the rest does not fit: no recursion. */
bool glob_match(struct span glob, struct span text) {
  size_t g = 0, t = 0, star = SIZE_MAX, from = 0;
  while (t < text.n) {
    if (g < glob.n && glob.p[g] == '*') {
      star = g++;
      from = t;
    } else if (g < glob.n && (glob.p[g] == '?' || glob.p[g] == text.p[t])) {
      g++;
      t++;
    } else if (star != SIZE_MAX) {
      g = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (g < glob.n && glob.p[g] == '*') g++;
  return g == glob.n;
}
