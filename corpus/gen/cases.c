#include "corpus/gen/cases.h"

#include <dirent.h>

#include "corpus/gen/mklegacy.h"
#include "corpus/gen/mktar.h"
#include "corpus/gen/mkzip.h"

static struct span keep(struct arena *a, struct span s) {
  struct span copy;
  if (!arena_copy(a, s, &copy)) give_up("gen", 0, "out of memory");
  return copy;
}

static struct span join(struct arena *a, struct span head, const char *middle, struct span tail) {
  struct span s = arena_printf(a, "%.*s%s%.*s", (int)head.n, (const char *)head.p, middle, (int)tail.n,
                               (const char *)tail.p);
  return s;
}

/* ---- one case on its way ---- */

struct making {
  const struct corpus *corpus;
  const struct macros *macros;
  const struct corpus_case *one;
  struct arena arena;
  struct span top;
  struct zip_plan zip;
  struct legacy_plan legacy;
  struct tar_plan tar;
  struct bytes *out;
  struct span object; /* of a bare pickle: one or several */
  int64_t cut;        /* INT64_MAX: not */
};

typedef void directive_fn(struct making *m, const struct line *l);

static struct span text_at(struct making *m, const struct line *l, size_t i) {
  return keep(&m->arena, word_at(l, i));
}

/* ---- members of a zip ---- */

/* "data.pkl" is below the top folder; "/x" is not, and loses its slash. */
static struct span full_name(struct making *m, struct span name) {
  if (span_starts(name, SPAN("/"))) return keep(&m->arena, span_from(name, 1));
  struct bytes joined = {0};
  put_span(&joined, m->top);
  put_text(&joined, "/");
  put_span(&joined, name);
  struct span kept = keep(&m->arena, bytes_span(&joined));
  bytes_free(&joined);
  return kept;
}

static struct zip_member *find_member(struct making *m, struct span name) {
  struct span full = full_name(m, name);
  for (size_t i = 0; i < m->zip.num_members; i++)
    if (span_eq(m->zip.members[i].name, full)) return &m->zip.members[i];
  return NULL;
}

static struct zip_member *the_member(struct making *m, const struct line *l) {
  struct zip_member *found = find_member(m, word_at(l, 1));
  if (!found) give_up(l->file, l->number, "no such member");
  return found;
}

static struct zip_member *insert_member(struct making *m, size_t at, struct span name, struct span data) {
  if (m->zip.num_members == ZIP_MEMBERS) give_up("gen", 0, "more than %d members", ZIP_MEMBERS);
  struct zip_member *place = &m->zip.members[at];
  memmove(place + 1, place, (m->zip.num_members - at) * sizeof *place);
  m->zip.num_members++;
  *place = (struct zip_member){.name = full_name(m, name), .data = data};
  return place;
}

static void do_member(struct making *m, const struct line *l) {
  struct zip_member *there = find_member(m, word_at(l, 1));
  if (there)
    there->data = text_at(m, l, 2);
  else
    insert_member(m, m->zip.num_members, word_at(l, 1), text_at(m, l, 2));
}
/* hold MEMBER CASE: the file of another case. */
static void do_hold(struct making *m, const struct line *l) {
  const struct corpus_case *other = NULL;
  struct bytes file = {0};
  for (size_t i = 0; i < m->corpus->n; i++)
    if (span_eq(m->corpus->list[i].name, word_at(l, 2))) other = &m->corpus->list[i];
  if (!other || other == m->one) give_up(l->file, l->number, "no other case has this name");
  corpus_make(m->corpus, other, &file);
  insert_member(m, m->zip.num_members, word_at(l, 1), keep(&m->arena, bytes_span(&file)));
  bytes_free(&file);
}
static void do_again(struct making *m, const struct line *l) {
  insert_member(m, m->zip.num_members, word_at(l, 1), text_at(m, l, 2));
}
static void do_first(struct making *m, const struct line *l) {
  insert_member(m, 0, word_at(l, 1), text_at(m, l, 2));
}
static void do_without(struct making *m, const struct line *l) {
  struct zip_member *gone = the_member(m, l), *end = m->zip.members + m->zip.num_members;
  memmove(gone, gone + 1, (size_t)(end - gone - 1) * sizeof *gone);
  m->zip.num_members--;
}
static void do_rename(struct making *m, const struct line *l) {
  the_member(m, l)->name = full_name(m, word_at(l, 2));
}
/* lengthen MEMBER N: its name, to so many bytes. */
static void do_lengthen(struct making *m, const struct line *l) {
  struct zip_member *one = the_member(m, l);
  struct bytes name = {0};
  put_span(&name, one->name);
  while (name.n < (size_t)word_number(l, 2)) put_repeated(&name, 'n', 1);
  one->name = keep(&m->arena, bytes_span(&name));
  bytes_free(&name);
}
static void do_deflate(struct making *m, const struct line *l) { the_member(m, l)->deflated = true; }
static void do_no_descriptor(struct making *m, const struct line *l) {
  the_member(m, l)->no_descriptor = true;
}
static void do_unlisted(struct making *m, const struct line *l) { the_member(m, l)->unlisted = true; }
static void do_gap(struct making *m, const struct line *l) { the_member(m, l)->gap = text_at(m, l, 2); }

static void do_bend(struct making *m, const struct line *l) {
  if (m->zip.num_bends == ZIP_BENDS) give_up(l->file, l->number, "more than %d bends", ZIP_BENDS);
  struct span field = text_at(m, l, 2);
  bool text = span_ends(field, SPAN(".name")) || span_ends(field, SPAN(".extra")) ||
              span_ends(field, SPAN(".comment"));
  m->zip.bends[m->zip.num_bends++] =
      (struct zip_bend){.member = word_is(l, 1, "-") ? SPAN("") : the_member(m, l)->name,
                        .field = field,
                        .text = text ? text_at(m, l, 3) : SPAN(""),
                        .number = text ? 0 : word_number(l, 3)};
}

static void do_prefix(struct making *m, const struct line *l) { m->zip.prefix = text_at(m, l, 1); }
static void do_comment(struct making *m, const struct line *l) { m->zip.comment = text_at(m, l, 1); }
static void do_directory_gap(struct making *m, const struct line *l) {
  m->zip.directory_gap = text_at(m, l, 1);
}
static void do_no_zip64(struct making *m, const struct line *l) {
  (void)l;
  m->zip.no_zip64 = true;
}

static void start_zip(struct making *m) {
  insert_member(m, 0, SPAN("data.pkl"), SPAN(""))->is_program = true;
  insert_member(m, 1, SPAN("byteorder"), SPAN("little"));
  insert_member(m, 2, SPAN("version"), SPAN("3\n"));
  insert_member(m, 3, SPAN(".data/serialization_id"), SPAN("0123456789012345678901234567890123456789"));
}

/* The folder's name, as torch takes it from the file's. Comes before anything that names a member. */
static void do_top(struct making *m, const struct line *l) {
  m->top = text_at(m, l, 1);
  m->zip.num_members = 0;
  start_zip(m);
}

/* ---- storages ---- */

/* data KEY f32 1 2 3 · data KEY text "…" · data KEY zeros 24. For a legacy stream the count is that of the
 * values. */
static void do_data(struct making *m, const struct line *l) {
  struct bytes raw = {0};
  put_elements(&raw, l);
  struct span data = keep(&m->arena, bytes_span(&raw)), key = text_at(m, l, 1);
  bytes_free(&raw);
  if (span_is(m->one->kind, "legacy")) {
    if (m->legacy.num_blocks == LEGACY_BLOCKS)
      give_up(l->file, l->number, "more than %d blocks", LEGACY_BLOCKS);
    m->legacy.blocks[m->legacy.num_blocks++] = (struct legacy_block){key, data, (int64_t)l->n - 3};
    return;
  }
  size_t at = 0; /* before `version`, as torch writes it */
  while (at < m->zip.num_members && !span_ends(m->zip.members[at].name, SPAN("/version"))) at++;
  insert_member(m, at, join(&m->arena, SPAN("data"), "/", key), data);
}

static void do_count(struct making *m, const struct line *l) {
  for (size_t i = 0; i < m->legacy.num_blocks; i++)
    if (span_eq(m->legacy.blocks[i].key, word_at(l, 1))) m->legacy.blocks[i].count = word_number(l, 2);
}

/* ---- programs, and what is done to the whole file ---- */

static struct span *program_place(struct making *m, const struct line *l) {
  if (l->n == 1) return &m->object;
  if (span_is(m->one->kind, "tar")) return tar_program(&m->tar, text_at(m, l, 1));
  if (word_is(l, 1, "magic")) return &m->legacy.magic;
  if (word_is(l, 1, "protocol")) return &m->legacy.protocol;
  if (word_is(l, 1, "info")) return &m->legacy.info;
  if (word_is(l, 1, "keys")) return &m->legacy.keys;
  if (word_is(l, 1, "trailing")) return &m->legacy.trailing;
  give_up(l->file, l->number, "no part of a legacy stream has this name");
}

static void take_program(struct making *m, const struct line *l, struct lines text) {
  struct bytes program = {0};
  struct span *place = program_place(m, l);
  put_span(&program, *place); /* bare pickles may follow one another */
  assemble(m->macros, text, &program);
  *place = keep(&m->arena, bytes_span(&program));
  bytes_free(&program);
}

static void do_trailing(struct making *m, const struct line *l) {
  m->zip.trailing = m->legacy.trailing = m->tar.trailing = text_at(m, l, 1);
}
static void do_text(struct making *m, const struct line *l) { put_span(m->out, word_at(l, 1)); }
static void do_zeros(struct making *m, const struct line *l) {
  put_repeated(m->out, 0, (size_t)word_number(l, 1));
}
static void do_number(struct making *m, const struct line *l) {
  put_number(m->out, (uint64_t)word_number(l, 2), (size_t)word_number(l, 1));
}
/* Its length in eight bytes goes before it. */
static void do_counted(struct making *m, const struct line *l) {
  put_number(m->out, word_at(l, 1).n, 8);
  put_span(m->out, word_at(l, 1));
}
static void do_align(struct making *m, const struct line *l) {
  while (m->out->n % (size_t)word_number(l, 1)) put_repeated(m->out, 0, 1);
}
/* The first N bytes are kept, or with -N all but the last N. */
static void do_cut(struct making *m, const struct line *l) { m->cut = word_number(l, 1); }

static const struct {
  const char *name;
  directive_fn *run;
} directives[] = {
    {"top", do_top},
    {"data", do_data},
    {"count", do_count},
    {"member", do_member},
    {"hold", do_hold},
    {"again", do_again},
    {"first", do_first},
    {"without", do_without},
    {"rename", do_rename},
    {"lengthen", do_lengthen},
    {"deflate", do_deflate},
    {"unlisted", do_unlisted},
    {"no-descriptor", do_no_descriptor},
    {"gap", do_gap},
    {"bend", do_bend},
    {"prefix", do_prefix},
    {"comment", do_comment},
    {"directory-gap", do_directory_gap},
    {"no-zip64", do_no_zip64},
    {"trailing", do_trailing},
    {"text", do_text},
    {"zeros", do_zeros},
    {"number", do_number},
    {"counted", do_counted},
    {"align", do_align},
    {"cut", do_cut},
};

static void run_directive(struct making *m, const struct line *l) {
  if (span_is(m->one->kind, "tar") && tar_directive(&m->tar, &m->arena, l)) return;
  for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
    if (!word_is(l, 0, directives[i].name)) continue;
    directives[i].run(m, l);
    return;
  }
  give_up(l->file, l->number, "'%.*s' is no directive", (int)l->word[0].n, (const char *)l->word[0].p);
}

static void run_directives(struct making *m) {
  struct line l = {0};
  struct lines b = m->one->body;
  struct span rest = b.text, text;
  while (next_line(&rest, &text)) {
    line_read(&l, b.file, b.number++, text);
    if (word_is(&l, 0, "pickle"))
      take_program(m, &l, take_lines(b.file, &b.number, &rest));
    else if (l.n)
      run_directive(m, &l);
  }
  line_free(&l);
}

static void finish(struct making *m) {
  if (span_is(m->one->kind, "zip")) {
    for (size_t i = 0; i < m->zip.num_members; i++)
      if (m->zip.members[i].is_program) m->zip.members[i].data = m->object;
    make_zip(&m->zip, m->out);
  } else if (span_is(m->one->kind, "legacy")) {
    m->legacy.object = m->object;
    make_legacy(&m->legacy, m->out);
  } else if (span_is(m->one->kind, "tar")) {
    m->tar.object = m->object;
    make_tar(&m->tar, m->out);
  } else if (span_is(m->one->kind, "pickle")) {
    put_span(m->out, m->object);
  }
  if (m->cut < 0)
    m->out->n -= (size_t)-m->cut;
  else if ((uint64_t)m->cut < m->out->n)
    m->out->n = (size_t)m->cut;
}

typedef void finish_fn(struct making *m);

static void make_case(const struct corpus *c, const struct corpus_case *one, struct bytes *out,
                      finish_fn *end) {
  struct making m = {
      .corpus = c, .macros = &c->macros, .one = one, .top = SPAN("archive"), .out = out, .cut = INT64_MAX};
  arena_init(&m.arena, (size_t)1 << 30);
  start_zip(&m);
  run_directives(&m);
  end(&m);
  arena_free(&m.arena);
}

void corpus_make(const struct corpus *c, const struct corpus_case *one, struct bytes *out) {
  make_case(c, one, out, finish);
}

static void finish_program(struct making *m) {
  m->out->n = 0; /* what a raw case wrote */
  put_span(m->out, m->object);
}

void corpus_make_program(const struct corpus *c, const struct corpus_case *one, struct bytes *out) {
  make_case(c, one, out, finish_program);
}

/* ---- the files ---- */

static void add_case(struct corpus *c, const struct line *l, struct span rest) {
  if (c->n == CASES) give_up(l->file, l->number, "more than %d cases", CASES);
  c->list[c->n++] = (struct corpus_case){.name = keep(&c->arena, word_at(l, 1)),
                                         .id = keep(&c->arena, word_at(l, 2)),
                                         .kind = keep(&c->arena, word_at(l, 3)),
                                         .body = {l->file, l->number + 1, rest}};
}

/* What stands before the first case of a file, and macros, belong to no case. */
static void read_cases(struct corpus *c, const char *file, struct span rest) {
  struct line l = {0};
  struct span text;
  struct corpus_case *open = NULL;
  for (unsigned number = 1;;) {
    const uint8_t *at = rest.p;
    bool more = next_line(&rest, &text);
    line_read(&l, file, number++, more ? text : SPAN("case"));
    bool ends = word_is(&l, 0, "case") || word_is(&l, 0, "macro");
    if (ends && open) open->body.text.n = (size_t)(at - open->body.text.p);
    if (ends) open = NULL;
    if (!more) break;
    if (word_is(&l, 0, "macro"))
      add_macro(&c->macros, &l, keep(&c->arena, word_at(&l, 1)), take_lines(file, &number, &rest));
    else if (word_is(&l, 0, "pickle"))
      (void)take_lines(file, &number, &rest);
    else if (word_is(&l, 0, "case")) {
      add_case(c, &l, rest);
      open = &c->list[c->n - 1];
    } else if (l.n && !open)
      give_up(file, number - 1, "a line outside a case");
  }
  line_free(&l);
}

static int is_cases(const struct dirent *d) { return span_ends(span_str(d->d_name), SPAN(".cases")); }

void corpus_read(struct corpus *c, const char *folder) {
  struct dirent **names;
  arena_init(&c->arena, (size_t)1 << 30);
  int n = scandir(folder, &names, is_cases, alphasort);
  if (n <= 0) give_up(folder, 0, "no case files");
  for (int i = 0; i < n; i++) {
    struct bytes text = {0};
    struct span path = keep(&c->arena, arena_printf(&c->arena, "%s/%s%c", folder, names[i]->d_name, 0));
    read_file((const char *)path.p, &text);
    read_cases(c, (const char *)path.p, keep(&c->arena, bytes_span(&text)));
    bytes_free(&text);
    free(names[i]);
  }
  free(names);
}

void corpus_free(struct corpus *c) { arena_free(&c->arena); }
