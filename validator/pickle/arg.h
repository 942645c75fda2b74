/* Reads what follows an opcode. Inline, as two of three have something. */
#ifndef CKPTLINT_PICKLE_ARG_H
#define CKPTLINT_PICKLE_ARG_H

#include "pickle/opcode.h"

/* On failure nothing of the argument is valid but what the comment says. */
enum arg_error {
  ARG_FINE,
  ARG_TRUNCATED,       /* number: bytes wanted */
  ARG_OVERRUN,         /* a length beyond the end; number: the length, INT64_MAX if it is larger still */
  ARG_NEGATIVE_LENGTH, /* number: the length */
  ARG_NO_NEWLINE,
};

static inline enum arg_error arg_truncated(int64_t *out, int64_t wanted) {
  *out = wanted;
  return ARG_TRUNCATED;
}

static inline enum arg_error arg_number_1(struct reader *in, int64_t *out) {
  uint8_t u;
  if (!reader_u8(in, &u)) return arg_truncated(out, 1);
  *out = u;
  return ARG_FINE;
}

static inline enum arg_error arg_number_2(struct reader *in, int64_t *out) {
  uint16_t u;
  if (!reader_u16le(in, &u)) return arg_truncated(out, 2);
  *out = u;
  return ARG_FINE;
}

static inline enum arg_error arg_number_4(struct reader *in, int64_t *out) {
  uint32_t u;
  if (!reader_u32le(in, &u)) return arg_truncated(out, 4);
  *out = u;
  return ARG_FINE;
}

/* Above INT64_MAX it becomes INT64_MAX, which no length and no index reaches. */
static inline enum arg_error arg_number_8(struct reader *in, int64_t *out) {
  uint64_t u;
  if (!reader_u64le(in, &u)) return arg_truncated(out, 8);
  *out = u > INT64_MAX ? INT64_MAX : (int64_t)u;
  return ARG_FINE;
}

static inline enum arg_error arg_signed_4(struct reader *in, int64_t *out) {
  enum arg_error e = arg_number_4(in, out);
  if (e == ARG_FINE && *out > INT32_MAX) *out -= INT64_C(1) << 32;
  return e;
}

/* The bytes after a length. The length is compared with what is left before anything is made of it. */
static inline enum arg_error arg_counted(struct reader *in, enum arg_error e, struct arg *out) {
  if (e != ARG_FINE) return e;
  if (out->number < 0) return ARG_NEGATIVE_LENGTH;
  return reader_take(in, (uint64_t)out->number, &out->text) ? ARG_FINE : ARG_OVERRUN;
}

static inline enum arg_error arg_real(struct reader *in, struct arg *out) {
  if (reader_f64be(in, &out->real)) return ARG_FINE;
  out->number = 8;
  return ARG_TRUNCATED;
}

/* The argument of a row. */
HOT enum arg_error arg_read(struct reader *in, enum arg_kind kind, struct arg *out) {
  switch (kind) {
  case ARG_NONE: return ARG_FINE;
  case ARG_U1: return arg_number_1(in, &out->number);
  case ARG_U2: return arg_number_2(in, &out->number);
  case ARG_U4: return arg_number_4(in, &out->number);
  case ARG_I4: return arg_signed_4(in, &out->number);
  case ARG_U8: return arg_number_8(in, &out->number);
  case ARG_F8: return arg_real(in, out);
  case ARG_L1: return arg_counted(in, arg_number_1(in, &out->number), out);
  case ARG_L4: return arg_counted(in, arg_number_4(in, &out->number), out);
  case ARG_L8: return arg_counted(in, arg_number_8(in, &out->number), out);
  case ARG_L4S: return arg_counted(in, arg_signed_4(in, &out->number), out);
  case ARG_LINE: return reader_line(in, &out->text) ? ARG_FINE : ARG_NO_NEWLINE;
  case ARG_LINES:
    return reader_line(in, &out->text) && reader_line(in, &out->text2) ? ARG_FINE : ARG_NO_NEWLINE;
  }
  return ARG_FINE;
}

#endif
