#include "sandbox/spawn.h"

#include <unistd.h>

#include "base/memory.h"

/* What this program, its libraries and its terminal need. None of it can weaken the sandbox or a verdict. */
static const char *const kept_names[] = {
    "TERM=",     "NO_COLOR=",       "CLICOLOR=",          "COLUMNS=", "LINES=",  "LANG=", "LC_ALL=",
    "LC_CTYPE=", "GITHUB_ACTIONS=", "SOURCE_DATE_EPOCH=", "TZ=",      "TMPDIR=", "CI=",
};

/* What makes the loader put foreign code into this process. */
static const char *const preload_names[] = {"LD_PRELOAD=", "LD_AUDIT="};
static const char preload_file[] = "/etc/ld.so.preload";

/* Set once, before the variables go. */
static bool preloads[ARRAY_LEN(preload_names)];

static void note_preloads(char **list) {
  for (; *list; list++)
    for (size_t i = 0; i < ARRAY_LEN(preload_names); i++) {
      size_t n = strlen(preload_names[i]);
      if (strncmp(*list, preload_names[i], n) == 0 && (*list)[n]) preloads[i] = true;
    }
}

size_t sandbox_preloads(struct span out[PRELOADS_MAX]) {
  size_t n = 0;
  for (size_t i = 0; i < ARRAY_LEN(preload_names); i++)
    if (preloads[i]) out[n++] = span_of(preload_names[i], strlen(preload_names[i]) - 1);
  if (access(preload_file, F_OK) == 0) out[n++] = span_str(preload_file);
  return n;
}

static bool is_kept(const char *variable) {
  for (size_t i = 0; i < ARRAY_LEN(kept_names); i++)
    if (strncmp(variable, kept_names[i], strlen(kept_names[i])) == 0) return true;
  return false;
}
static bool always(const char *ignored) {
  (void)ignored;
  return true;
}

/* A copy of the list and its strings in one block; it lives as long as the process. */
static char **copy_list(char **list, bool (*keep)(const char *)) {
  size_t n = 0, bytes = 0;
  for (; list[n]; n++) bytes += strlen(list[n]) + 1;
  char **copy = memory_calloc(1, (n + 1) * sizeof *copy + bytes);
  if (!copy) return NULL;
  char *text = (char *)(copy + n + 1);
  for (size_t i = 0, kept = 0; i < n; i++) {
    if (!keep(list[i])) continue;
    size_t len = strlen(list[i]) + 1;
    copy[kept++] = memcpy(text, list[i], len);
    text += len;
  }
  return copy;
}

static void wipe_list(char **list) {
  for (; *list; list++) explicit_bzero(*list, strlen(*list));
}

bool sandbox_scrub_environment(char **argv, char **envp) {
  char **kept = copy_list(envp, is_kept), **arguments = copy_list(argv, always);
  if (!kept || !arguments) {
    free(kept);
    free(arguments);
    return false;
  }
  note_preloads(envp);
  wipe_list(envp);
  environ = kept;
  if (argv[0]) wipe_list(argv + 1); /* the process list goes on showing the program's name */
  for (size_t i = 0; argv[i]; i++) argv[i] = arguments[i];
  return true; /* NOLINT(clang-analyzer-unix.Malloc): argv points into `arguments` from now on */
}
