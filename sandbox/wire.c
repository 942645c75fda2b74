#include "sandbox/wire.h"

#include <assert.h>
#include <limits.h>
#include <unistd.h>

#include "sandbox/raw.h"

enum {
  MAGIC = 0x314c4b43, /* "CKL1" */
  HEADER_BYTES = 16,
  FINDING_BYTES = 52, /* without its texts */
  KEY_BYTES = 2,
  END_BYTES = 5,
  LAST_WORDS = 3,
};
static const uint32_t LAST_SEQ = UINT32_MAX;
static const uint64_t MEMBER_OFFSET_MAX = UINT64_C(1) << 40;

/* ---- worker side ---- */

static uint8_t *put_u8(uint8_t *p, uint8_t v) {
  *p = v;
  return p + 1;
}
static uint8_t *put_u16(uint8_t *p, uint16_t v) { return put_u8(put_u8(p, (uint8_t)v), (uint8_t)(v >> 8)); }
static uint8_t *put_u32(uint8_t *p, uint32_t v) {
  return put_u16(put_u16(p, (uint16_t)v), (uint16_t)(v >> 16));
}
static uint8_t *put_u64(uint8_t *p, uint64_t v) {
  return put_u32(put_u32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint8_t *put_header(uint8_t *p, enum frame_type type, size_t body, uint32_t seq) {
  p = put_u32(p, MAGIC);
  p = put_u16(p, (uint16_t)type);
  p = put_u16(p, 0);
  p = put_u32(p, (uint32_t)body);
  return put_u32(p, seq);
}

/* A pipe takes what it has room for, so a write may be short; so may one that was stopped and continued. */
static void send_bytes(struct wire_out *w, const uint8_t *p, size_t n) {
  while (n > 0 && !w->broken) {
    ssize_t sent = write(w->fd, p, n);
    if (sent <= 0) {
      w->broken = true;
    } else {
      p += sent;
      n -= (size_t)sent;
    }
  }
}
static void send_span(struct wire_out *w, struct span s) { send_bytes(w, s.p, s.n); }

void wire_finding(struct wire_out *w, const struct finding *f) {
  struct span member = span_first(f->member, WIRE_MEMBER_MAX);
  struct span subject = span_first(f->subject, WIRE_SUBJECT_MAX);
  struct span detail = span_first(f->detail, WIRE_SUBJECT_MAX);
  uint8_t head[HEADER_BYTES + FINDING_BYTES];
  uint8_t *p = put_header(head, FRAME_FINDING, FINDING_BYTES + member.n + subject.n + detail.n, w->seq++);
  p = put_u32(p, (uint32_t)f->reason);
  p = put_u8(p, (uint8_t)f->severity);
  p = put_u8(p, (uint8_t)f->effect);
  p = put_u16(p, (uint16_t)member.n);
  p = put_u64(p, f->at);
  p = put_u64(p, f->len);
  p = put_u64(p, f->got);
  p = put_u64(p, f->want);
  p = put_u32(p, f->more);
  p = put_u32(p, (uint32_t)subject.n);
  put_u32(p, (uint32_t)detail.n);
  send_bytes(w, head, sizeof head);
  send_span(w, member);
  send_span(w, subject);
  send_span(w, detail);
}

void wire_text(struct wire_out *w, enum text_key key, struct span text) {
  if (text.n > WIRE_FRAME_MAX - KEY_BYTES) {
    w->broken = true;
    return;
  }
  uint8_t head[HEADER_BYTES + KEY_BYTES];
  put_u16(put_header(head, FRAME_TEXT, KEY_BYTES + text.n, w->seq++), (uint16_t)key);
  send_bytes(w, head, sizeof head);
  send_span(w, text);
}

void wire_end(struct wire_out *w, bool complete) {
  uint8_t frame[HEADER_BYTES + END_BYTES];
  uint32_t before = w->seq++;
  put_u8(put_u32(put_header(frame, FRAME_END, END_BYTES, before), before), complete);
  send_bytes(w, frame, sizeof frame);
}

/* How many words each kind of last words has; 0: not one. */
static size_t words_of(enum frame_type type) {
  switch (type) {
  case FRAME_VIOLATION: return 3;
  case FRAME_FAULT:
  case FRAME_SETUP: return 2;
  case FRAME_FINDING:
  case FRAME_TEXT:
  case FRAME_END: return 0;
  }
  return 0;
}

void wire_last_words(int fd, enum frame_type type, uint32_t a, uint32_t b, uint32_t c) {
  uint8_t frame[HEADER_BYTES + 4 * LAST_WORDS];
  size_t body = 4 * words_of(type);
  put_u32(put_u32(put_u32(put_header(frame, type, body, LAST_SEQ), a), b), c);
  raw_write(fd, frame, HEADER_BYTES + body); /* less than PIPE_BUF: all or nothing */
}
static_assert(HEADER_BYTES + 4 * LAST_WORDS <= PIPE_BUF, "last words must reach the pipe in one piece");

/* ---- broker side ---- */

struct parse {
  struct wire_in *in;
  struct arena *arena;
  uint64_t file_size;
  uint32_t frames; /* before the one being read */
  bool ended;
  bool spent; /* the broker's own memory, not the worker's fault */
};

struct frame {
  uint32_t magic, seq;
  uint16_t type, flags;
  struct reader body;
};

static bool read_finding_head(struct reader *r, struct finding *f, uint16_t *member, uint32_t *subject,
                              uint32_t *detail) {
  uint32_t reason;
  uint8_t severity, effect;
  if (!reader_u32le(r, &reason) || !reader_u8(r, &severity) || !reader_u8(r, &effect) ||
      !reader_u16le(r, member) || !reader_u64le(r, &f->at) || !reader_u64le(r, &f->len) ||
      !reader_u64le(r, &f->got) || !reader_u64le(r, &f->want) || !reader_u32le(r, &f->more) ||
      !reader_u32le(r, subject) || !reader_u32le(r, detail))
    return false;
  if (reason == OBS_NONE || reason >= OBS_COUNT || severity >= SEV_COUNT || effect >= EFFECT_COUNT)
    return false;
  f->reason = (enum obs_kind)reason;
  f->severity = (enum severity)severity;
  f->effect = (enum effect)effect;
  return true;
}

static bool read_finding_texts(struct reader *r, struct finding *f, uint16_t member, uint32_t subject,
                               uint32_t detail) {
  return member <= WIRE_MEMBER_MAX && subject <= WIRE_SUBJECT_MAX && detail <= WIRE_SUBJECT_MAX &&
         reader_take(r, member, &f->member) && reader_take(r, subject, &f->subject) &&
         reader_take(r, detail, &f->detail);
}

/* A worker that was taken over must not be able to play down what it is made to say. */
static bool not_played_down(const struct finding *f) {
  return f->effect >= reason_effect(f->reason) && f->severity >= finding_rule(f)->severity;
}

static bool place_within(struct finding *f, uint64_t file_size) {
  uint64_t end = f->member.n ? MEMBER_OFFSET_MAX : file_size;
  if (f->at > end) return false;
  f->len = min_u64(f->len, end - f->at);
  return true;
}

static bool read_finding(struct parse *p, struct reader *r) {
  struct finding f = {0};
  uint16_t member;
  uint32_t subject, detail;
  if (!read_finding_head(r, &f, &member, &subject, &detail) ||
      !read_finding_texts(r, &f, member, subject, detail) || !not_played_down(&f) ||
      !place_within(&f, p->file_size))
    return false;
  struct finding *slot = vec_push(p->arena, &p->in->findings, UINT32_MAX);
  p->spent = !slot;
  if (slot) *slot = f;
  return slot;
}

static bool read_text(struct parse *p, struct reader *r) {
  uint16_t key;
  if (!reader_u16le(r, &key) || key < TEXT_NEED_FILE || key >= TEXT_KEYS) return false;
  struct wire_text *slot = vec_push(p->arena, &p->in->texts, UINT32_MAX);
  p->spent = !slot;
  if (!slot) return false;
  slot->key = (enum text_key)key;
  return reader_take(r, r->left.n, &slot->text);
}

static bool read_end(struct parse *p, struct reader *r) {
  uint32_t before;
  uint8_t complete;
  if (!reader_u32le(r, &before) || !reader_u8(r, &complete) || before != p->frames || complete > 1)
    return false;
  p->in->complete = complete;
  p->ended = true;
  return true;
}

static bool read_body(struct parse *p, struct frame *f) {
  switch (f->type) {
  case FRAME_FINDING: return read_finding(p, &f->body);
  case FRAME_TEXT: return read_text(p, &f->body);
  case FRAME_END: return read_end(p, &f->body);
  }
  return false; /* a number that is no frame type, or last words that are not last */
}

static bool read_header(struct reader *r, struct frame *f, uint32_t *len) {
  return reader_u32le(r, &f->magic) && reader_u16le(r, &f->type) && reader_u16le(r, &f->flags) &&
         reader_u32le(r, len) && reader_u32le(r, &f->seq);
}

/* One frame. INCOMPLETE: the bytes end inside it. */
static enum wire_status read_frame(struct parse *p, struct reader *r) {
  struct frame f;
  uint32_t len;
  if (!read_header(r, &f, &len)) return WIRE_INCOMPLETE;
  if (f.magic != MAGIC || f.flags || len > WIRE_FRAME_MAX || f.seq != p->frames) return WIRE_PROTOCOL_ERROR;
  if (!reader_sub(r, len, &f.body)) return WIRE_INCOMPLETE;
  if (!read_body(p, &f)) return p->spent ? WIRE_INCOMPLETE : WIRE_PROTOCOL_ERROR;
  p->frames++;
  return reader_done(&f.body) ? WIRE_OK : WIRE_PROTOCOL_ERROR;
}

/* Takes last words of that type off the end of the bytes. They are looked for from behind, because a handler
 * may have written them into the middle of another frame. */
static bool take_last_words(struct span *bytes, enum frame_type type, uint32_t words[LAST_WORDS]) {
  size_t body = 4 * words_of(type);
  if (bytes->n < HEADER_BYTES + body) return false;
  struct reader r = reader_of(span_from(*bytes, bytes->n - HEADER_BYTES - body), 0);
  struct frame f;
  uint32_t len;
  if (!read_header(&r, &f, &len) || f.magic != MAGIC || f.type != type || f.flags || len != body ||
      f.seq != LAST_SEQ)
    return false;
  for (size_t i = 0; i < words_of(type); i++)
    if (!reader_u32le(&r, &words[i])) return false;
  bytes->n -= HEADER_BYTES + body;
  return true;
}

static struct span read_last_words(struct wire_in *in, struct span bytes) {
  uint32_t w[LAST_WORDS];
  if (take_last_words(&bytes, FRAME_VIOLATION, w)) {
    in->violation = true;
    in->nr = w[0];
    in->arch = w[1];
    in->rule = w[2];
  } else if (take_last_words(&bytes, FRAME_FAULT, w)) {
    in->fault = true;
    in->signal = w[0];
    in->si_code = w[1];
  } else if (take_last_words(&bytes, FRAME_SETUP, w)) {
    in->setup = true;
    in->step = w[0];
    in->error = w[1];
  }
  return bytes;
}

enum wire_status wire_parse(struct wire_in *in, struct arena *a, struct span bytes, uint64_t file_size) {
  *in = (struct wire_in){0};
  struct parse p = {.in = in, .arena = a, .file_size = file_size};
  struct reader r = reader_of(read_last_words(in, bytes), 0);
  while (!reader_done(&r)) {
    if (p.ended) return WIRE_PROTOCOL_ERROR; /* nothing follows END */
    enum wire_status status = read_frame(&p, &r);
    if (status != WIRE_OK) return status;
  }
  return p.ended ? WIRE_OK : WIRE_INCOMPLETE;
}
