/* The broker behind the library: requests come by a socket, each a JSON line with a descriptor. */
#ifndef CKPTLINT_API_SERVE_H
#define CKPTLINT_API_SERVE_H

#include "sandbox/spawn.h"

/* Serves until the other side closes, or a request can't be answered. Answers an exit code. */
int serve(int socket, struct sandbox *sandbox);

#endif
