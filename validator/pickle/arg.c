#include "pickle/op.h"

static enum arg_error truncated(int64_t *out, int64_t wanted) {
  *out = wanted;
  return ARG_TRUNCATED;
}

static enum arg_error number_1(struct reader *in, int64_t *out) {
  uint8_t u;
  if (!reader_u8(in, &u)) return truncated(out, 1);
  *out = u;
  return ARG_FINE;
}

static enum arg_error number_2(struct reader *in, int64_t *out) {
  uint16_t u;
  if (!reader_u16le(in, &u)) return truncated(out, 2);
  *out = u;
  return ARG_FINE;
}

static enum arg_error number_4(struct reader *in, int64_t *out) {
  uint32_t u;
  if (!reader_u32le(in, &u)) return truncated(out, 4);
  *out = u;
  return ARG_FINE;
}

/* Above INT64_MAX it becomes INT64_MAX, which no length and no index reaches. */
static enum arg_error number_8(struct reader *in, int64_t *out) {
  uint64_t u;
  if (!reader_u64le(in, &u)) return truncated(out, 8);
  *out = u > INT64_MAX ? INT64_MAX : (int64_t)u;
  return ARG_FINE;
}

static enum arg_error signed_4(struct reader *in, int64_t *out) {
  enum arg_error e = number_4(in, out);
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
  case ARG_U1: return number_1(in, &out->number);
  case ARG_U2: return number_2(in, &out->number);
  case ARG_U4: return number_4(in, &out->number);
  case ARG_I4: return signed_4(in, &out->number);
  case ARG_U8: return number_8(in, &out->number);
  case ARG_F8: return real(in, out);
  case ARG_L1: return counted(in, number_1(in, &out->number), out);
  case ARG_L4: return counted(in, number_4(in, &out->number), out);
  case ARG_L8: return counted(in, number_8(in, &out->number), out);
  case ARG_L4S: return counted(in, signed_4(in, &out->number), out);
  case ARG_LINE: return reader_line(in, &out->text) ? ARG_FINE : ARG_NO_NEWLINE;
  case ARG_LINES:
    return reader_line(in, &out->text) && reader_line(in, &out->text2) ? ARG_FINE : ARG_NO_NEWLINE;
  }
  return ARG_FINE;
}
