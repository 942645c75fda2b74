/* Checked integers and the few attributes that every file uses.
 * A number that came from the file meets +, - and * only through try_*; true means the exact result is in
 * *out. */
#ifndef CKPTLINT_BASE_INTS_H
#define CKPTLINT_BASE_INTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODISCARD         __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
/* For the loops that every byte of a file goes through: HOT goes into its caller whatever its size, COLD,
 * which a valid file hardly calls, stays out. */
#define HOT  static inline __attribute__((always_inline))
#define COLD __attribute__((cold, noinline))
/* Of a function that notes what is wrong and always answers false: `#define f(...) ANSWERS_FALSE(f,
 * __VA_ARGS__)` behind its declaration has compilers and analysers see that. Defined as `bool(f)(…)`. */
#define ANSWERS_FALSE(f, ...) ((void)(f)(__VA_ARGS__), false)

#define try_add(a, b, out) (!__builtin_add_overflow((a), (b), (out)))
#define try_sub(a, b, out) (!__builtin_sub_overflow((a), (b), (out)))
#define try_mul(a, b, out) (!__builtin_mul_overflow((a), (b), (out)))
#define try_cast(v, out)   try_add((v), 0, (out)) /* narrow without losing value or sign */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline size_t min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

#endif
