/* GGUF: every tensor of the file is a root, and its values are texts. */
#include "container/gguf.h"

#include "model/load_plain.h"

void load_gguf(struct checkpoint *cp) {
  struct plain file;
  if (gguf_read(&file, cp->arena, cp->obs, cp->max, cp->container->file)) add_file(cp, &file);
}
