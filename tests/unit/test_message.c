/* The sentence of a finding, with its numbers counted as English does. */
#include "api/message.h"

#include "tests/unit/check.h"

static const struct sentence {
  enum obs_kind reason;
  uint64_t got, want;
  const char *says;
} sentences[] = {
    {OBS_PAYLOAD_BEFORE_ERROR, 1, 0,
     "the program breaks, but 1 refused call stands before the place: a loader runs it first"},
    {OBS_PAYLOAD_BEFORE_ERROR, 3, 0,
     "the program breaks, but 3 refused calls stand before the place: a loader runs them first"},
    {OBS_PKL_LEFT_VALUES, 0, 0, "0 values are left on the stack behind the result"},
    {OBS_WEIGHTS_NAN, 1, 6, "w: 1 of 6 values is NaN"},
    {OBS_WEIGHTS_NAN, 2, 6, "w: 2 of 6 values are NaN"},
    {OBS_PKL_UNDERFLOW, 1, 2, "w at 0x2a needs 2 values, 1 lies above the last mark"},
};

static void numbers_are_counted(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
    char room[512];
    struct finding f = {.reason = sentences[i].reason,
                        .got = sentences[i].got,
                        .want = sentences[i].want,
                        .at = 0x2a,
                        .subject = SPAN("w")};
    struct span text = finding_message(&f, room, sizeof room);
    if (!span_is(text, sentences[i].says)) fail_msg("%.*s", (int)text.n, (const char *)text.p);
  }
}

/* Every placeholder of every sentence is one that is known: none is left in what a reader sees. */
static void no_placeholder_is_left(void **state) {
  (void)state;
  for (int kind = OBS_NONE + 1; kind < OBS_COUNT; kind++) {
    char room[1024];
    struct finding f = {.reason = (enum obs_kind)kind, .got = 1, .want = 2};
    struct span text = finding_message(&f, room, sizeof room);
    if (memchr(text.p, '{', text.n) && memchr(text.p, '|', text.n))
      fail_msg("%.*s", (int)text.n, (const char *)text.p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_counted),
      cmocka_unit_test(no_placeholder_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
