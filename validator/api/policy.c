#include "api/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/version.h"
#include "api/worker_policy.h"

enum { MIB = 1 << 20, SECONDS = 10, REPORT_BYTES = 4 * MIB, NAMES_SHOWN = 512 };

/* ---- the policy file ---- */

struct reading {
  struct policy *p;
  struct arena *a;
  const char *wrong;
};

/* "FILE: what is wrong"; the first fault stays. */
static void PRINTF_LIKE(2, 3) wrong(struct reading *r, const char *format, ...) {
  char text[1024];
  va_list ap;
  if (r->wrong) return;
  va_start(ap, format);
  (void)vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  struct span path = r->p->file.path;
  struct span kept = arena_printf(r->a, "%.*s: %s", (int)min_size(path.n, 256), (const char *)path.p, text);
  r->wrong = kept.n ? (const char *)kept.p : "out of memory";
}

static int by_digest(const void *a, const void *b) {
  return span_cmp(((const struct policy_entry *)a)->sha256, ((const struct policy_entry *)b)->sha256);
}

static bool is_hex(uint8_t b) { return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'f'); }

/* "SHA256 SIZE", as the worker checked it; its word is not enough. */
static void add_entry(struct reading *r, struct span text) {
  struct policy_entry e = {.sha256 = span_first(text, SHA256_HEX), .globals = {.outer = &r->p->globals}};
  size_t at = SHA256_HEX + 1;
  bool fine = text.n > at && text.p[SHA256_HEX] == ' ';
  for (size_t i = 0; fine && i < SHA256_HEX; i++) fine = is_hex(text.p[i]);
  for (; fine && at < text.n; at++)
    fine = text.p[at] >= '0' && text.p[at] <= '9' && try_mul(e.size, (uint64_t)10, &e.size) &&
           try_add(e.size, (uint64_t)(text.p[at] - '0'), &e.size);
  for (uint32_t i = 0; fine && i < r->p->entries.n; i++)
    if (span_eq(e.sha256, r->p->entries.p[i].sha256)) {
      wrong(r, "two entries for the same digest, %.64s", (const char *)e.sha256.p);
      return;
    }
  struct policy_entry *slot = fine ? vec_push(r->a, &r->p->entries, UINT32_MAX) : NULL;
  if (!slot)
    wrong(r, fine ? "out of memory" : "its reader's answer makes no sense");
  else
    *slot = e;
}

static void add_name(struct reading *r, struct span name) {
  struct globals *g = r->p->entries.n ? &r->p->entries.p[r->p->entries.n - 1].globals : &r->p->globals;
  const char *why = globals_allow(g, r->a, name, !r->p->weights_profile);
  if (why) wrong(r, "%.*s %s", (int)min_size(name.n, NAMES_SHOWN), (const char *)name.p, why);
}

/* All of them in one sentence: whoever wrote one has perhaps written more. */
static void name_refused(struct reading *r, const struct worker_result *result) {
  struct span names = SPAN("");
  uint32_t n = 0;
  for (uint32_t i = 0; i < result->in.texts.n; i++) {
    const struct wire_text *t = &result->in.texts.p[i];
    if (t->key != TEXT_POLICY_ALLOW || !globals_refuse(t->text)) continue;
    if (n++ == 8) break;
    names = arena_printf(r->a, "%.*s%s%.*s", (int)names.n, (const char *)names.p, names.n ? ", " : "",
                         (int)min_size(t->text.n, 128), (const char *)t->text.p);
  }
  if (n)
    wrong(r, "%.*s%s: always refused. A policy names classes that hold data", (int)names.n,
          (const char *)names.p, n > 8 ? ", …" : "");
}

static void take_texts(struct reading *r, const struct worker_result *result) {
  name_refused(r, result);
  for (uint32_t i = 0; i < result->in.texts.n && !r->wrong; i++) {
    const struct wire_text *t = &result->in.texts.p[i];
    if (t->key == TEXT_POLICY_WRONG)
      wrong(r, "%.*s", (int)min_size(t->text.n, NAMES_SHOWN), (const char *)t->text.p);
    else if (t->key == TEXT_POLICY_FILE)
      add_entry(r, t->text);
    else if (t->key == TEXT_POLICY_ALLOW)
      add_name(r, t->text);
  }
}

static void take_end(struct reading *r, const struct worker_result *result) {
  if (result->end == WORKER_OK) {
    take_texts(r, result);
  } else if (result->end == WORKER_FILE_CHANGED) {
    wrong(r, "a page of it could not be read: it was cut off, or its disk failed");
  } else if (result->end == WORKER_TIMEOUT) {
    wrong(r, "its bytes did not come within %d seconds", SECONDS);
  } else {
    r->p->unread = true;
    wrong(r, "the sandboxed reader came to no end: %s", worker_end_name(result->end));
  }
}

const char *policy_read(struct policy *p, struct arena *a, const struct sandbox *sandbox,
                        const struct limits *max) {
  struct reading r = {.p = p, .a = a};
  struct worker worker, *workers[] = {&worker};
  struct worker_result result;
  struct policy_job job = {.max = max, .file = p->file.bytes};
  const struct worker_limits limits = {.memory_bytes = max->arena_base + max->json_bytes * 8,
                                       .cpu_seconds = SECONDS,
                                       .wall_ms = SECONDS * UINT64_C(1000),
                                       .report_bytes = REPORT_BYTES,
                                       .at_least = sandbox_level(sandbox)};
  if (!worker_start(&worker, sandbox, &limits, &(struct worker_task){.run = policy_stage_run, .ctx = &job})) {
    p->unread = true;
    wrong(&r, "the sandboxed reader can't be started");
    return r.wrong;
  }
  if (workers_wait(workers, 1) != 0) workers_kill(workers, 1);
  worker_finish(&worker, a, p->file.bytes.n, &result);
  take_end(&r, &result);
  char ignored[SHA256_HEX + 1];
  if (!r.wrong && p->entries.n && !digest_bytes(SPAN(""), sandbox, max, ignored) && !workers_signal())
    wrong(&r, "its entries need libcrypto (Debian: libssl3)");
  if (!r.wrong && p->entries.n) qsort(p->entries.p, p->entries.n, sizeof *p->entries.p, by_digest);
  return r.wrong;
}

/* ---- its digest ---- */

static void put_names(struct out *o, const struct globals *g) {
  for (size_t i = 0; i < g->num_allowed; i++)
    out_format(o, "%s %s.%s\n", g->allowed[i].reviewed ? "reviewed" : "allow", g->allowed[i].module,
               g->allowed[i].name);
}

/* Every choice that decides about names, a line each, sorted. In the arena. */
static struct span policy_text(const struct policy *p, struct arena *a) {
  char torch[TORCH_VERSION_ROOM];
  struct out o = out_to_memory(SIZE_MAX);
  struct span text = SPAN("");
  out_format(&o, "ckptlint policy 1\nlists %s\nprofile %s\ntorch %s\n", version_lists_sha256(),
             p->weights_profile ? "weights" : "strict", torch_version_text(p->torch, torch));
  put_names(&o, &p->globals);
  for (uint32_t i = 0; i < p->entries.n; i++) {
    const struct policy_entry *e = &p->entries.p[i];
    out_format(&o, "file %.*s\n", (int)e->sha256.n, (const char *)e->sha256.p);
    put_names(&o, &e->globals);
  }
  if (o.failed || !arena_copy(a, out_taken(&o), &text)) text = SPAN("");
  out_free(&o);
  return text;
}

bool policy_has_names(const struct policy *p) { return p->globals.num_allowed > 0 || p->entries.n > 0; }

void policy_digest(struct policy *p, struct arena *a, const struct sandbox *sandbox,
                   const struct limits *max) {
  bool built_in = !policy_has_names(p) && !p->weights_profile && p->torch == torch_newest();
  if (built_in) /* known without libcrypto, which takes a millisecond to load */
    (void)snprintf(p->sha256, sizeof p->sha256, "%s", version_lists_sha256());
  else
    (void)!digest_bytes(policy_text(p, a), sandbox, max, p->sha256);
}

const struct globals *policy_names(const struct policy *p, struct span bytes, const struct sandbox *sandbox,
                                   const struct limits *max) {
  char hex[SHA256_HEX + 1] = "";
  for (uint32_t i = 0; i < p->entries.n; i++) {
    const struct policy_entry *e = &p->entries.p[i];
    if (e->size != bytes.n || (!hex[0] && !digest_bytes(bytes, sandbox, max, hex))) continue;
    if (span_is(e->sha256, hex)) return &e->globals;
  }
  return &p->globals;
}
