/* One input: opened once, mapped read-only, its identity kept so that a change is noticed. Nothing of its
 * bytes is looked at here. */
#ifndef CKPTLINT_API_INPUT_H
#define CKPTLINT_API_INPUT_H

#include <sys/stat.h>

#include "base/limits.h"
#include "base/observe.h"

struct input {
  struct span path; /* as reports show it */
  bool found;       /* below a directory that was named, not named itself */
  int fd;           /* -1: not open */
  struct stat identity;
  bool slice;        /* bytes are a part of what another input has mapped or unpacked; fd is -1 */
  struct span bytes; /* the mapping; may be empty */
};

/* Opens and maps. On failure *why says what is wrong in a few literal words, *err is the errno or 0. Regular
 * files only. root_n: how many bytes of the path are the directory that was walked to find it, so that a
 * symbolic link may lead where link.h says; 0: a person named it, and links are followed. */
NODISCARD bool input_open(struct input *in, struct span path, size_t root_n, const struct limits *max,
                          const char **why, int *err);
/* What a descriptor refers to; the descriptor stays the caller's. */
NODISCARD bool input_adopt(struct input *in, struct span name, int fd, const struct limits *max,
                           const char **why, int *err);
/* Standard input, copied to a sealed memfd of at most limits.stdin_bytes. */
NODISCARD bool input_stdin(struct input *in, const struct limits *max, const char **why, int *err);
/* A file below a folder: no symbolic link, no way out of it (RESOLVE_BENEATH), regular, at most
 * limits.side_file_bytes. */
NODISCARD bool input_open_beneath(struct input *in, struct span folder, struct span name,
                                  const struct limits *max, const char **why, int *err);
/* *why of these with what *err adds, for people; in the arena. */
const char *input_why(struct arena *a, const char *why, int err);
/* Is it still the file that was opened? */
bool input_unchanged(const struct input *in);
void input_close(struct input *in);
/* Moves the mapping to `place`, which the caller has reserved; bytes.n must not be 0. */
NODISCARD bool input_move(struct input *in, uint8_t *place);

/* Regular files and symbolic links below a directory, sorted by path; and the directories that can't be
 * opened or lie too deep: opening tells of those, and of links that lead nowhere. Left out: links to
 * directories beneath it, which are walked; files of a folder blobs/ that such a link refers to, which have a
 * name there (the cache of huggingface_hub). Paths are in the arena. False: not all of the directory could be
 * walked. */
struct path_list {
  VEC(struct span) paths;
  size_t root_n; /* of each path, how many bytes are the directory */
};
NODISCARD bool input_walk(struct path_list *out, struct arena *a, struct span directory);
/* Names of the same folder that are nearly this one, at most three, joined with ", "; empty if there is none.
 */
struct span input_near_names(struct arena *a, struct span path);

#endif
