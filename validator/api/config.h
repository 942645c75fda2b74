/* ckptlint.json: a policy file that is found, in the working directory. One that may have come with what is
 * judged is never used: whoever wrote the checkpoint could have written it too. */
#ifndef CKPTLINT_API_CONFIG_H
#define CKPTLINT_API_CONFIG_H

#include "api/pipeline.h"

#define CONFIG_NAME "ckptlint.json"

enum config_found { CONFIG_NONE, CONFIG_USABLE, CONFIG_BESIDE };
/* BESIDE: it stands in the folder of an input, or below a directory that is one. */
enum config_found config_find(const struct input_list *inputs);

#endif
