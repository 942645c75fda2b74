/* A user-space reading of classic BPF as seccomp uses it, and of what the kernel makes of several filters.
 * Independent of libseccomp: the tests compare it with the kernel, with the table, and with a twin in plain
 * C. */
#ifndef CKPTLINT_TESTS_SANDBOX_BPF_SIM_H
#define CKPTLINT_TESTS_SANDBOX_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "sandbox/policy.h"

/* The answer of one program; KILL_PROCESS for whatever the kernel would not have loaded. */
static inline uint32_t bpf_run(const struct filter *f, const struct seccomp_data *data) {
  uint32_t acc = 0, word[sizeof *data / 4];
  memcpy(word, data, sizeof word);
  for (uint32_t pc = 0; pc < f->n; pc++) {
    const struct sock_filter *i = &f->code[pc];
    bool taken = false;
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS:
      if (i->k % 4 || i->k / 4 >= ARRAY_LEN(word)) return SECCOMP_RET_KILL_PROCESS;
      acc = word[i->k / 4];
      continue;
    case BPF_ALU | BPF_AND | BPF_K: acc &= i->k; continue;
    case BPF_JMP | BPF_JA: pc += i->k; continue;
    case BPF_RET | BPF_K: return i->k;
    case BPF_JMP | BPF_JEQ | BPF_K: taken = acc == i->k; break;
    case BPF_JMP | BPF_JGT | BPF_K: taken = acc > i->k; break;
    case BPF_JMP | BPF_JGE | BPF_K: taken = acc >= i->k; break;
    case BPF_JMP | BPF_JSET | BPF_K: taken = acc & i->k; break;
    default: return SECCOMP_RET_KILL_PROCESS;
    }
    pc += taken ? i->jt : i->jf;
  }
  return SECCOMP_RET_KILL_PROCESS; /* fell off the end */
}

/* Actions in the kernel's order of strictness (seccomp(2)): as a signed number the stricter one is the
 * smaller. */
static inline int32_t bpf_strictness(uint32_t answer) {
  uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
  return action >= 0x80000000U ? INT32_MIN : (int32_t)action;
}

/* Both filters: the stricter answer, the later filter's among equals. */
static inline uint32_t bpf_decide(const struct policy *p, const struct seccomp_data *data) {
  uint32_t gate = bpf_run(&p->gate, data), shape = bpf_run(&p->shape, data);
  return bpf_strictness(shape) < bpf_strictness(gate) ? shape : gate;
}

#endif
