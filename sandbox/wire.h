/* Frames from a sealed worker to the broker, by pipe. The worker may be hostile: the broker buffers at most
 * limits.report_bytes, parses only after the worker is dead, copies fields out, and believes nothing that it
 * can check.
 *
 *   frame      magic u32 "CKL1", type u16, flags u16 = 0, length u32 <= 65536, seq u32 (0, 1, 2, …), then the
 *              body; all little-endian
 *   END        the last one: number of frames before it, and whether the stage came to its end
 *   VIOLATION, FAULT, SETUP
 *              a worker's last words when it can't come to END: seq 0xffffffff, nothing may follow;
 *              what comes before may be cut anywhere */
#ifndef CKPTLINT_SANDBOX_WIRE_H
#define CKPTLINT_SANDBOX_WIRE_H

#include "base/reader.h"
#include "rules/finding.h"

enum frame_type {
  FRAME_FINDING = 1, /* reason u32, severity u8, effect u8, length of member u16, at len got want u64, more
                        u32, lengths of subject and detail u32; then member, subject, detail */
  FRAME_TEXT, /* u16 key (enum text_key), then bytes: a fact that is text, e.g. a file the arch file names */
  FRAME_END,  /* frames u32, complete u8 */
  FRAME_VIOLATION, /* nr u32, arch u32, rule u32 (enum policy_reason) */
  FRAME_FAULT,     /* signal u32, si_code u32 */
  FRAME_SETUP,     /* step u32 of lockdown.c, errno u32 */
};
/* Longer texts of a finding are cut by the worker: nobody reads them, and a frame must fit. */
enum { WIRE_FRAME_MAX = 65536, WIRE_MEMBER_MAX = 4096, WIRE_SUBJECT_MAX = 16384 };

/* Texts that a worker may send. NO_MODEL: the config.json beside the weights names no family, so there is
 * nothing to compare with, and nobody asked. */
enum text_key {
  TEXT_NEED_FILE = 1,
  TEXT_NO_MODEL,
  TEXT_TORCH_LINE,   /* of what load_state_dict would say */
  TEXT_POLICY_ALLOW, /* of a policy file: a name, */
  TEXT_POLICY_FILE,  /* the file that the names behind it are for, */
  TEXT_POLICY_WRONG, /* or what is wrong with it */
  TEXT_MODULE,       /* a row of what describe found (api/worker_describe.h) */
  TEXT_DRAFT_TYPE,   /* of what --family drafts: its model_type, */
  TEXT_DRAFT_CLASS,  /* its class, */
  TEXT_DRAFT_FIELD,  /* a field of its config */
  TEXT_KEYS          /* no key: one more than the last */
};

/* ---- worker side: no allocation, write(3) only ---- */
struct wire_out {
  int fd;
  uint32_t seq;
  bool broken; /* a write failed or was cut: the stage must end */
};
void wire_finding(struct wire_out *w, const struct finding *f);
/* A text that does not fit a frame breaks the report: unlike a finding's it is not only read by people. */
void wire_text(struct wire_out *w, enum text_key key, struct span text);
/* complete: the stage did all it was asked to. */
void wire_end(struct wire_out *w, bool complete);
/* Last words: three words at most. Async-signal-safe, touches nothing but its arguments and the stack. */
void wire_last_words(int fd, enum frame_type type, uint32_t a, uint32_t b, uint32_t c);

/* ---- broker side ---- */
enum wire_status { WIRE_OK, WIRE_INCOMPLETE, WIRE_PROTOCOL_ERROR };
struct wire_text {
  enum text_key key;
  struct span text;
};
struct wire_in {
  VEC(struct finding) findings;
  VEC(struct wire_text) texts;
  bool complete;                /* END said so */
  bool violation, fault, setup; /* last words, and which */
  uint32_t nr, arch, rule, signal, si_code, step, error;
};
/* Parses all that a dead worker sent. Spans point into `bytes`. Ranges are checked: reason < OBS_COUNT and
 * not OBS_NONE, severity and effect in range and not milder than the reason's own, offsets within file_size
 * (or within 2^40 where they are member offsets), text lengths; a length is cut to what the file has behind
 * its offset. Unless the status is WIRE_OK, the frames before the place where it broke are kept. An arena
 * that is spent makes it WIRE_INCOMPLETE. Last words are told beside the status of the frames before them. */
enum wire_status wire_parse(struct wire_in *in, struct arena *a, struct span bytes, uint64_t file_size);

#endif
