/* `ckptlint serve`: what libckptlint starts. Not for people: requests come by a socket on descriptor 3. */
#include "api/serve.h"

#include <sys/socket.h>

#include "cli/cli.h"

enum { REQUEST_FD = 3 };

static bool is_socket(int fd) {
  int type;
  socklen_t n = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0;
}

enum exit_code command_serve(struct cli *cli) {
  if (!is_socket(REQUEST_FD))
    return cli_usage(cli,
                     "serve is for libckptlint, which gives it a socket on descriptor 3: see ckptlint help");
  struct sandbox *sandbox = sandbox_probe();
  if (!sandbox) return EXIT_BUG;
  int code = serve(REQUEST_FD, sandbox);
  sandbox_free(sandbox);
  return code == 0 ? EXIT_CLEAN : EXIT_USAGE;
}
