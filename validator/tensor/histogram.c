#include "tensor/histogram.h"

#include <math.h>

enum { HALF = HISTOGRAM_BINS / 2 };

static double end_of(const struct histogram *h) { return h->low + HISTOGRAM_BINS * h->width; }

static void begin(struct histogram *h, double x) {
  h->begun = true;
  h->width = fmax(fabs(x) * 0x1p-40, 0x1p-1074);
  h->low = x - h->width * HALF;
  h->lost = !isfinite(h->low);
}

/* Joins pairs of bins; the free half is behind them, or before them. */
static void widen(struct histogram *h, bool downwards) {
  for (size_t i = 0; i < HALF; i++) h->bin[i] = h->bin[2 * i] + h->bin[2 * i + 1];
  if (downwards) {
    memcpy(&h->bin[HALF], h->bin, HALF * sizeof h->bin[0]);
    h->low -= HISTOGRAM_BINS * h->width;
  }
  memset(downwards ? h->bin : &h->bin[HALF], 0, HALF * sizeof h->bin[0]);
  h->width *= 2;
  h->lost = !isfinite(h->low) || !isfinite(end_of(h));
}

static void add(struct histogram *h, double x) {
  if (!h->begun) begin(h, x);
  while (!h->lost && x < h->low) widen(h, true);
  while (!h->lost && x >= end_of(h)) widen(h, false);
  if (h->lost) return;
  double at = (x - h->low) / h->width;
  h->bin[at < HISTOGRAM_BINS ? (uint32_t)at : HISTOGRAM_BINS - 1]++;
}

void histogram_run(struct histogram *h, enum dtype d, struct span bytes) {
  for (size_t at = 0; at < bytes.n; at += dtype_size(d)) {
    double x = dtype_load(d, bytes.p + at);
    if (isfinite(x)) add(h, x);
  }
}

/* How many numbers lie below x, a bin's own spread evenly over it. */
static double below(const struct histogram *h, double x) {
  double at = (x - h->low) / h->width, n = 0;
  for (uint32_t i = 0; i < HISTOGRAM_BINS && i < at; i++) n += (double)h->bin[i] * fmin(1, at - i);
  return n;
}

void histogram_bars(const struct histogram *h, double min, double max, uint8_t bars[HISTOGRAM_BARS]) {
  double count[HISTOGRAM_BARS], most = 0, before = 0;
  memset(bars, 0, HISTOGRAM_BARS);
  if (!h->begun || h->lost || !isfinite(max - min)) return;
  for (uint32_t i = 0; i < HISTOGRAM_BARS; i++) {
    bool last = i + 1 == HISTOGRAM_BARS; /* what lies in max's own bin is at or below max */
    double up_to = below(h, last ? end_of(h) : min + (max - min) * (i + 1) / HISTOGRAM_BARS);
    count[i] = up_to - before;
    before = up_to;
    most = fmax(most, count[i]);
  }
  for (uint32_t i = 0; i < HISTOGRAM_BARS && most > 0; i++)
    bars[i] = count[i] < 0.5 ? 0 : (uint8_t)fmax(1, round(255 * count[i] / most));
}
