/* `ckptlint serve`: what libckptlint starts. Not for people: requests come by a socket on descriptor 3. */
#include "api/serve.h"

#include "cli/cli.h"

enum { REQUEST_FD = 3 };

enum exit_code command_serve(struct cli *cli) {
  struct sandbox *sandbox = sandbox_probe();
  (void)cli;
  if (!sandbox) return EXIT_BUG;
  int code = serve(REQUEST_FD, sandbox);
  sandbox_free(sandbox);
  return code == 0 ? EXIT_CLEAN : EXIT_USAGE;
}
