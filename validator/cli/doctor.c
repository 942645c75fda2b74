/* doctor and version: what this build is, what this machine lets the sandbox do, and every limit. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/version.h"
#include "base/memory.h"
#include "cli/cli.h"
#include "forward/gemm.h"
#include "report/fields.h"
#include "report/figures.h"
#include "report/table.h"
#include "sandbox/spawn.h"
#include "tensor/stats.h"

static cJSON *tool_tree(void) {
  cJSON *tool = cJSON_CreateObject();
  version_event(tool);
  return tool;
}

/* ckptlint 0.3.0 (git abc1234, gcc 12.2.0, x86_64) ruleset 2026.11 (78 rules) libseccomp 2.5.4 … */
static void write_version(struct pen *pen, const cJSON *tool) {
  pen_text(pen, INK_STRONG, "ckptlint ");
  pen_text(pen, INK_STRONG, field_text(tool, "version"));
  pen_format(pen, INK_PLAIN,
             " (git %s, %s, %s)  ruleset %s (%ju rules)  libseccomp %s api %ju  cJSON %s  libdeflate "
             "%s\npolicy sha256:%s (built in)\n",
             field_text(tool, "git"), field_text(tool, "compiler"), field_text(tool, "machine"),
             field_text(tool, "ruleset"), (uintmax_t)field_u64(tool, "rules"), field_text(tool, "libseccomp"),
             (uintmax_t)field_u64(tool, "seccomp_api"), field_text(tool, "cjson"),
             field_text(tool, "libdeflate"), field_text(tool, "lists_sha256"));
}

enum exit_code command_version(struct cli *cli) {
  cJSON *tool = tool_tree();
  if (cli_wants_json(cli)) return cli_json(cli, tool);
  write_version(&cli->pen, tool);
  cJSON_Delete(tool);
  return EXIT_CLEAN;
}

/* ---- the facts ---- */

static void add_layers(cJSON *doctor, const struct sandbox *sandbox) {
  const struct sandbox_layer *layers;
  size_t n = sandbox_layers(sandbox, &layers);
  cJSON *o = event_object(doctor, "sandbox"), *list;
  event_str(o, "level", sandbox_level_name(sandbox_level(sandbox)));
  if (sandbox_policy_digest(sandbox)[0]) event_str(o, "policy_sha256", sandbox_policy_digest(sandbox));
  list = event_array(o, "layers");
  for (size_t i = 0; i < n; i++) {
    cJSON *layer = event_push_object(list);
    event_str(layer, "name", layers[i].name);
    event_bool(layer, "on", layers[i].on);
    event_bool(layer, "essential", layers[i].essential);
    if (layers[i].number) event_i64(layer, "number", layers[i].number);
    if (layers[i].error) event_i64(layer, "error", layers[i].error);
    event_str(layer, "stops", layers[i].stops);
  }
  struct span preloads[PRELOADS_MAX];
  size_t num_preloads = sandbox_preloads(preloads);
  list = num_preloads ? event_array(o, "preloaded") : NULL;
  for (size_t i = 0; i < num_preloads; i++) event_push_text(list, preloads[i], 64);
}

static void add_library(cJSON *list, const char *name, bool found, const char *detail,
                        const char *needed_for) {
  cJSON *o = event_push_object(list);
  event_str(o, "name", name);
  event_bool(o, "found", found);
  if (detail) event_str(o, "detail", detail);
  event_str(o, "needed_for", needed_for);
}

/* What a child found when it loaded them. */
struct libraries {
  bool tried, blas, crypto;
  char blas_detail[64];
};

/* Without memory OpenBLAS asks for its buffer again and again. */
_Noreturn static void load_libraries(struct libraries *found) {
  enum { SECONDS = 5 };
  struct gemm gemm;
  if (setrlimit(RLIMIT_CPU, &(struct rlimit){SECONDS, SECONDS}) != 0) _exit(1);
  found->blas = gemm_load(&gemm);
  const char *detail = found->blas ? gemm.core : gemm.error;
  if (detail) (void)snprintf(found->blas_detail, sizeof found->blas_detail, "%s", detail);
  found->crypto = sha256_load();
  found->tried = true;
  _exit(0);
}

/* A child does it, as a worker would: a library that starts without the memory that it asks for may crash. */
static void try_libraries(struct libraries *found) {
  *found = (struct libraries){.tried = false};
  pid_t pid = fork();
  if (pid == 0) load_libraries(found);
  while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

/* What is loaded only when it is needed, and can be missing. */
static void add_libraries(cJSON *doctor) {
  static const char crashed[] = "it could not be tried: short of memory, or a crash while it is loaded";
  struct libraries *l = region_map_shared(sizeof *l);
  if (!l) {
    memory_note_failure(); /* so that nothing is printed */
    return;
  }
  try_libraries(l);
  if (!l->blas || !l->crypto) try_libraries(l); /* memory may have been short just then */
  const char *detail = l->blas_detail[0] ? l->blas_detail : NULL;
  cJSON *list = event_array(doctor, "libraries");
  add_library(list, "OpenBLAS", l->blas, l->tried || l->blas ? detail : crashed,
              "the forward pass (Debian: libopenblas0-serial)");
  add_library(list, "libcrypto", l->crypto,
              l->crypto  ? NULL
              : l->tried ? "libcrypto.so.3 can't be loaded"
                         : crashed,
              "--hash sha256 (Debian: libssl3)");
  region_unmap(l, sizeof *l);
}

static void add_limits(cJSON *doctor) {
  cJSON *list = event_array(doctor, "limits");
  for (size_t i = 0; i < num_limit_rows; i++) {
    cJSON *o = event_push_object(list);
    event_str(o, "name", limit_rows[i].name);
    event_u64(o, "default", limit_rows[i].value);
    event_str(o, "unit", limit_rows[i].unit);
    if (limit_rows[i].flag) event_str(o, "flag", limit_rows[i].flag);
    event_str(o, "why", limit_rows[i].why);
  }
}

static cJSON *examine(const struct sandbox *sandbox) {
  struct utsname kernel;
  cJSON *doctor = cJSON_CreateObject();
  event_str(doctor, "schema", "ckptlint.doctor/1");
  version_event(event_object(doctor, "tool"));
  if (uname(&kernel) == 0) event_text(doctor, "kernel", span_str(kernel.release), sizeof kernel.release);
  add_layers(doctor, sandbox);
  add_libraries(doctor);
  add_limits(doctor);
  return doctor;
}

/* ---- for people ---- */

static void write_state(struct table *table, const cJSON *layer) {
  char text[96];
  int64_t error = (int64_t)field_real(layer, "error");
  uintmax_t number = field_u64(layer, "number");
  if (field_true(layer, "on") && number > 0)
    (void)snprintf(text, sizeof text, "on (%ju)", number);
  else if (field_true(layer, "on"))
    (void)snprintf(text, sizeof text, "on");
  else if (error < 0)
    (void)snprintf(text, sizeof text, "missing: killed by %s", sigdescr_np((int)-error));
  else
    (void)snprintf(text, sizeof text, "missing%s%s", error ? ": " : "",
                   error ? strerrordesc_np((int)error) : "");
  table_cell(table,
             field_true(layer, "on")          ? INK_GOOD
             : field_true(layer, "essential") ? INK_WORST
                                              : INK_DOUBT,
             text);
}

static void write_sandbox(struct pen *pen, struct table *table, const cJSON *sandbox) {
  static const struct column columns[] = {
      {"layer", false}, {"state", false}, {"needed", false}, {"stops", false}};
  const cJSON *layer;
  pen_text(pen, INK_STRONG, "Sandbox: ");
  pen_format(pen, INK_STRONG, "%s\n", field_text(sandbox, "level"));
  table_begin(table, pen, columns, ARRAY_LEN(columns));
  cJSON_ArrayForEach(layer, field(sandbox, "layers")) {
    table_cell(table, INK_PLAIN, field_text(layer, "name"));
    write_state(table, layer);
    table_cell(table, INK_FAINT, field_true(layer, "essential") ? "always" : "");
    table_cell(table, INK_PLAIN, field_text(layer, "stops"));
  }
  table_end(table);
  if (field_is_there(sandbox, "policy_sha256"))
    pen_format(pen, INK_FAINT, "  policy sha256 %s\n", field_text(sandbox, "policy_sha256"));
  cJSON_ArrayForEach(layer, field(sandbox, "preloaded"))
      pen_format(pen, INK_DOUBT, "  %s put code of others into this process\n", cJSON_GetStringValue(layer));
}

static void write_libraries(struct pen *pen, struct table *table, const cJSON *libraries) {
  static const struct column columns[] = {
      {"library", false}, {"state", false}, {"", false}, {"needed for", false}};
  const cJSON *library;
  pen_text(pen, INK_STRONG, "\nLibraries that are loaded when they are needed\n");
  table_begin(table, pen, columns, ARRAY_LEN(columns));
  cJSON_ArrayForEach(library, libraries) {
    bool found = field_true(library, "found");
    table_cell(table, INK_PLAIN, field_text(library, "name"));
    table_cell(table, found ? INK_GOOD : INK_DOUBT, found ? "found" : "missing");
    table_cell(table, INK_FAINT, field_text(library, "detail"));
    table_cell(table, INK_PLAIN, field_text(library, "needed_for"));
  }
  table_end(table);
}

static void write_limits(struct pen *pen, struct table *table, const cJSON *limits) {
  static const struct column columns[] = {
      {"limit", false}, {"default", true}, {"unit", false}, {"flag", false}, {"why", false}};
  const cJSON *limit;
  pen_text(pen, INK_STRONG, "\nLimits\n");
  table_begin(table, pen, columns, ARRAY_LEN(columns));
  cJSON_ArrayForEach(limit, limits) {
    char figure[FIGURE_ROOM];
    bool bytes = field_is(limit, "unit", "bytes");
    uint64_t n = field_u64(limit, "default");
    table_cell(table, INK_PLAIN, field_text(limit, "name"));
    table_cell(table, INK_PLAIN, bytes ? figure_bytes(figure, n) : figure_count(figure, n));
    table_cell(table, INK_PLAIN, bytes ? "" : field_text(limit, "unit"));
    table_cell(table, INK_NOTE, field_text(limit, "flag"));
    table_cell(table, INK_FAINT, field_text(limit, "why"));
  }
  table_end(table);
}

static void write_doctor(struct cli *cli, const cJSON *doctor) {
  struct pen *pen = &cli->pen;
  struct table *table = arena_new(cli->arena, struct table);
  if (!table) return;
  write_version(pen, field(doctor, "tool"));
  pen_format(pen, INK_PLAIN, "kernel %s\n\n", field_text(doctor, "kernel"));
  write_sandbox(pen, table, field(doctor, "sandbox"));
  write_libraries(pen, table, field(doctor, "libraries"));
  write_limits(pen, table, field(doctor, "limits"));
}

enum exit_code command_doctor(struct cli *cli) {
  struct sandbox *sandbox = sandbox_probe();
  if (!sandbox) return EXIT_BUG;
  bool enough = sandbox_level(sandbox) >= SANDBOX_STANDARD;
  cJSON *doctor = examine(sandbox);
  sandbox_free(sandbox);
  if (cli_wants_json(cli)) {
    (void)cli_json(cli, doctor);
  } else {
    write_doctor(cli, doctor);
    cJSON_Delete(doctor);
  }
  return enough ? EXIT_CLEAN : EXIT_SANDBOX;
}
