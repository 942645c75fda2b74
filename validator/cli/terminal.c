#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *variable(const char *name) {
  const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): main has one thread */
  return value ? value : "";
}

static bool is_set(const char *name) { return *variable(name); }
static bool is(const char *name, const char *word) { return strcmp(variable(name), word) == 0; }

static bool says_utf8(const char *locale) {
  return strcasestr(locale, "UTF-8") || strcasestr(locale, "UTF8");
}

/* The first that is set decides, as in setlocale(3). */
static bool locale_is_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_set(names[i])) return says_utf8(variable(names[i]));
  return false;
}

static size_t columns_of(int fd) {
  struct winsize size = {0};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

struct terminal terminal_ask(void) {
  return (struct terminal){
      .out_is_tty = isatty(STDOUT_FILENO),
      .err_is_tty = isatty(STDERR_FILENO),
      .no_color = is_set("NO_COLOR"), /* no-color.org: any value but the empty one */
      .force_color = (is_set("FORCE_COLOR") && !is("FORCE_COLOR", "0")) ||
                     (is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0")),
      .dumb = is("TERM", "dumb") || is("CLICOLOR", "0"),
      .utf8 = locale_is_utf8(),
      .width = columns_of(STDOUT_FILENO),
  };
}

bool terminal_color(const struct terminal *t, enum when when, bool is_tty) {
  switch (when) {
  case WHEN_ALWAYS: return true;
  case WHEN_NEVER: return false;
  case WHEN_AUTO: break;
  }
  if (t->no_color) return false;
  return t->force_color || (is_tty && !t->dumb);
}

bool terminal_unicode(const struct terminal *t, bool is_tty) { return !is_tty || t->utf8; }
