/* safetensors: every tensor of the file is a root. */
#include "container/safetensors.h"

#include "model/load_plain.h"

void load_safetensors(struct checkpoint *cp) {
  struct plain file;
  if (safetensors_read(&file, cp->arena, cp->obs, cp->max, cp->container->file)) add_file(cp, &file);
}
