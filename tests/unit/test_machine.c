/* The pickle machine against what CPython's C unpickler does (pickle_cases.def), and what it promises beyond
 * that. */
#include "pickle/machine.h"

#include <stdio.h>

#include "pickle/opcode.h"
#include "tests/unit/check.h"

static const char *const kind_names[] = {
    "NONE",
#define OBS(id, rule, effect, slug, text) #id,
#include "base/observations.def"
#undef OBS
};

struct run {
  struct arena arena;
  struct observations obs;
  struct limits max;
  struct machine m;
  struct span program;
  bool ok;
};

static void prepare(struct run *r, const void *program, size_t n) {
  arena_init(&r->arena, 64 << 20);
  observations_init(&r->obs, &r->arena, 100);
  r->max = limits_default();
  r->program = exact_copy(program, n);
}
static void execute(struct run *r, const struct machine_hooks *hooks) {
  r->ok = machine_init(&r->m, &r->arena, &r->obs, &r->max, 3, hooks, r->program) && machine_run(&r->m);
}
static void start(struct run *r, const void *program, size_t n) {
  prepare(r, program, n);
  execute(r, NULL);
}
static void finish(struct run *r) {
  exact_free(r->program);
  arena_free(&r->arena);
}
#define START(r, literal) start((r), literal, sizeof(literal) - 1)

/* ---- showing a value as pickle_cases.def does ---- */

static void show(FILE *out, const struct machine *m, val_id v, int depth);

static void show_bytes(FILE *out, const char *prefix, struct span b) {
  fprintf(out, "%s'", prefix);
  for (size_t i = 0; i < b.n; i++)
    if (b.p[i] < 32 || b.p[i] > 126 || b.p[i] == '\'' || b.p[i] == '"' || b.p[i] == '\\')
      fprintf(out, "%%%02x", b.p[i]);
    else
      fputc(b.p[i], out);
  fputc('\'', out);
}

static void show_items(FILE *out, const struct machine *m, val_id v, const char *open, const char *close,
                       int depth) {
  fputs(open, out);
  for (uint32_t i = 0; i < value_count(m, v); i++) {
    if (i) fputs(kind_of(m, v) == VAL_DICT && i % 2 ? ":" : ",", out);
    show(out, m, value_item(m, v, i), depth + 1);
  }
  fputs(close, out);
}

static void show_real(FILE *out, double real) {
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  fprintf(out, "f:%016llx", (unsigned long long)bits);
}

static void show_global(FILE *out, const struct global *g) {
  fprintf(out, "%.*s.%.*s", (int)g->mapped_module.n, (const char *)g->mapped_module.p, (int)g->mapped_name.n,
          (const char *)g->mapped_name.p);
}

static void show(FILE *out, const struct machine *m, val_id v, int depth) {
  const struct value *x = value_of(m, v);
  if (depth > 50) {
    fputs("...", out);
    return;
  }
  switch ((enum value_kind)x->kind) {
  case VAL_ABSENT: fputs("absent", out); break;
  case VAL_NONE: fputs("None", out); break;
  case VAL_BOOL: fputs(x->truth ? "True" : "False", out); break;
  case VAL_INT: fprintf(out, "%lld", (long long)x->number); break;
  case VAL_FLOAT: show_real(out, x->real); break;
  case VAL_BIGINT:
    fputs("big:", out);
    for (size_t i = 0; i < value_bytes(m, v).n; i++) fprintf(out, "%02x", value_bytes(m, v).p[i]);
    break;
  case VAL_TEXT: show_bytes(out, "", value_bytes(m, v)); break;
  case VAL_BYTES: show_bytes(out, "b", value_bytes(m, v)); break;
  case VAL_BYTEARRAY: show_bytes(out, "a", value_bytes(m, v)); break;
  case VAL_PYSTRING: show_bytes(out, "py2", value_bytes(m, v)); break;
  case VAL_TUPLE: show_items(out, m, v, "(", ")", depth); break;
  case VAL_LIST: show_items(out, m, v, "[", "]", depth); break;
  case VAL_DICT: show_items(out, m, v, "{", "}", depth); break;
  case VAL_SET: show_items(out, m, v, "set(", ")", depth); break;
  case VAL_FROZENSET: show_items(out, m, v, "frozenset(", ")", depth); break;
  case VAL_GLOBAL: show_global(out, value_global(m, v)); break;
  case VAL_OBJECT:
    show(out, m, value_object(m, v)->callee, depth + 1);
    show(out, m, value_object(m, v)->args, depth + 1);
    break;
  case VAL_PERSID:
    fputs("pid:", out);
    show(out, m, m->persids.p[x->ref].id, depth + 1);
    break;
  case VAL_EXTENSION: fprintf(out, "ext:%lld", (long long)x->number); break;
  }
}

static char *shown(const struct machine *m, val_id v) {
  char *text = NULL;
  size_t n;
  FILE *out = open_memstream(&text, &n);
  assert_non_null(out);
  show(out, m, v, 0);
  assert_int_equal(fclose(out), 0);
  return text;
}

static void assert_shows(const struct machine *m, val_id v, const char *want) {
  char *text = shown(m, v);
  assert_string_equal(text, want);
  free(text);
}

/* ---- the recorded programs ---- */

/* These only say how the program was written. */
static bool is_about_writing(enum obs_kind kind) {
  return kind == OBS_PKL_PROTOCOL || kind == OBS_PKL_OP_NEWER || kind == OBS_PKL_WEIGHTS_ONLY;
}

static char *observed(const struct observations *o) {
  char *text = NULL;
  size_t n;
  FILE *out = open_memstream(&text, &n);
  assert_non_null(out);
  for (uint32_t i = 0; i < o->n; i++)
    if (!is_about_writing(o->list[i].kind))
      fprintf(out, "%s%s@%llu", ftell(out) ? " " : "", kind_names[o->list[i].kind],
              (unsigned long long)o->list[i].at);
  assert_int_equal(fclose(out), 0);
  return text;
}

struct recorded {
  const char *name, *program;
  size_t n;
  const char *result, *observations;
};
static const struct recorded recorded[] = {
#define CASE(name, program, result, observations) {name, program, sizeof(program) - 1, result, observations},
#include "tests/unit/pickle_cases.def"
#undef CASE
};

static void runs_as_cpython_does(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
    const struct recorded *want = &recorded[i];
    struct run r;
    start(&r, want->program, want->n);
    char *result = r.ok ? shown(&r.m, r.m.result) : NULL, *seen_kinds = observed(&r.obs);
    bool same = want->result ? result && strcmp(result, want->result) == 0 : !result;
    if (!same || strcmp(seen_kinds, want->observations) != 0)
      fail_msg("%s: got %s with \"%s\", not %s with \"%s\"", want->name, result ? result : "an error",
               seen_kinds, want->result ? want->result : "an error", want->observations);
    assert_int_equal(r.ok, r.m.stopped);
    assert_int_equal(r.ok, !r.m.failed);
    for (uint32_t k = 0; k < r.obs.n; k++) assert_int_equal(r.obs.list[k].member, 3);
    free(result);
    free(seen_kinds);
    finish(&r);
  }
}

/* ---- the table of opcodes ---- */

struct pickletools_row {
  uint8_t byte;
  const char *name;
  uint8_t proto;
  const char *arg;
  uint8_t before, after; /* values; a mark and what is above it count for nothing */
  bool mark;
};
/* pickletools.opcodes of CPython 3.11; PUT, BINPUT and LONG_BINPUT have no stack effect there, but raise on
 * an empty stack, so their rows say 1 and 1. */
static const struct pickletools_row pickletools_rows[] = {
#define ROW(byte, name, proto, arg, before, after, mark) {byte, name, proto, arg, before, after, mark},
#include "tests/unit/pickletools_rows.def"
#undef ROW
};

static const char *arg_name(enum arg_kind kind) {
  switch (kind) {
  case ARG_NONE: return "none";
  case ARG_U1: return "uint1";
  case ARG_U2: return "uint2";
  case ARG_U4: return "uint4";
  case ARG_I4: return "int4";
  case ARG_U8: return "uint8";
  case ARG_F8: return "float8";
  case ARG_L1: return "counted1";
  case ARG_L4: return "counted4";
  case ARG_L8: return "counted8";
  case ARG_L4S: return "signed4";
  case ARG_LINE: return "line";
  case ARG_LINES: return "lines";
  }
  return "?";
}

static void table_is_that_of_pickletools(void **state) {
  (void)state;
  size_t rows = 0;
  for (size_t byte = 0; byte < 256; byte++) rows += opcode_table[byte].run != NULL;
  assert_int_equal(rows, 68);
  assert_int_equal(ARRAY_LEN(pickletools_rows), 68);
  for (size_t i = 0; i < ARRAY_LEN(pickletools_rows); i++) {
    const struct pickletools_row *want = &pickletools_rows[i];
    const struct op *op = &opcode_table[want->byte];
    assert_string_equal(op->name, want->name);
    assert_int_equal(op->proto, want->proto);
    assert_string_equal(arg_name(op->arg), want->arg);
    if (strcmp(op->name, "POP") == 0) continue; /* the irregular row */
    assert_int_equal(op->takes == TO_MARK, want->mark);
    assert_int_equal((op->takes == TO_MARK ? 0 : op->takes) + op->below, want->before);
    assert_int_equal(op->below + op->gives, want->after);
  }
}

/* An argument for each kind, and a program's first bytes: as many values as asked for. */
static size_t argument(enum arg_kind kind, const char **text) {
  switch (kind) {
  case ARG_NONE: *text = ""; return 0;
  case ARG_U1: *text = "\1"; return 1;
  case ARG_U2: *text = "\1\0"; return 2;
  case ARG_U4:
  case ARG_I4: *text = "\1\0\0\0"; return 4;
  case ARG_U8: *text = "\0\0\0\0\0\0\0\0"; return 8;
  case ARG_F8: *text = "\0\0\0\0\0\0\0\0"; return 8;
  case ARG_L1: *text = "\1a"; return 2;
  case ARG_L4:
  case ARG_L4S: *text = "\2\0\0\0ab"; return 6;
  case ARG_L8: *text = "\2\0\0\0\0\0\0\0ab"; return 10;
  case ARG_LINE: *text = "0\n"; return 2;
  case ARG_LINES: *text = "m\nC\n"; return 4;
  }
  return 0;
}

struct bytes {
  uint8_t p[64];
  size_t n;
};
static void put(struct bytes *b, const void *p, size_t n) {
  assert_true(n <= sizeof b->p - b->n);
  if (n) memcpy(b->p + b->n, p, n);
  b->n += n;
}
static void put_op(struct bytes *b, uint8_t byte) {
  const char *text;
  size_t n = argument(opcode_table[byte].arg, &text);
  put(b, &byte, 1);
  put(b, text, n);
}

/* Runs it, expects it to end in one observation of this kind at this offset, and answers it. */
static struct observation ends_with(const struct bytes *b, enum obs_kind kind, size_t at) {
  struct run r;
  start(&r, b->p, b->n);
  assert_false(r.ok);
  assert_true(r.m.failed);
  assert_false(machine_run(&r.m));
  assert_string_equal(kind_names[r.obs.list[r.obs.n - 1].kind], kind_names[kind]);
  assert_int_equal(r.obs.list[r.obs.n - 1].at, at);
  struct observation what = r.obs.list[r.obs.n - 1];
  finish(&r);
  return what;
}

static void every_opcode_underflows(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(pickletools_rows); i++) {
    const struct pickletools_row *row = &pickletools_rows[i];
    if (row->before == 0 && !row->mark) continue;
    struct bytes alone = {.n = 0}, fenced = {.n = 0};
    for (int k = 1; k < row->before; k++) put(&alone, "N", 1);
    put_op(&alone, row->byte);
    bool no_mark = row->mark;
    (void)ends_with(&alone, no_mark ? OBS_PKL_NO_MARK : OBS_PKL_UNDERFLOW,
                    row->before ? row->before - 1u : 0);
    if (row->before == 0 || strcmp(row->name, "POP") == 0) continue;
    /* One value too few above a mark, plenty below it. */
    put(&fenced, "NNNN(", 5);
    for (int k = 1; k < row->before; k++) put(&fenced, "N", 1);
    if (row->mark) put(&fenced, "(", 1);
    size_t at = fenced.n;
    put_op(&fenced, row->byte);
    struct observation what = ends_with(&fenced, OBS_PKL_UNDERFLOW, at);
    assert_int_equal(what.want, row->before);
    assert_int_equal(what.got, row->before - 1);
  }
}

static enum obs_kind truncation(enum arg_kind kind, size_t have) {
  switch (kind) {
  case ARG_NONE: return OBS_PKL_TRUNCATED;
  case ARG_U1:
  case ARG_U2:
  case ARG_U4:
  case ARG_I4:
  case ARG_U8:
  case ARG_F8: return OBS_PKL_ARG_TRUNCATED;
  case ARG_L1: return have < 1 ? OBS_PKL_ARG_TRUNCATED : OBS_PKL_LENGTH;
  case ARG_L4:
  case ARG_L4S: return have < 4 ? OBS_PKL_ARG_TRUNCATED : OBS_PKL_LENGTH;
  case ARG_L8: return have < 8 ? OBS_PKL_ARG_TRUNCATED : OBS_PKL_LENGTH;
  case ARG_LINE:
  case ARG_LINES: return OBS_PKL_LINE_TRUNCATED;
  }
  return OBS_NONE;
}

static void every_argument_truncates(void **state) {
  (void)state;
  for (size_t byte = 0; byte < 256; byte++) {
    const struct op *op = &opcode_table[byte];
    if (!op->run || op->arg == ARG_NONE) continue;
    struct bytes whole = {.n = 0};
    put(&whole, "NN", 2);
    put_op(&whole, (uint8_t)byte);
    for (struct bytes cut = whole; cut.n-- > 3;) (void)ends_with(&cut, truncation(op->arg, cut.n - 3), 2);
  }
}

/* ---- how the program was written ---- */

static void says_how_it_was_written(void **state) {
  (void)state;
  struct run r;
  START(&r, "\x80\x02]q\0K\1a."); /* what torch.save writes: nothing to say */
  assert_true(r.ok);
  assert_int_equal(r.obs.n, 0);
  finish(&r);

  START(&r, "]q\0."); /* protocol 1 has no PROTO, and may use BINPUT */
  assert_int_equal(seen(&r.obs, OBS_PKL_OP_NEWER), 0);
  assert_int_equal(first_of(&r.obs, OBS_PKL_PROTOCOL)->got, 1);
  finish(&r);

  START(&r, "\x80\x04\x8c\1a\x94."); /* protocol 4, and not for weights_only from offset 2 on, once */
  assert_int_equal(first_of(&r.obs, OBS_PKL_PROTOCOL)->got, 4);
  assert_int_equal(seen(&r.obs, OBS_PKL_WEIGHTS_ONLY), 1);
  assert_int_equal(first_of(&r.obs, OBS_PKL_WEIGHTS_ONLY)->at, 2);
  assert_true(span_is(first_of(&r.obs, OBS_PKL_WEIGHTS_ONLY)->subject, "SHORT_BINUNICODE"));
  finish(&r);

  START(&r, "\x80\x02\x8c\1a."); /* an opcode of protocol 4 in protocol 2 */
  assert_int_equal(first_of(&r.obs, OBS_PKL_OP_NEWER)->at, 2);
  assert_int_equal(first_of(&r.obs, OBS_PKL_OP_NEWER)->got, 4);
  assert_int_equal(first_of(&r.obs, OBS_PKL_OP_NEWER)->want, 2);
  finish(&r);
}

/* C reads on from memory when an opcode crosses its frame's end, and fails or loses bytes from a file. */
static void frames_hold_whole_opcodes(void **state) {
  (void)state;
  struct run r;
  START(&r, "\x80\x04\x95\3\0\0\0\0\0\0\0NM\1\1\x85.");
  assert_int_equal(first_of(&r.obs, OBS_PKL_FRAME_STRADDLED)->at, 12);
  assert_int_equal(first_of(&r.obs, OBS_PKL_FRAME_STRADDLED)->want, 14);
  finish(&r);
  START(&r, "\x80\x04\x95\4\0\0\0\0\0\0\0N.NN");
  assert_int_equal(first_of(&r.obs, OBS_PKL_FRAME_LONG)->at, 12);
  finish(&r);
  START(&r, "\x80\x04\x95\2\0\0\0\0\0\0\0N.");
  assert_int_equal(seen(&r.obs, OBS_PKL_FRAME_LONG) + seen(&r.obs, OBS_PKL_FRAME_STRADDLED), 0);
  finish(&r);
  START(&r,
        "\x80\x04\x95\x09\0\0\0\0\0\0\0cm\nC\n."); /* longer than the program: the Python unpickler goes on */
  assert_int_equal(first_of(&r.obs, OBS_PKL_LENGTH)->at, 2);
  assert_int_equal(first_of(&r.obs, OBS_PKL_LENGTH)->want, 9);
  assert_int_equal(r.m.globals.n, 1);
  finish(&r);
}

/* torch 1.13 had no BINFLOAT (pytorch/pytorch#94670). */
static void opcodes_came_with_a_torch(void **state) {
  (void)state;
  static const char program[] = "\x80\x02G\x3f\xf0\0\0\0\0\0\0.";
  static const struct {
    torch_version torch;
    int said;
  } of[] = {{TORCH_VERSION(1, 13), 1}, {TORCH_VERSION(2, 0), 0}, {TORCH_VERSION(2, 10), 0}, {0, 0}};
  for (size_t i = 0; i < ARRAY_LEN(of); i++) {
    struct run r;
    const struct machine_hooks hooks = {.torch = of[i].torch};
    prepare(&r, program, sizeof program - 1);
    execute(&r, &hooks);
    assert_true(r.ok);
    assert_int_equal(seen(&r.obs, OBS_PKL_WEIGHTS_ONLY), of[i].said);
    finish(&r);
  }
}

static void python2_strings_keep_their_bytes(void **state) {
  (void)state;
  struct run r;
  START(&r, "\x80\x02U\2\xe9z.");
  assert_true(r.ok);
  assert_shows(&r.m, r.m.result, "py2'%e9z'");
  assert_int_equal(first_of(&r.obs, OBS_PKL_PY2_BYTES)->at, 2);
  assert_true(value_is_string(&r.m, r.m.result));
  finish(&r);
}

/* ---- names ---- */

static void maps_python2_names_below_protocol_3(void **state) {
  (void)state;
  /* from Lib/_compat_pickle.py of CPython 3.11: a pair, a module, the first and the last row of each, and
   * none */
  static const struct {
    const char *program, *want;
    bool mapped;
  } rows[] = {
      {"\x80\x02"
       "c__builtin__\nreduce\n.",
       "functools.reduce", true},
      {"\x80\x02"
       "c__builtin__\neval\n.",
       "builtins.eval", true},
      {"\x80\x02"
       "ccommands\ngetoutput\n.",
       "subprocess.getoutput", true},
      {"\x80\x02"
       "ccopy_reg\n_reconstructor\n.",
       "copyreg._reconstructor", true},
      {"\x80\x02"
       "cUserDict\nIterableUserDict\n.",
       "collections.UserDict", true},
      {"\x80\x02"
       "cwhichdb\nwhichdb\n.",
       "dbm.whichdb", true},
      {"\x80\x02"
       "cBaseHTTPServer\nx\n.",
       "http.server.x", true},
      {"\x80\x02"
       "cxmlrpclib\nx\n.",
       "xmlrpc.client.x", true},
      {"\x80\x02"
       "cexceptions\nZeroDivisionError\n.",
       "builtins.ZeroDivisionError", true},
      {"\x80\x02"
       "cexceptions\nNoSuch\n.",
       "exceptions.NoSuch", false},
      {"\x80\x02"
       "ctorch\nFloatStorage\n.",
       "torch.FloatStorage", false},
      {"c__builtin__\neval\n.", "builtins.eval", true},
      {"\x80\x03"
       "c__builtin__\neval\n.",
       "__builtin__.eval", false},
      {"\x8c\x0b"
       "__builtin__\x8c\4eval\x93.",
       "builtins.eval", true}, /* protocol 4 without PROTO maps too */
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run r;
    start(&r, rows[i].program, strlen(rows[i].program));
    assert_true(r.ok);
    assert_shows(&r.m, r.m.result, rows[i].want);
    assert_int_equal(value_global(&r.m, r.m.result)->was_mapped, rows[i].mapped);
    finish(&r);
  }
}

static void tells_odd_and_dotted_names(void **state) {
  (void)state;
  static const struct {
    const char *program;
    bool odd, dotted;
  } rows[] = {
      {"ctorch._utils\n_rebuild_tensor_v2\n.", false, false},
      {"ca.b1\nOuter.Inner\n.", false, true},
      {"cos \nsystem\n.", true, false},
      {"cos\r\nsystem\n.", true, false},
      {"co\xd1\x95\nsystem\n.", true, false}, /* Cyrillic ѕ */
      {"cos\n.system\n.", true, true},
      {"cos\nsystem.\n.", true, true},
      {"ca..b\nc\n.", true, false},
      {"cos\n1x\n.", true, false},
      {"c_\n__init__\n.", false, false},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run r;
    start(&r, rows[i].program, strlen(rows[i].program));
    assert_true(r.ok);
    assert_int_equal(value_global(&r.m, r.m.result)->odd, rows[i].odd);
    assert_int_equal(value_global(&r.m, r.m.result)->dotted, rows[i].dotted);
    finish(&r);
  }
}

static void counts_each_name_once(void **state) {
  (void)state;
  struct run r;
  START(&r, "\x80\x02(cm\nC\ncm\nD\ncm\nC\n(im\nC\nt.");
  assert_true(r.ok);
  assert_int_equal(r.m.globals.n, 2);
  assert_int_equal(r.m.globals.p[0].count, 3);
  assert_int_equal(r.m.globals.p[0].first_at, 3);
  assert_int_equal(r.m.globals.p[1].first_at, 8);
  finish(&r);
}

/* ---- hooks see what a loader would pass, when it would ---- */

struct heard {
  char text[400];
  size_t n;
};
static void hear(struct heard *h, const struct machine *m, const char *what, val_id v, uint32_t at) {
  char *text = shown(m, v);
  int wrote = snprintf(h->text + h->n, sizeof h->text - h->n, "%s %s@%u; ", what, text, at);
  assert_true(wrote > 0 && (size_t)wrote < sizeof h->text - h->n);
  h->n += (size_t)wrote;
  free(text);
}
static uint32_t on_global(void *ctx, const struct machine *m, const struct global *g) {
  struct heard *h = ctx;
  assert_true(g == &m->globals.p[m->globals.n - 1]);
  int wrote = snprintf(h->text + h->n, sizeof h->text - h->n, "global %.*s@%u; ", (int)g->name.n,
                       (const char *)g->name.p, g->first_at);
  h->n += (size_t)wrote;
  return 7;
}
static uint32_t on_call(void *ctx, struct machine *m, val_id object) {
  hear(ctx, m, "call", object, value_object(m, object)->at);
  assert_int_not_equal(machine_new_bytes(m, VAL_BYTES, SPAN("made"), 0), 0); /* may move every table */
  return 8;
}
static val_id on_build(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at) {
  assert_int_equal(kind_of(m, target), VAL_OBJECT);
  hear(ctx, m, "build", state, at);
  return target;
}
static void on_extend(void *ctx, struct machine *m, val_id target, enum value_kind how, uint32_t at) {
  hear(ctx, m, how == VAL_DICT ? "set on" : how == VAL_LIST ? "append to" : "add to", target, at);
}
static uint32_t on_persid(void *ctx, struct machine *m, uint32_t index) {
  hear(ctx, m, "persid", m->persids.p[index].id, m->persids.p[index].at);
  return 9;
}

static void hooks_hear_in_order(void **state) {
  (void)state;
  struct heard h = {.n = 0};
  struct machine_hooks hooks = {&h, on_global, on_call, on_build, on_extend, on_persid, NULL, NULL, NULL, 0};
  static const char program[] =
      "\x80\x02"
      "cm\nC\n]q\0K\1a\x85R" /* C([1]) */
      "h\0K\2a0"             /* the list changes afterwards */
      "}b"
      "(K\3K\4u"
      "K\5a"
      "cm\nC\n\x85QN\x87.";
  struct run r;
  prepare(&r, program, sizeof program - 1);
  execute(&r, &hooks);
  assert_true(r.ok);
  assert_string_equal(
      h.text,
      "global C@2; call m.C([1])@14; build {}@22; set on m.C([1,2])@28; append to m.C([1,2])@31; "
      "persid (m.C)@38; ");
  finish(&r);
}

/* Behind each BUILD a count, and as many bytes that are no opcodes; another object stands there then. */
static val_id take_counted(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at) {
  struct span count, bytes;
  (void)ctx;
  (void)state;
  if (!machine_take_raw(m, 1, at, &count) || !machine_take_raw(m, count.p[0], at, &bytes)) return 0;
  return machine_new_object(m, target, 42, at);
}

static void hooks_take_raw_bytes(void **state) {
  (void)state;
  static const struct {
    const char *program;
    size_t n;
    enum obs_kind wrong; /* 0: none */
    uint32_t runs;
  } rows[] = {
#define PROGRAM(text) text, sizeof text - 1
      {PROGRAM("\x80\x02"
               "cm\nC\n)\x81}b\3...\x85."),
       0, 1},
      {PROGRAM("\x80\x02"
               "cm\nC\n)\x81}b\0\x85."),
       0, 1},
      {PROGRAM("\x80\x02"
               "cm\nC\n)\x81}b\1.cm\nC\n)\x81}b\2..\x86."),
       0, 2},
      {PROGRAM("\x80\x02"
               "cm\nC\n)\x81}b\4..."),
       OBS_PKL_RAW_SHORT, 1},
      {PROGRAM("\x80\x02"
               "cm\nC\n)\x81}b"),
       OBS_PKL_RAW_SHORT, 0},
      {PROGRAM("\x80\x04\x95\x09\0\0\0\0\0\0\0cm\nC\n)\x81}b\2..\x95\2\0\0\0\0\0\0\0\x85."), 0, 1},
      {PROGRAM("\x80\x04\x95\x0e\0\0\0\0\0\0\0cm\nC\n)\x81}b\2..\x85."), OBS_PKL_RAW_FRAMED, 0},
#undef PROGRAM
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run r;
    prepare(&r, rows[i].program, rows[i].n);
    execute(&r, &(struct machine_hooks){.build = take_counted});
    assert_int_equal(r.ok, rows[i].wrong == 0);
    if (rows[i].wrong) assert_int_equal(r.obs.seen[rows[i].wrong], 1);
    assert_int_equal(r.m.raw.n, rows[i].runs);
    if (r.ok) {
      const struct object *o = value_object(&r.m, value_item(&r.m, r.m.result, 0));
      assert_int_equal(o->tag, 42);
      assert_int_equal(o->states, 0); /* those are the other's */
      assert_int_equal(rows[i].program[r.m.raw.p[0].at - 1], 'b');
      assert_int_equal(r.m.raw.p[0].n, 1 + rows[i].program[r.m.raw.p[0].at]);
    }
    finish(&r);
  }
}

static void objects_keep_what_was_added(void **state) {
  (void)state;
  struct heard h = {.n = 0};
  struct machine_hooks hooks = {&h, on_global, on_call, on_build, on_extend, on_persid, NULL, NULL, NULL, 0};
  static const char program[] =
      "\x80\x02"
      "cm\nC\n)\x81}bNbK\1a(K\2K\3e(K\4K\5u\x80";
  struct run r;
  prepare(&r, program, sizeof program - 1);
  execute(&r, &hooks);
  assert_false(r.ok); /* it breaks after the call: everything stays readable (payload before the error) */
  assert_int_equal(r.m.objects.n, 1);
  const struct object *o = &r.m.objects.p[0];
  assert_int_equal(o->origin, BY_NEWOBJ);
  assert_int_equal(o->tag, 8);
  assert_int_equal(o->at, 8);
  assert_int_equal(value_global(&r.m, o->callee)->tag, 7);
  assert_shows(&r.m, o->args, "()");
  assert_shows(&r.m, o->states, "[{},None]");
  assert_shows(&r.m, o->appended, "[1,2,3]");
  assert_shows(&r.m, o->items, "{4:5}");
  finish(&r);
}

/* C([1]) copied the list and BUILD the dict: what is added later is not in the copies (CPython 3.11's set and
 * object.__dict__). */
static uint32_t gives_first_argument(void *ctx, struct machine *m, val_id object) {
  (void)ctx;
  machine_give(m, value_item(m, value_object(m, object)->args, 0));
  return 0;
}

static void items_after_use_are_seen(void **state) {
  (void)state;
  static const struct {
    const char *program;
    bool seen;
    uint64_t at;
  } rows[] = {
      {"\x80\x02"
       "cm\nC\n]q\1K\1a\x85"
       "Rh\1K\2a0.",
       true, 19},
      {"\x80\x02"
       "cm\nC\n]q\1K\1aK\2a\x85R.",
       false, 0},
      {"\x80\x02"
       "cm\nC\n]\x85R}q\1"
       "bh\1K\1K\2s0.",
       true, 20},
      {"\x80\x02"
       "cm\nC\n]\x85R}q\1K\1K\2sb.",
       false, 0},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct machine_hooks hooks = {.call = gives_first_argument};
    struct run r;
    prepare(&r, rows[i].program, strlen(rows[i].program));
    execute(&r, &hooks);
    assert_true(r.ok);
    assert_int_equal(r.obs.seen[OBS_PKL_ITEMS_GIVEN], rows[i].seen);
    if (rows[i].seen) assert_int_equal(first_of(&r.obs, OBS_PKL_ITEMS_GIVEN)->at, rows[i].at);
    finish(&r);
  }
}

/* The dict that OrderedDict([(key, value), …]) or Counter(dict) makes: keys as they are now, repeated ones
 * once. */
static void copies_pairs(void **state) {
  (void)state;
  static const char program[] =
      "\x80\x02](K\1K\2\x86K\3K\4\x86K\1K\5\x86"
      "e.";
  struct run r;
  start(&r, program, strlen(program));
  assert_true(r.ok);
  val_id dict = machine_new_dict(&r.m, r.m.result, 0);
  assert_int_not_equal(dict, 0);
  assert_shows(&r.m, dict, "{1:5,3:4}");
  assert_non_null(first_of(&r.obs, OBS_PKL_DUPLICATE_KEY));
  assert_shows(&r.m, machine_new_dict(&r.m, dict, 0), "{1:5,3:4}");
  finish(&r);
}

/* An attack that goes on after the first refusal must be seen whole. */
static void goes_on_after_policy(void **state) {
  (void)state;
  static const struct {
    const char *program;
    enum obs_kind kind;
    uint64_t at;
  } rows[] = {
      {"\x80\x02}}b.", OBS_PKL_BUILD_TARGET, 4},
      {"\x80\x02"
       "cm\nC\n}b.",
       OBS_PKL_BUILD_IMPORT, 8},
      {"\x80\x02"
       "cos\nenviron\nNNs.",
       OBS_PKL_ITEMS_IMPORT, 16},
      {"\x80\x02"
       "csys\npath\nNa.",
       OBS_PKL_ITEMS_IMPORT, 13},
      {"\x80\x02K\1Q(K\1K\2u.", OBS_PKL_ITEMS_IMPORT, 10},
      {"\x80\x02\x82\1.", OBS_PKL_EXTENSION, 2},
      {"\x80\x04"
       "cm\nC\n)R\x8c\1x\x93.",
       OBS_PKL_NAME_COMPUTED, 12},
      {"\x80\x02"
       "cm\nC\ncm\nargs\nR.",
       OBS_PKL_ARGS_COMPUTED, 15},
      {"\x80\x02"
       "cm\nC\n)cm\nkw\n\x92.",
       OBS_PKL_ARGS_COMPUTED, 14},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    struct run r;
    start(&r, rows[i].program, strlen(rows[i].program));
    assert_true(r.ok);
    assert_int_equal(first_of(&r.obs, rows[i].kind)->at, rows[i].at);
    finish(&r);
  }
}

static void a_computed_name_is_no_name(void **state) {
  (void)state;
  struct run r;
  START(&r,
        "\x80\x04"
        "cm\nC\n)R\x8c\1x\x93.");
  const struct global *g = value_global(&r.m, r.m.result);
  assert_true(g->computed && g->odd);
  assert_int_equal(g->module.n, 0);
  finish(&r);
}

/* ---- limits, each at its edge ---- */

static void limit_stops(size_t field, uint64_t limit, const char *program, size_t n, enum obs_kind kind,
                        uint64_t at) {
  for (uint64_t spare = 0; spare < 2; spare++) {
    struct run r;
    prepare(&r, program, n);
    uint64_t value = limit + spare;
    memcpy((uint8_t *)&r.max + field, &value, sizeof value);
    execute(&r, NULL);
    assert_int_equal(r.ok, spare == 1);
    assert_int_equal(seen(&r.obs, kind), spare == 0);
    if (spare == 0) {
      assert_int_equal(first_of(&r.obs, kind)->at, at);
      assert_int_equal(first_of(&r.obs, kind)->want, limit);
      assert_int_equal(first_of(&r.obs, kind)->got, limit + 1);
    }
    finish(&r);
  }
}
#define LIMIT_STOPS(field, limit, program, kind, at) \
  limit_stops(offsetof(struct limits, field), limit, program, sizeof(program) - 1, kind, at)

static void limits_stop_at_their_edge(void **state) {
  (void)state;
  LIMIT_STOPS(pickle_bytes, 3, "\x80\x02N.", OBS_LIMIT_PICKLE_BYTES, 0);
  LIMIT_STOPS(pickle_ops, 2, "\x80\x02N.", OBS_LIMIT_PICKLE_OPS, 3);
  LIMIT_STOPS(pickle_stack, 3, "\x80\x02(NNNNt.", OBS_LIMIT_PICKLE_STACK, 6);
  LIMIT_STOPS(pickle_marks, 1, "\x80\x02((tt.", OBS_LIMIT_PICKLE_MARKS, 3);
  LIMIT_STOPS(pickle_memo, 1, "\x80\x02Nq\0q\1.", OBS_LIMIT_PICKLE_MEMO, 5);
  LIMIT_STOPS(pickle_values, 2, "\x80\x02]}\x86.", OBS_LIMIT_PICKLE_VALUES, 4);
  LIMIT_STOPS(pickle_links, 2, "\x80\x02NNN\x87.", OBS_LIMIT_PICKLE_LINKS, 5);
  LIMIT_STOPS(pickle_int_bytes, 8, "\x80\x02\x8a\x09\0\0\0\0\0\0\0\0\1.", OBS_LIMIT_PICKLE_NUMBER, 2);
}

static void long_numbers_are_refused(void **state) {
  (void)state;
  static const struct {
    char opcode;
    const char *prefix;
    size_t digits;
    bool ok;
    enum obs_kind kind;
  } rows[] = {
      /* sys.int_info.default_max_str_digits is 4300; prefixed texts are not counted by Python, but are here
       */
      {'I', "", 4300, true, OBS_NONE},
      {'I', "", 4301, false, OBS_PKL_NUMBER_DIGITS},
      {'L', "-", 4300, true, OBS_NONE},
      {'L', "", 4301, false, OBS_PKL_NUMBER_DIGITS},
      {'I', "0x", 4300, true, OBS_PKL_ODD_NUMBER},
      {'I', "0x", 4301, false, OBS_LIMIT_PICKLE_NUMBER},
      {'F', "", 4301, false, OBS_LIMIT_PICKLE_NUMBER},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    static char text[4400];
    int n =
        snprintf(text, sizeof text, "%c%s%0*d\n.", rows[i].opcode, rows[i].prefix, (int)rows[i].digits, 0);
    memset(text + 1 + strlen(rows[i].prefix), '7', rows[i].digits);
    struct run r;
    start(&r, text, (size_t)n);
    assert_int_equal(r.ok, rows[i].ok);
    if (rows[i].kind) assert_int_equal(first_of(&r.obs, rows[i].kind)->at, 0);
    if (rows[i].ok) assert_int_equal(kind_of(&r.m, r.m.result), VAL_BIGINT);
    finish(&r);
  }
}

static void no_memory_is_said_once(void **state) {
  (void)state;
  struct run r;
  prepare(&r, "\x80\x02]q\0(K\1K\2K\3e.", 15);
  for (size_t budget = 0; budget < 400000; budget += 4096) {
    arena_free(&r.arena);
    arena_init(&r.arena, budget);
    observations_init(&r.obs, &r.arena, 100);
    execute(&r, NULL);
    if (!r.ok) assert_true(r.arena.exhausted);
    if (!r.ok) assert_int_equal(seen(&r.obs, OBS_LIMIT_MEMORY), 1);
  }
  assert_true(r.ok);
  finish(&r);
}

/* ---- bombs ---- */

static void doubling_stays_small(void **state) {
  (void)state;
  struct run r;
  struct bytes unit = {.n = 0};
  uint8_t program[300] = "\x80\x02)";
  size_t n = 3;
  put(&unit, "2\x86", 2);
  for (int i = 0; i < 140; i++, n += 2) memcpy(program + n, unit.p, 2);
  program[n++] = '.';
  start(&r, program, n);
  assert_true(r.ok);
  assert_true(r.m.values.n < 160);
  assert_int_equal(value_of(&r.m, r.m.result)->depth, 140);
  finish(&r);
}

static void depth_is_said(void **state) {
  (void)state;
  enum { DEEP = 1200 };
  uint8_t program[2 * DEEP + 2];
  memset(program, ']', DEEP);
  memset(program + DEEP, 'a', DEEP - 1);
  program[2 * DEEP - 1] = '.';
  struct run r;
  start(&r, program, 2 * DEEP);
  assert_true(r.ok);
  const struct observation *o = first_of(&r.obs, OBS_LIMIT_VALUE_DEPTH);
  assert_int_equal(o->got, 1001);
  assert_int_equal(o->want, 1000);
  assert_int_equal(o->at, DEEP + 1000); /* APPEND number 1001 */
  assert_int_equal(seen(&r.obs, OBS_LIMIT_VALUE_DEPTH), 1);
  finish(&r);
}

/* threats: LONG_BINPUT 0xfffffff0 makes real loaders ask for 64 GiB. */
static void no_allocation_follows_an_index(void **state) {
  (void)state;
  struct run r;
  START(&r, "\x80\x02Nr\xf0\xff\xff\xffK\1r\xef\xff\xff\xffj\xf0\xff\xff\xff\x86.");
  assert_true(r.ok);
  assert_shows(&r.m, r.m.result, "(1,None)");
  assert_int_equal(seen(&r.obs, OBS_PKL_MEMO_SPARSE), 2);
  assert_int_equal(first_of(&r.obs, OBS_PKL_MEMO_SPARSE)->got, 0xfffffff0);
  assert_true(r.arena.used < 1 << 20);
  finish(&r);
}

static void sparse_and_dense_indices_are_one_memo(void **state) {
  (void)state;
  /* 3,000 indices, each put at 7 times its number, then read back: most are sparse when they come, dense
   * later. */
  enum { NUM = 3000 };
  static uint8_t program[NUM * 20];
  size_t n = 0;
  for (uint32_t pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < NUM; i++) {
      uint32_t index = i * 7;
      uint8_t op[] = {'M',
                      (uint8_t)(i & 0xff),
                      (uint8_t)(i >> 8),
                      'r',
                      (uint8_t)(index & 0xff),
                      (uint8_t)(index >> 8),
                      0,
                      0,
                      '0'};
      if (pass) op[3] = 'j';
      memcpy(program + n, pass ? op + 3 : op, pass ? 5 : 9);
      n += pass ? 5 : 9;
    }
  memcpy(program + n, "t.", 2);
  struct run r;
  uint8_t *whole = malloc(n + 3);
  assert_non_null(whole);
  whole[0] = '(';
  memcpy(whole + 1, program, n + 2);
  start(&r, whole, n + 3);
  assert_true(r.ok);
  assert_int_equal(value_count(&r.m, r.m.result), NUM);
  for (uint32_t i = 0; i < NUM; i++)
    assert_int_equal(value_of(&r.m, value_item(&r.m, r.m.result, i))->number, i);
  finish(&r);
  free(whole);
}

/* More pairs than a run holds at first, in several batches, with other values made between them. */
static void dicts_grow(void **state) {
  (void)state;
  enum { NUM = 2000 };
  static uint8_t program[NUM * 12 + 8];
  size_t n = 1;
  program[0] = '}';
  for (uint32_t i = 0; i < NUM; i++) {
    const uint8_t op[] = {'M', (uint8_t)(i & 0xff), (uint8_t)(i >> 8), '(', 'K', 1, 't', 's'};
    memcpy(program + n, op, sizeof op);
    n += sizeof op;
  }
  program[n++] = '.';
  struct run r;
  start(&r, program, n);
  assert_true(r.ok);
  assert_int_equal(value_count(&r.m, r.m.result), 2 * NUM);
  for (uint32_t i = 0; i < NUM; i++) {
    assert_int_equal(value_of(&r.m, value_item(&r.m, r.m.result, 2 * i))->number, i);
    assert_shows(&r.m, value_item(&r.m, r.m.result, 2 * i + 1), "(1)");
  }
  assert_int_equal(seen(&r.obs, OBS_PKL_DUPLICATE_KEY), 0);
  finish(&r);
}

static void wide_keys_are_not_compared(void **state) {
  (void)state;
  uint8_t program[200] = "}(";
  size_t n = 2;
  for (int key = 0; key < 2; key++) {
    program[n++] = '(';
    memset(program + n, 'N', 64);
    n += 64;
    memcpy(program + n, "tN", 2);
    n += 2;
  }
  memcpy(program + n, "u.", 2);
  struct run r;
  start(&r, program, n + 2);
  assert_true(r.ok);
  assert_int_equal(seen(&r.obs, OBS_PKL_KEY_COMPLEX), 2);
  assert_int_equal(value_count(&r.m, r.m.result), 4);
  finish(&r);
}

/* Keys on both sides of the length from which they are compared by number, as str and as bytes. */
static void long_keys_compare_by_content(void **state) {
  (void)state;
  static const struct {
    size_t n;
    uint8_t second, last; /* opcode of the second key, and its last byte; the first is BINUNICODE of "a…" */
    uint32_t repeats;
  } rows[] = {
      {128, 'X', 'a', 1}, {129, 'X', 'a', 1}, {5000, 'X', 'a', 1}, {128, 'X', 'b', 0},
      {129, 'X', 'b', 0}, {129, 'B', 'a', 0}, {5000, 'B', 'a', 0},
  };
  for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
    static uint8_t program[10100];
    size_t n = 0, len = rows[i].n;
    program[n++] = '}';
    for (int k = 0; k < 2; k++) {
      const uint8_t head[] = {k ? rows[i].second : 'X', (uint8_t)(len & 0xff), (uint8_t)(len >> 8), 0, 0};
      memcpy(program + n, head, sizeof head);
      memset(program + n + 5, 'a', len);
      n += 5 + len;
      if (k) program[n - 1] = rows[i].last;
      memcpy(program + n, "Ns", 2);
      n += 2;
    }
    program[n++] = '.';
    struct run r;
    start(&r, program, n);
    assert_true(r.ok);
    assert_int_equal(seen(&r.obs, OBS_PKL_DUPLICATE_KEY), rows[i].repeats);
    assert_int_equal(value_count(&r.m, r.m.result), rows[i].repeats ? 2 : 4);
    if (rows[i].repeats) assert_in_range(first_of(&r.obs, OBS_PKL_DUPLICATE_KEY)->detail.n, 128, 256);
    finish(&r);
  }
}

/* Five bytes of program fetch a megabyte as a key, or as a name: hashing it each time would be 200 GB of
 * work. */
static void fetching_a_long_text_costs_nothing(void **state) {
  (void)state;
  enum { LEN = 1 << 20, TIMES = 100000 };
  static const char uses[][7] = {"}h\0Ns0",
                                 "h\0h\0\x93"
                                 "0"};
  for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
    size_t n = 0, step = 6;
    uint8_t *program = malloc(LEN + 10 + TIMES * step + 2);
    assert_non_null(program);
    memcpy(program, "X\0\0\x10\0", 5);
    memset(program + 5, 'a', LEN);
    n = 5 + LEN;
    memcpy(program + n, "q\0", 2);
    n += 2;
    for (int k = 0; k < TIMES; k++, n += step) memcpy(program + n, uses[i], step);
    program[n++] = '.';
    struct run r;
    start(&r, program, n);
    assert_true(r.ok);
    finish(&r);
    free(program);
  }
}

/* ---- accessors ---- */

static void accessors_take_any_value(void **state) {
  (void)state;
  struct run r;
  START(&r, "\x80\x02}(U\1aK\1X\1\0\0\0bK\2K\3Nu.");
  assert_true(r.ok);
  assert_int_equal(value_of(&r.m, dict_get(&r.m, r.m.result, "b"))->number, 2);
  assert_int_equal(value_of(&r.m, dict_get(&r.m, r.m.result, "a"))->number, 1);
  assert_int_equal(dict_get(&r.m, r.m.result, "c"), 0);
  assert_int_equal(dict_get(&r.m, value_item(&r.m, r.m.result, 1), "c"), 0);
  for (val_id v = 0; v < r.m.values.n; v++) {
    assert_int_equal(value_bytes(&r.m, v).n > 0, value_is_string(&r.m, v));
    assert_int_equal(value_count(&r.m, v), v == r.m.result ? 6 : 0);
    assert_null(value_global(&r.m, v));
    assert_null(value_object(&r.m, v));
  }
  finish(&r);
}

static void finds_values_by_offset(void **state) {
  (void)state;
  struct run r;
  START(&r,
        "\x80\x02"
        "cm\nC\n]\x85R.");
  assert_shows(&r.m, value_made_at(&r.m, 2), "m.C");
  assert_shows(&r.m, value_made_at(&r.m, 7), "[]");
  assert_shows(&r.m, value_made_at(&r.m, 9), "m.C([])");
  assert_int_equal(value_made_at(&r.m, 10), 0);
  assert_int_equal(value_made_at(&r.m, 3), 0);
  finish(&r);
}

/* ---- damage ---- */

static void survives(struct span program) {
  struct run r;
  arena_init(&r.arena, 1 << 20);
  observations_init(&r.obs, &r.arena, 100);
  r.max = limits_default();
  bool ok = machine_init(&r.m, &r.arena, &r.obs, &r.max, 0, NULL, program) && machine_run(&r.m);
  assert_int_equal(ok, r.m.stopped);
  assert_int_equal(r.m.in.at + r.m.in.left.n, program.n);
  if (!ok) assert_true(r.obs.n > 0);
  for (uint32_t i = 0; i < r.obs.n; i++) assert_true(r.obs.list[i].at <= program.n);
  for (val_id v = 1; v < r.m.values.n; v++)
    for (uint32_t i = 0; i < value_count(&r.m, v); i++)
      assert_in_range(value_item(&r.m, v, i), 1, r.m.values.n - 1);
  arena_free(&r.arena);
}

static void survives_damage(void **state) {
  (void)state;
  /* One tensor as torch.save writes it; text opcodes; protocol 4 with frame, sets and NEWOBJ_EX. */
  static const char tensor[] =
      "\x80\x02}q\0X\1\0\0\0wq\1ctorch._utils\n_rebuild_tensor_v2\nq\2(("
      "X\7\0\0\0storageq\3ctorch\nFloatStorage\nq\4"
      "X\1\0\0\0"
      "0q\5X\3\0\0\0cpuq\6K\6tq\7QK\0K\3K\2\x86q\x08K\1K\3\x86q\x09\x89"
      "ccollections\nOrderedDict\nq\x0a)R"
      "q\x0btq\x0cRq\x0ds.";
  static const char text[] = "(lp0\nI01\naL-12L\naF1.5\naV\\u20ac\naS'x\\x41'\nag0\na(im\nC\np1\naPx\na.";
  static const char proto4[] =
      "\x80\x04\x95\x2d\0\0\0\0\0\0\0\x8c\1m\x94\x8c\1C\x94\x93\x94)}\x8c\1kC\1vs\x92"
      "\x94\x8f\x94(K\1G?\xf0\0\0\0\0\0\1\x90\x96\1\0\0\0\0\0\0\0a\x87.";
  check_mutations((const uint8_t *)tensor, sizeof tensor - 1, survives);
  check_mutations((const uint8_t *)text, sizeof text - 1, survives);
  check_mutations((const uint8_t *)proto4, sizeof proto4 - 1, survives);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_as_cpython_does),
      cmocka_unit_test(table_is_that_of_pickletools),
      cmocka_unit_test(every_opcode_underflows),
      cmocka_unit_test(every_argument_truncates),
      cmocka_unit_test(says_how_it_was_written),
      cmocka_unit_test(frames_hold_whole_opcodes),
      cmocka_unit_test(opcodes_came_with_a_torch),
      cmocka_unit_test(python2_strings_keep_their_bytes),
      cmocka_unit_test(maps_python2_names_below_protocol_3),
      cmocka_unit_test(tells_odd_and_dotted_names),
      cmocka_unit_test(counts_each_name_once),
      cmocka_unit_test(hooks_hear_in_order),
      cmocka_unit_test(objects_keep_what_was_added),
      cmocka_unit_test(items_after_use_are_seen),
      cmocka_unit_test(copies_pairs),
      cmocka_unit_test(goes_on_after_policy),
      cmocka_unit_test(a_computed_name_is_no_name),
      cmocka_unit_test(limits_stop_at_their_edge),
      cmocka_unit_test(long_numbers_are_refused),
      cmocka_unit_test(no_memory_is_said_once),
      cmocka_unit_test(doubling_stays_small),
      cmocka_unit_test(depth_is_said),
      cmocka_unit_test(no_allocation_follows_an_index),
      cmocka_unit_test(sparse_and_dense_indices_are_one_memo),
      cmocka_unit_test(dicts_grow),
      cmocka_unit_test(wide_keys_are_not_compared),
      cmocka_unit_test(long_keys_compare_by_content),
      cmocka_unit_test(fetching_a_long_text_costs_nothing),
      cmocka_unit_test(accessors_take_any_value),
      cmocka_unit_test(finds_values_by_offset),
      cmocka_unit_test(hooks_take_raw_bytes),
      cmocka_unit_test(survives_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
