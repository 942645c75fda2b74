/* Replays files through a target: `replay_NAME FILE…`. With -m N each file is also replayed with N random
 * changes of one byte, so that a compiler without a fuzzer still looks around its seeds; the changes are the
 * same in every run. With -k each file is also replayed with limits and arenas of every smallness (fuzz.h).
 * What breaks a property is left in the file `crash` (for a sanitizer's finding too:
 * ASAN_OPTIONS=abort_on_error=1). */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

static uint8_t *read_whole(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  uint8_t *bytes = NULL;
  size_t room = 1 << 16, got;
  *n = 0;
  while (f && (bytes = realloc(bytes, room)) && (got = fread(bytes + *n, 1, room - *n, f)) > 0) {
    *n += got;
    if (*n == room) room *= 2;
  }
  if (!f || !bytes) {
    fprintf(stderr, "%s: can't be read\n", path);
    exit(1);
  }
  fclose(f);
  return bytes;
}

static struct span current; /* for the handler, as is the next */
static const char *current_path;

static void save_current(int signal_number) {
  int fd = open("crash", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd >= 0 && write(fd, current.p, current.n) == (ssize_t)current.n)
    (void)!write(2, "saved as ./crash, from ", 23);
  (void)!write(2, current_path, strlen(current_path));
  (void)!write(2, "\n", 1);
  (void)signal(signal_number, SIG_DFL);
}

static void run(const uint8_t *bytes, size_t n) {
  current = span_of(bytes, n);
  (void)LLVMFuzzerTestOneInput(bytes, n);
}

/* xorshift64. */
static uint64_t next_random(uint64_t *state) {
  *state ^= (*state & UINT64_MAX >> 13) << 13;
  *state ^= *state >> 7;
  *state ^= (*state & UINT64_MAX >> 17) << 17;
  return *state;
}

static void mutate(uint8_t *bytes, size_t n, unsigned times, uint64_t seed) {
  static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '.', '(', 'R', 'P', 0x40};
  uint64_t state = seed * 2 + 1;
  for (unsigned i = 0; n && i < times; i++) {
    size_t at = (size_t)(next_random(&state) % n);
    uint64_t how = next_random(&state);
    uint8_t before = bytes[at];
    if (how % 3 == 0)
      bytes[at] = (uint8_t)(before ^ 1u << (how >> 8 & 7));
    else if (how % 3 == 1)
      bytes[at] = values[(how >> 8) % sizeof values];
    else
      bytes[at] = (uint8_t)(how >> 8 & 0xff);
    run(bytes, how >> 32 & 7 ? n : (size_t)(how >> 40) % n);
    if (how >> 36 & 3) bytes[at] = before; /* some changes stay, and add up */
  }
}

static void turn_knobs(uint8_t *bytes, size_t n) {
  const uint8_t before = n ? bytes[n - 1] : 0;
  for (unsigned later = 0; n && later < 8; later++) {
    bytes[n - 1] = (uint8_t)(KNOB_POOR | later * KNOB_LATER | (before & KNOB_OTHER));
    run(bytes, n);
  }
  for (unsigned other = 0; n && other <= KNOB_OTHER; other += KNOB_OTHER) {
    bytes[n - 1] = (uint8_t)(KNOB_SHRUNK | other);
    run(bytes, n);
  }
  if (n) bytes[n - 1] = before;
}

int main(int argc, char **argv) {
  bool mutates = argc > 2 && strcmp(argv[1], "-m") == 0, turns = argc > 1 && strcmp(argv[1], "-k") == 0;
  unsigned times = mutates ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
  (void)signal(SIGABRT, save_current);
  for (int i = mutates ? 3 : turns ? 2 : 1; i < argc; i++) {
    size_t n;
    uint8_t *bytes = read_whole(current_path = argv[i], &n);
    run(bytes, n);
    mutate(bytes, n, times, (uint64_t)n + (uint64_t)i);
    if (turns) turn_knobs(bytes, n);
    free(bytes);
  }
  return 0;
}
