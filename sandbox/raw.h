/* System calls without libc: nothing is touched but registers, so a signal handler may use them whatever
 * state the process is in. They answer minus errno, as the kernel does. */
#ifndef CKPTLINT_SANDBOX_RAW_H
#define CKPTLINT_SANDBOX_RAW_H

#include <stdint.h>
#include <sys/syscall.h>

#if defined __x86_64__

static inline long raw_call6(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long answer;
  __asm__ volatile("syscall"
                   : "=a"(answer)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return answer;
}

#elif defined __aarch64__

static inline long raw_call6(long nr, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = nr;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

#else
#error "the sandbox knows x86-64 and aarch64"
#endif

static inline long raw_call3(long nr, long a, long b, long c) { return raw_call6(nr, a, b, c, 0, 0, 0); }

static inline long raw_write(int fd, const void *p, unsigned long n) {
  return raw_call3(SYS_write, fd, (long)(uintptr_t)p, (long)n);
}

_Noreturn static inline void raw_exit(int code) {
  for (;;) raw_call3(SYS_exit_group, code, 0, 0);
}

#endif
