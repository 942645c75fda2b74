#include "sandbox/spawn.h"

#include <unistd.h>

/* What this program, its libraries and its terminal need to know. None of it can weaken the sandbox or a verdict. */
static const char *const kept_names[] = {
  "TERM=", "NO_COLOR=", "CLICOLOR=", "COLUMNS=", "LINES=",
  "LANG=", "LC_ALL=", "LC_CTYPE=", "TZ=", "TMPDIR=",
  "CI=", "GITHUB_ACTIONS=",
  "SOURCE_DATE_EPOCH=", /* reports that compare equal */
};

static bool is_kept(const char *variable) {
  for (size_t i = 0; i < ARRAY_LEN(kept_names); i++)
    if (strncmp(variable, kept_names[i], strlen(kept_names[i])) == 0) return true;
  return false;
}
static bool always(const char *ignored) {
  (void)ignored;
  return true;
}

/* A new list of copies; it lives as long as the process. */
static char **copy_list(char **list, bool (*keep)(const char *)) {
  size_t n = 0;
  while (list[n]) n++;
  char **copy = calloc(n + 1, sizeof *copy), **end = copy;
  for (size_t i = 0; copy && i < n; i++) {
    if (!keep(list[i])) continue;
    if (!(*end++ = strdup(list[i]))) return NULL;
  }
  return copy;
}

static void wipe_list(char **list) {
  for (; *list; list++) explicit_bzero(*list, strlen(*list));
}

bool sandbox_scrub_environment(char **argv, char **envp) {
  char **kept = copy_list(envp, is_kept), **arguments = copy_list(argv, always);
  if (!kept || !arguments) return false;
  wipe_list(envp);
  environ = kept;
  if (!argv[0]) return true;
  wipe_list(argv + 1); /* the process list goes on showing the program's name */
  for (size_t i = 1; argv[i]; i++) argv[i] = arguments[i];
  return true;
}
