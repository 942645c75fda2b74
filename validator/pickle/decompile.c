#include "pickle/decompile.h"

#include <stdio.h>

#include "pickle/op.h"
#include "pickle/python_text.h"

struct decompiler {
  const struct decompile *job;
  struct machine m;
  struct observations obs;
  struct py_text text;
  uint32_t num_variables;
  uint32_t at;   /* of the opcode that was executed last */
  val_id first;  /* the lowest value that it took: a push has overwritten it in arg->items */
  uint64_t used; /* of job->bytes */
  uint64_t left_out;
  uint32_t next_raw; /* of job->ran->raw */
};

/* ---- lines ---- */

/* The line that stands in d->text, as far as the budget goes. */
static void end_line(struct decompiler *d, enum statement_kind kind, struct span comment) {
  struct statement s = {
      .kind = kind, .at = d->at, .code = span_of(d->text.bytes, d->text.n), .comment = comment};
  uint64_t bytes = s.code.n + comment.n + sizeof s;
  d->text.n = 0;
  if (d->left_out || bytes > d->job->bytes - d->used) {
    d->left_out++;
    return;
  }
  d->used += bytes;
  d->job->line(d->job->ctx, &s);
}

static void end_plain(struct decompiler *d) { end_line(d, STATEMENT_PLAIN, SPAN("")); }

/* From now on the value is called by a variable, whose assignment begins the line. False: budget spent. */
static bool assign(struct decompiler *d, val_id v) {
  struct py_text *t = &d->text;
  py_format(t, "_var%u = ", d->num_variables++);
  while (t->variables.n <= v)
    if (!vec_push(d->m.arena, &t->variables, UINT32_MAX)) return refuse_memory(&d->m);
  return true;
}
static void name(struct decompiler *d, val_id v) { d->text.variables.p[v] = d->num_variables; }

static bool is_named(const struct decompiler *d, val_id v) { return py_variable(&d->text, v) != 0; }

/* ---- imports ---- */

/* Does `import module; module.name` find what the loader finds? Before protocol 4 a dot in a name was no
 * path. */
static bool has_python_name(const struct machine *m, const struct global *g) {
  return !g->computed && !g->odd && (m->proto >= 4 || !g->dotted);
}

static bool find_class(struct decompiler *d, val_id v, const struct arg *arg) {
  struct py_text *t = &d->text;
  const struct global *g = value_global(&d->m, v);
  if (!assign(d, v)) return false;
  name(d, v);
  py_str(t, "find_class(");
  if (g->computed) {
    py_value(t, d->first);
    py_str(t, ", ");
    py_value(t, arg->items[1]);
  } else {
    py_string(t, "", g->mapped_module);
    py_str(t, ", ");
    py_string(t, "", g->mapped_name);
  }
  py_str(t, ")");
  end_plain(d);
  return true;
}

static bool write_global(struct decompiler *d, val_id v, const struct arg *arg) {
  char found[OBS_TEXT_MAX];
  const struct global *g = value_global(&d->m, v);
  if (!has_python_name(&d->m, g)) return find_class(d, v, arg);
  if (g->count > 1) return true;
  int n = snprintf(found, sizeof found, "%.*s.%.*s", (int)min_size(g->mapped_module.n, OBS_TEXT_MAX / 2 - 2),
                   (const char *)g->mapped_module.p, (int)min_size(g->mapped_name.n, OBS_TEXT_MAX / 2 - 2),
                   (const char *)g->mapped_name.p);
  py_str(&d->text, "import ");
  py_put(&d->text, g->mapped_module);
  end_line(d, STATEMENT_IMPORT, span_of(found, n > 0 ? (size_t)n : 0));
  return true;
}

static bool write_import(struct decompiler *d, const struct arg *arg) {
  return write_global(d, top(&d->m), arg);
}

static bool write_extension(struct decompiler *d, const struct arg *arg) {
  if (!assign(d, top(&d->m))) return false;
  py_format(&d->text, "get_extension(%jd)", (intmax_t)arg->number);
  name(d, top(&d->m));
  end_plain(d);
  return true;
}

/* ---- calls ---- */

static void put_arguments(struct decompiler *d, const struct object *o, bool after_class) {
  struct py_text *t = &d->text;
  const char *before = after_class ? ", " : "";
  bool listed = kind_of(&d->m, o->args) == VAL_TUPLE && !is_named(d, o->args);
  if (!listed || value_count(&d->m, o->args)) py_str(t, before);
  if (listed) {
    py_items(t, "", d->m.links.p ? d->m.links.p + value_of(&d->m, o->args)->seq.first : NULL,
             value_count(&d->m, o->args), false, "");
  } else {
    py_str(t, "*");
    py_value(t, o->args);
  }
  if (o->origin != BY_NEWOBJ_EX) return;
  py_str(t, ", **");
  py_value(t, o->kwargs);
}

static bool write_call(struct decompiler *d, const struct arg *arg) {
  struct py_text *t = &d->text;
  val_id v = top(&d->m);
  const struct object *o = value_object(&d->m, v);
  bool by_new = o->origin == BY_NEWOBJ || o->origin == BY_NEWOBJ_EX;
  bool bare = (o->origin == BY_OBJ || o->origin == BY_INST) && value_count(&d->m, o->args) == 0;
  if (o->origin == BY_INST && !write_global(d, o->callee, arg)) return false;
  if (!assign(d, v)) return false;
  py_value(t, o->callee);
  py_str(t, by_new ? ".__new__(" : "(");
  if (by_new) py_value(t, o->callee);
  put_arguments(d, o, by_new);
  py_str(t, ")");
  name(d, v);
  end_line(d, bare ? STATEMENT_BARE : STATEMENT_PLAIN, SPAN(""));
  return true;
}

static bool write_persid(struct decompiler *d, const struct arg *arg) {
  (void)arg;
  val_id v = top(&d->m);
  if (!assign(d, v)) return false;
  py_str(&d->text, "persistent_load(");
  py_value(&d->text, d->m.persids.p[value_of(&d->m, v)->ref].id);
  py_str(&d->text, ")");
  name(d, v);
  end_plain(d);
  return true;
}

/* ---- what changes a value: only if it has a name, or is an import ---- */

static bool write_build(struct decompiler *d, const struct arg *arg) {
  (void)arg;
  py_value(&d->text, top(&d->m));
  py_str(&d->text, ".__setstate__(");
  py_value(&d->text, d->first);
  py_str(&d->text, ")");
  end_plain(d);
  return true;
}

/* A literal that nobody else sees takes its items where it stands. */
static bool is_seen(const struct decompiler *d, const struct arg *arg) {
  return arg->n > 0 && (is_named(d, top(&d->m)) || is_symbolic(&d->m, top(&d->m)));
}

static void put_update(struct decompiler *d, const struct arg *arg, const char *open, bool pairs,
                       const char *close) {
  py_value(&d->text, top(&d->m));
  py_items(&d->text, open, arg->items, arg->n, pairs, close);
  end_plain(d);
}

/* C's unpickler wants `extend` first, for a single item too. */
static bool write_append(struct decompiler *d, const struct arg *arg) {
  bool single = arg->n == 1 && kind_of(&d->m, top(&d->m)) == VAL_LIST;
  if (!is_seen(d, arg)) return true;
  put_update(d, arg, single ? ".append(" : ".extend([", false, single ? ")" : "])");
  return true;
}

static bool write_setitem(struct decompiler *d, const struct arg *arg) {
  if (!is_seen(d, arg)) return true;
  if (kind_of(&d->m, top(&d->m)) == VAL_DICT && arg->n > 2) {
    put_update(d, arg, ".update({", true, "})");
    return true;
  }
  for (uint32_t i = 0; i < arg->n; i += 2) {
    if (d->left_out) {
      d->left_out += (arg->n - i) / 2;
      return true;
    }
    py_value(&d->text, top(&d->m));
    py_items(&d->text, "[", &arg->items[i], 1, false, "] = ");
    py_value(&d->text, arg->items[i + 1]);
    end_plain(d);
  }
  return true;
}

static bool write_additems(struct decompiler *d, const struct arg *arg) {
  if (!is_seen(d, arg)) return true;
  if (kind_of(&d->m, top(&d->m)) == VAL_SET) {
    put_update(d, arg, ".update({", false, "})");
    return true;
  }
  for (uint32_t i = 0; i < arg->n; i++) {
    if (d->left_out) {
      d->left_out += arg->n - i;
      return true;
    }
    py_value(&d->text, top(&d->m));
    py_items(&d->text, ".add(", &arg->items[i], 1, false, ")");
    end_plain(d);
  }
  return true;
}

/* ---- containers that the program comes back to ---- */

static bool write_container(struct decompiler *d, const struct arg *arg) {
  (void)arg;
  val_id v = top(&d->m);
  val_id same = v < NUM_CONSTANTS ? 0 : value_made_at(d->job->ran, d->at);
  if (same == 0 || !value_of(d->job->ran, same)->fetched) return true;
  if (!assign(d, v)) return false;
  py_literal(&d->text, v);
  name(d, v);
  end_plain(d);
  return true;
}

static bool write_result(struct decompiler *d, const struct arg *arg) {
  (void)arg;
  py_str(&d->text, "result = ");
  py_value(&d->text, d->first);
  return true; /* said at the end, whatever was left out */
}

/* ---- bytes that are no opcodes ---- */

static const struct raw_run *raw_here(const struct decompiler *d) {
  const struct machine *ran = d->job->ran;
  const struct raw_run *next = d->next_raw < ran->raw.n ? &ran->raw.p[d->next_raw] : NULL;
  return next && next->at == d->m.in.at ? next : NULL;
}

/* What the hook of the first run took is taken again. */
static val_id take_raw(void *ctx, struct machine *m, val_id target, val_id state, uint32_t at) {
  struct decompiler *d = ctx;
  struct span ignored;
  (void)state;
  const struct raw_run *run = raw_here(d);
  return !run || machine_take_raw(m, run->n, at, &ignored) ? target : 0;
}

static void write_raw(struct decompiler *d) {
  const struct raw_run *run = d->next_raw < d->m.raw.n ? &d->m.raw.p[d->next_raw] : NULL;
  if (!run) return;
  d->next_raw++;
  if (d->left_out) return;
  struct statement s = {.kind = STATEMENT_RAW, .at = run->at, .count = run->n};
  d->job->line(d->job->ctx, &s);
}

/* ---- one opcode ---- */

typedef bool write_fn(struct decompiler *d, const struct arg *arg);
/* By opcode, as in opcodes.def; those that are not here only move values about. */
static write_fn *const writers[256] = {
    ['c'] = write_import,     [0x93] = write_import,    [0x82] = write_extension, [0x83] = write_extension,
    [0x84] = write_extension, ['R'] = write_call,       [0x81] = write_call,      [0x92] = write_call,
    ['i'] = write_call,       ['o'] = write_call,       ['P'] = write_persid,     ['Q'] = write_persid,
    ['b'] = write_build,      ['a'] = write_append,     ['e'] = write_append,     ['s'] = write_setitem,
    ['u'] = write_setitem,    [0x90] = write_additems,  [']'] = write_container,  ['l'] = write_container,
    ['}'] = write_container,  ['d'] = write_container,  [0x8f] = write_container, [0x91] = write_container,
    [')'] = write_container,  ['t'] = write_container,  [0x85] = write_container, [0x86] = write_container,
    [0x87] = write_container, [0x96] = write_container, ['.'] = write_result,
};

static bool step(struct decompiler *d) {
  struct arg arg;
  d->at = (uint32_t)d->m.in.at;
  if (!machine_fetch(&d->m, &arg)) return false;
  d->first = arg.n ? arg.items[0] : 0;
  if (!machine_execute(&d->m, &arg)) return false;
  write_fn *write = writers[arg.op - opcode_table];
  if (write && !write(d, &arg)) return false;
  write_raw(d);
  return true;
}

/* ---- the end ---- */

static void end(struct decompiler *d) {
  struct statement s = {.kind = STATEMENT_CUT, .at = d->at, .count = d->left_out};
  if (d->left_out) d->job->line(d->job->ctx, &s);
  s = (struct statement){.kind = STATEMENT_RESULT, .at = d->at, .code = span_of(d->text.bytes, d->text.n)};
  if (!d->m.stopped) {
    s.code = SPAN("");
    s.reason = d->obs.n ? d->obs.list[d->obs.n - 1].kind : OBS_LIMIT_MEMORY; /* the last one ended it */
    s.kind = STATEMENT_END;
  }
  d->job->line(d->job->ctx, &s);
}

void decompile(const struct decompile *job) {
  struct decompiler *d = arena_new(job->arena, struct decompiler);
  if (!d) return;
  d->job = job;
  d->text.machine = &d->m;
  observations_init(&d->obs, job->arena, 1);
  const struct machine_hooks hooks = {.ctx = d, .build = take_raw};
  bool running = machine_init(&d->m, job->arena, &d->obs, job->max, job->ran->member, &hooks, job->program);
  memcpy(d->m.hash_seed, job->ran->hash_seed, sizeof d->m.hash_seed);
  while (running && !d->m.stopped) running = step(d);
  end(d);
}
