/* A policy file, as its sealed stage reads it: it is a list of names that the broker can take, or one word
 * about what is wrong, at a line that is there. */
#include "api/worker_policy.h"

#include "fuzz/sent.h"

static uint64_t lines_of(struct span text) {
  uint64_t lines = 1;
  for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
  return lines;
}

static void check_wrong(struct span words, struct span file) {
  char text[512] = {0};
  unsigned long long line = 0;
  FUZZ_CHECK(words.n < sizeof text);
  memcpy(text, words.p, words.n);
  FUZZ_CHECK(strncmp(text, "line ", 5) == 0 && (line = strtoull(text + 5, NULL, 10)) >= 1);
  FUZZ_CHECK(line <= lines_of(file));
}

static void check_texts(const struct wire_in *in, const struct fuzz_input *input) {
  uint64_t wrong = 0, names = 0;
  for (uint32_t i = 0; i < in->texts.n; i++) {
    const struct wire_text *t = &in->texts.p[i];
    FUZZ_CHECK(t->key == TEXT_POLICY_ALLOW || t->key == TEXT_POLICY_FILE || t->key == TEXT_POLICY_WRONG);
    names += t->key != TEXT_POLICY_WRONG;
    if (t->key == TEXT_POLICY_FILE) FUZZ_CHECK(t->text.n > 65 && t->text.p[64] == ' ');
    if (t->key != TEXT_POLICY_WRONG) continue;
    wrong++;
    check_wrong(t->text, input->bytes);
  }
  FUZZ_CHECK(wrong <= 1 && names <= input->limits.policy_names && in->findings.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input in = fuzz_open(data, size);
  if (in.knobs & KNOB_SHRUNK) in.limits.policy_names = 2;
  struct policy_job job = {.max = &in.limits, .file = in.bytes};
  struct sent sent;
  sent_begin(&sent);
  bool fine = policy_stage_run(&job, &sent.out);
  wire_end(&sent.out, fine);
  /* A name that fits no frame breaks the report: its worker is not believed. */
  FUZZ_CHECK(fine == !sent.out.broken);
  if (fine) FUZZ_CHECK(sent_read(&sent, 0) == WIRE_OK);
  if (fine) check_texts(&sent.in, &in);
  sent_free(&sent);
  fuzz_close(&in);
  return 0;
}
