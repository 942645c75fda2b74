/* Frames from a sealed worker to the broker, by pipe. The worker may be hostile: the broker buffers at most
 * limits.report_bytes, parses only after the worker is dead, copies fields out, and believes nothing that it can check.
 *
 *   frame   magic u32 "CKL1", type u16, flags u16 = 0, length u32 <= 65536, seq u32 (0, 1, 2, …)     all little-endian
 *   END     the last one: number of frames before it, and whether the stage came to its end
 *   VIOLATION, FAULT   the emergency frames of the signal handlers, seq 0xffffffff, nothing may follow */
#ifndef CKPTLINT_SANDBOX_WIRE_H
#define CKPTLINT_SANDBOX_WIRE_H

#include "base/reader.h"
#include "rules/finding.h"

enum frame_type {
  FRAME_FINDING = 1, /* struct finding */
  FRAME_TEXT,        /* u16 key (enum text_key), then bytes: a fact that is text, e.g. a file the arch file names */
  FRAME_END,
  FRAME_VIOLATION,   /* nr u32, arch u32, rule u32 */
  FRAME_FAULT,       /* signal u32, si_code u32 */
};

/* Texts that a worker may send. */
enum text_key { TEXT_NEED_FILE = 1, TEXT_ARCH_NAME, TEXT_KEYS /* reserved for the number of keys */ };

/* ---- worker side: no allocation, write(3) only ---- */
struct wire_out {
  int fd;
  uint32_t seq;
  bool broken; /* a write failed or was cut: the stage must end */
};
void wire_finding(struct wire_out *w, const struct finding *f);
void wire_text(struct wire_out *w, enum text_key key, struct span text);
/* complete: the stage did all it was asked to. */
void wire_end(struct wire_out *w, bool complete);

/* ---- broker side ---- */
enum wire_status { WIRE_OK, WIRE_INCOMPLETE, WIRE_PROTOCOL_ERROR };
struct wire_text { enum text_key key; struct span text; };
struct wire_in {
  VEC(struct finding) findings;
  VEC(struct wire_text) texts;
  bool complete;                       /* END said so */
  bool violation, fault;               /* an emergency frame came last */
  uint32_t nr, arch, rule, signal, si_code;
};
/* Parses all that a dead worker sent. Spans point into `bytes`. Ranges are checked: reason < OBS_COUNT and not
 * OBS_NONE, severity and effect in range and not milder than the reason's own, offsets within file_size (or within
 * 2^40 where they are member offsets), text lengths. */
enum wire_status wire_parse(struct wire_in *in, struct arena *a, struct span bytes, uint64_t file_size);

#endif
