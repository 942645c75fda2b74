/* A torch version as one number that compares. */
#ifndef CKPTLINT_BASE_TORCH_VERSION_H
#define CKPTLINT_BASE_TORCH_VERSION_H

#include <stdint.h>

typedef uint16_t torch_version;
#define TORCH_VERSION(major, minor) ((torch_version)((major) << 8 | (minor))) /* 2.10 is 0x20a */

#endif
