/* The disassembler against recorded output of pickletools.dis, and on damaged programs. */
#include "pickle/disasm.h"

#include <stdio.h>

#include "pickle/machine.h"
#include "tests/unit/check.h"

struct listing {
  struct arena arena;
  struct limits max;
  struct disasm d;
  struct span program;
};

static void start(struct listing *l, const char *program, size_t n) {
  arena_init(&l->arena, 1 << 20);
  l->max = limits_default();
  l->program = exact_copy(program, n);
  disasm_init(&l->d, &l->arena, &l->max, l->program);
}
#define START(l, literal) start((l), literal, sizeof(literal) - 1)
static void finish(struct listing *l) {
  exact_free(l->program);
  arena_free(&l->arena);
}

static char *written(struct disasm *d) {
  char *text = NULL;
  size_t n;
  struct instruction i;
  FILE *out = open_memstream(&text, &n);
  assert_non_null(out);
  while (disasm_next(d, &i)) {
    fprintf(out, "%u %u %s", i.arg.at, i.depth, i.arg.op->name);
    if (i.has_mark) fprintf(out, " ^%u", i.mark_at);
    if (i.has_memo) fprintf(out, " #%u", i.memo_index);
    fputs("; ", out);
    assert_false(i.underflow);
    assert_int_equal(i.end, d->in.at);
  }
  assert_int_equal(fclose(out), 0);
  return text;
}

static void lists_as_pickletools_does(void **state) {
  (void)state;
  static const struct {
    const char *name, *program;
    size_t n;
    const char *text;
  } rows[] = {
#define DISASSEMBLY(name, program, text) {name, program, sizeof(program) - 1, text},
#include "tests/unit/disasm_cases.def"
#undef DISASSEMBLY
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct listing l;
    start(&l, rows[i].program, rows[i].n);
    char *text = written(&l.d);
    assert_string_equal(text, rows[i].text);
    assert_int_equal(l.d.end, DISASM_STOP);
    assert_int_equal(l.d.in.at, rows[i].n);
    free(text);
    finish(&l);
  }
}

static void decodes_arguments(void **state) {
  (void)state;
  struct listing l;
  struct instruction i;
  START(&l, "J\xfe\xff\xff\xffG?\xf8\0\0\0\0\0\0cm\nC\nX\2\0\0\0hiI 1\n.");
  assert_true(disasm_next(&l.d, &i));
  assert_int_equal(i.arg.number, -2);
  assert_true(disasm_next(&l.d, &i));
  assert_true(i.arg.real == 1.5);
  assert_true(disasm_next(&l.d, &i));
  assert_true(span_is(i.arg.text, "m") && span_is(i.arg.text2, "C"));
  assert_true(disasm_next(&l.d, &i));
  assert_true(span_is(i.arg.text, "hi"));
  assert_true(disasm_next(&l.d, &i));
  assert_true(span_is(i.arg.text, " 1"));
  finish(&l);
}

static void numbers_memoize_as_the_machine_does(void **state) {
  (void)state;
  struct listing l;
  START(&l, "Nq\5N\x94N\x94p1_1\nq\0r\xff\xff\xff\xff\x94.");
  char *text = written(&l.d);
  assert_string_equal(
      text,
      "0 0 NONE; 1 0 BINPUT #5; 3 0 NONE; 4 0 MEMOIZE #1; 5 0 NONE; 6 0 MEMOIZE #2; "
      "7 0 PUT #11; 12 0 BINPUT #0; 14 0 LONG_BINPUT #4294967295; 19 0 MEMOIZE #6; 20 0 STOP; ");
  free(text);
  finish(&l);
}

static void says_how_it_ends(void **state) {
  (void)state;
  static const struct {
    const char *program;
    size_t n;
    enum disasm_end end;
    uint64_t at;
  } rows[] = {
      {"N.xx", 4, DISASM_STOP, 2},
      {"", 0, DISASM_TRUNCATED, 0},
      {"NN", 2, DISASM_TRUNCATED, 2},
      {"NM\1", 3, DISASM_TRUNCATED, 1},
      {"NIab", 4, DISASM_TRUNCATED, 1},
      {"N\0.", 3, DISASM_NOT_AN_OPCODE, 1},
      {"NX\4\0\0\0abc", 9, DISASM_BAD_LENGTH, 1},
      {"N\x8b\xff\xff\xff\xff.", 7, DISASM_BAD_LENGTH, 1},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct listing l;
    struct instruction in;
    start(&l, rows[i].program, rows[i].n);
    while (disasm_next(&l.d, &in)) assert_int_equal(l.d.end, in.arg.op->name[0] == 'S' ? DISASM_STOP : 0);
    assert_int_equal(l.d.end, rows[i].end);
    assert_int_equal(l.d.in.at, rows[i].at);
    assert_false(disasm_next(&l.d, &in));
    finish(&l);
  }
}

static void goes_on_after_underflow(void **state) {
  (void)state;
  struct listing l;
  struct instruction i;
  static const bool underflows[] = {true, true, false, true, false, false, false};
  START(&l, "0t(\x85N\x86.");
  for (size_t k = 0; k < ARRAY_LEN(underflows); k++) {
    assert_true(disasm_next(&l.d, &i));
    assert_int_equal(i.underflow, underflows[k]);
  }
  assert_int_equal(l.d.end, DISASM_STOP);
  finish(&l);
}

static void stops_at_limits(void **state) {
  (void)state;
  struct listing l;
  struct instruction i;
  START(&l, "(((.");
  l.max.pickle_marks = 2;
  while (disasm_next(&l.d, &i)) continue;
  assert_int_equal(l.d.end, DISASM_LIMIT);
  assert_int_equal(l.d.in.at, 2);
  finish(&l);
}

/* What the machine runs, the disassembler lists to the same end. */
static void agrees_with_the_machine(struct span program) {
  struct arena arena;
  struct observations obs;
  struct limits max = limits_default();
  struct machine m;
  struct disasm d;
  struct instruction i;
  uint64_t count = 0, at = 0;
  arena_init(&arena, 1 << 20);
  observations_init(&obs, &arena, 10);
  bool ok = machine_init(&m, &arena, &obs, &max, 0, NULL, program) && machine_run(&m);
  disasm_init(&d, &arena, &max, program);
  for (; disasm_next(&d, &i); count++) {
    assert_int_equal(i.arg.at, at);
    assert_true(i.end > at && i.end <= program.n);
    at = i.end;
  }
  assert_int_not_equal(d.end, DISASM_GOES_ON);
  assert_int_equal(d.in.at, at);
  if (ok) assert_int_equal(d.end, DISASM_STOP);
  if (ok) assert_int_equal(count, m.num_ops);
  if (ok) assert_int_equal(at, m.in.at);
  arena_free(&arena);
}

static void survives_damage(void **state) {
  (void)state;
#define DISASSEMBLY(name, program, text) \
  check_mutations((const uint8_t *)program, sizeof(program) - 1, agrees_with_the_machine);
#include "tests/unit/disasm_cases.def"
#undef DISASSEMBLY
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_as_pickletools_does),
      cmocka_unit_test(decodes_arguments),
      cmocka_unit_test(numbers_memoize_as_the_machine_does),
      cmocka_unit_test(says_how_it_ends),
      cmocka_unit_test(goes_on_after_underflow),
      cmocka_unit_test(stops_at_limits),
      cmocka_unit_test(survives_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
