/* workloads: how each workload of workloads.h ends, a line each, and at which system call. */
#include "tests/sandbox/workloads.h"

int main(void) {
  struct sandbox *s = sandbox_probe();
  struct arena a;
  if (!s || sandbox_level(s) < SANDBOX_STANDARD) return 1;
  arena_init(&a, 1 << 20);
  struct worker_result results[ARRAY_LEN(workloads)];
  for (size_t i = 0; i < ARRAY_LEN(workloads); i++) results[i] = try_workload(s, &workloads[i], &a);
  for (size_t i = 0; i < ARRAY_LEN(workloads);
       i++) { /* now only: a workload wants a stdout that nobody used */
    struct worker_result r = results[i];
    printf("%s: %s %u %d\n", workloads[i].name, worker_end_name(r.end), r.syscall_nr, r.signal);
  }
  sandbox_free(s);
  arena_free(&a);
  return 0;
}
