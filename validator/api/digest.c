/* The digest of a file, for the broker, which asks a worker: libcrypto 3.0 without memory follows a NULL when
 * it is loaded, a file that is cut while it is read raises SIGBUS, and a disk may never answer. */
#include "api/policy.h"
#include "base/memory.h"
#include "sandbox/spawn.h"
#include "tensor/sha256.h"

enum { MIB = 1 << 20, MEMORY = 32 * MIB, REPORT_BYTES = 4096 };

struct task {
  struct span bytes;
  char *hex; /* shared with the worker */
};

static bool prepare(void *ctx) {
  (void)ctx;
  bool loaded = sha256_load();
  if (memory_has_failed()) worker_out_of_memory();
  return loaded;
}

static bool make(void *ctx, struct wire_out *out) {
  const struct task *t = ctx;
  uint8_t digest[SHA256_HEX / 2];
  (void)out;
  if (!sha256(t->bytes, digest)) return false;
  sha256_hex(digest, t->hex);
  return true;
}

/* Ends that say something of the file, or that there is no libcrypto; any other is for want of memory. */
static bool is_told(const struct worker_result *r) {
  bool no_library = r->end == WORKER_SETUP && r->setup_step && strcmp(r->setup_step, "libraries") == 0;
  return r->end == WORKER_OK || r->end == WORKER_FILE_CHANGED || r->end == WORKER_TIMEOUT ||
         r->end == WORKER_CPU || no_library;
}

static bool ask(struct task *t, const struct sandbox *sandbox, const struct limits *max) {
  const uint64_t seconds = max->seconds + t->bytes.n / 100000000;
  const struct worker_limits limits = {.memory_bytes = MEMORY,
                                       .cpu_seconds = seconds,
                                       .wall_ms = seconds * 1000,
                                       .report_bytes = REPORT_BYTES,
                                       .at_least = sandbox_level(sandbox)};
  const struct worker_task task = {
      .prepare = prepare, .run = make, .ctx = t, .writes = {{t->hex, SHA256_HEX + 1}}};
  struct worker worker, *const workers[] = {&worker};
  struct worker_result result;
  struct arena a;
  if (!worker_start(&worker, sandbox, &limits, &task)) {
    memory_note_failure();
    return false;
  }
  bool stopped = workers_wait(workers, 1) != 0;
  if (stopped) workers_kill(workers, 1);
  arena_init(&a, MIB);
  worker_finish(&worker, &a, t->bytes.n, &result);
  if (!stopped && !is_told(&result)) memory_note_failure();
  arena_free(&a);
  return !stopped && result.end == WORKER_OK;
}

bool digest_bytes(struct span bytes, const struct sandbox *sandbox, const struct limits *max,
                  char hex[SHA256_HEX + 1]) {
  struct task t = {bytes, region_map(SHA256_HEX + 1)};
  hex[0] = 0;
  if (!t.hex) {
    memory_note_failure();
    return false;
  }
  bool known = ask(&t, sandbox, max);
  if (known) memcpy(hex, t.hex, SHA256_HEX + 1);
  region_unmap(t.hex, SHA256_HEX + 1);
  return known;
}
