#include "pickle/op.h"

static enum arg_error unsigned_le(struct reader *in, unsigned width, uint64_t *out) {
  uint8_t u1;
  uint16_t u2;
  uint32_t u4;
  switch (width) {
  case 1:
    if (!reader_u8(in, &u1)) return ARG_TRUNCATED;
    *out = u1;
    return ARG_FINE;
  case 2:
    if (!reader_u16le(in, &u2)) return ARG_TRUNCATED;
    *out = u2;
    return ARG_FINE;
  case 4:
    if (!reader_u32le(in, &u4)) return ARG_TRUNCATED;
    *out = u4;
    return ARG_FINE;
  }
  return reader_u64le(in, out) ? ARG_FINE : ARG_TRUNCATED;
}

/* A number of `width` bytes; above INT64_MAX it becomes INT64_MAX, which no length and no index reaches. */
static enum arg_error number(struct reader *in, unsigned width, int64_t *out) {
  uint64_t u = 0;
  if (unsigned_le(in, width, &u) != ARG_FINE) {
    *out = width;
    return ARG_TRUNCATED;
  }
  *out = u > INT64_MAX ? INT64_MAX : (int64_t)u;
  return ARG_FINE;
}

static enum arg_error signed_4(struct reader *in, int64_t *out) {
  enum arg_error e = number(in, 4, out);
  if (e == ARG_FINE && *out > INT32_MAX) *out -= INT64_C(1) << 32;
  return e;
}

/* The bytes after a length. The length is compared with what is left before anything is made of it. */
static enum arg_error counted(struct reader *in, enum arg_error e, struct arg *out) {
  if (e != ARG_FINE) return e;
  if (out->number < 0) return ARG_NEGATIVE_LENGTH;
  return reader_take(in, (uint64_t)out->number, &out->text) ? ARG_FINE : ARG_OVERRUN;
}

static enum arg_error real(struct reader *in, struct arg *out) {
  if (reader_f64be(in, &out->real)) return ARG_FINE;
  out->number = 8;
  return ARG_TRUNCATED;
}

enum arg_error arg_read(struct reader *in, enum arg_kind kind, struct arg *out) {
  switch (kind) {
  case ARG_NONE: return ARG_FINE;
  case ARG_U1: return number(in, 1, &out->number);
  case ARG_U2: return number(in, 2, &out->number);
  case ARG_U4: return number(in, 4, &out->number);
  case ARG_I4: return signed_4(in, &out->number);
  case ARG_U8: return number(in, 8, &out->number);
  case ARG_F8: return real(in, out);
  case ARG_L1: return counted(in, number(in, 1, &out->number), out);
  case ARG_L4: return counted(in, number(in, 4, &out->number), out);
  case ARG_L8: return counted(in, number(in, 8, &out->number), out);
  case ARG_L4S: return counted(in, signed_4(in, &out->number), out);
  case ARG_LINE: return reader_line(in, &out->text) ? ARG_FINE : ARG_NO_NEWLINE;
  case ARG_LINES:
    return reader_line(in, &out->text) && reader_line(in, &out->text2) ? ARG_FINE : ARG_NO_NEWLINE;
  }
  return ARG_FINE;
}
