/* What the user's terminals are and what the environment says about them; to be asked before the environment
 * is wiped. */
#ifndef CKPTLINT_CLI_TERMINAL_H
#define CKPTLINT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct terminal {
  bool out_is_tty, err_is_tty;
  bool no_color, force_color, dumb; /* NO_COLOR · FORCE_COLOR, CLICOLOR_FORCE · TERM=dumb, CLICOLOR=0 */
  bool utf8;                        /* of the locale */
  size_t width;                     /* columns of standard output; 0: it is no terminal */
};
struct terminal terminal_ask(void);

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER }; /* the words of --color and --progress, in their order */
bool terminal_color(const struct terminal *t, enum when when, bool is_tty);
/* A file or a pipe is always UTF-8, a terminal what its locale says. */
bool terminal_unicode(const struct terminal *t, bool is_tty);

#endif
