#include "api/config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where a path stands, without symbolic links: a directory itself, of anything else its folder. A link that
 * is named counts where it stands. NULL: nowhere; else to be freed. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (is_directory(path)) return realpath(path, NULL);
  if (!slash) return realpath(".", NULL);
  char *name = strndup(path, (size_t)(slash - path) + 1);
  char *folder = name ? realpath(name, NULL) : NULL;
  free(name);
  return folder;
}

/* Is `folder` the directory that was named, or below it? */
static bool is_inside(struct span folder, struct span named) {
  if (named.n == 1) return true; /* "/" */
  return span_starts(folder, named) && (folder.n == named.n || folder.p[named.n] == '/');
}

static bool stands_beside(const char *path, struct span here) {
  char *folder = folder_of(path);
  struct span named = span_str(folder);
  bool beside = folder && (is_directory(path) ? is_inside(here, named) : span_eq(here, named));
  free(folder); /* NULL: no such input, which is told when it is opened */
  return beside;
}

enum config_found config_find(const struct input_list *inputs) {
  if (access(CONFIG_NAME, F_OK) != 0) return CONFIG_NONE;
  char *here = realpath(".", NULL);
  bool beside = here == NULL; /* nobody knows where it is */
  for (size_t i = 0; i < inputs->n && !beside && !inputs->fds; i++)
    beside = strcmp(inputs->paths[i], "-") != 0 && stands_beside(inputs->paths[i], span_str(here));
  free(here);
  return beside ? CONFIG_BESIDE : CONFIG_USABLE;
}
