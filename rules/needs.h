/* What loading needs, needs.def, as lookups: the least version of a package with the feature that asks for
 * it, the systems that an object exists on, and the names by which torch must be told an object. */
#ifndef CKPTLINT_RULES_NEEDS_H
#define CKPTLINT_RULES_NEEDS_H

#include "container/container.h"
#include "tensor/dtype.h"

enum need_package { NEED_TORCH, NEED_NUMPY, NEED_PYTHON, NEED_PACKAGES };

/* 1.26.1 is 0x011a01: versions compare as numbers. */
#define NEED_VERSION(major, minor, patch) ((uint32_t)((major) << 16 | (minor) << 8 | (patch)))

struct need {
  enum need_package package;
  uint32_t version;
  const char *source;
};

const char *need_package_name(enum need_package p);
enum { NEED_VERSION_ROOM = 16 };
/* "2.1", "1.26.1" */
const char *need_version_text(uint32_t version, char out[NEED_VERSION_ROOM]);

/* NULL: nothing is known to be needed for it. */
const struct need *need_of_name(struct span module, struct span name);
const struct need *need_of_dtype(enum dtype d);
/* The one of the newest protocol that is no newer than this. */
const struct need *need_of_protocol(uint32_t protocol);
/* *what names the feature. */
const struct need *need_of_kind(enum container_kind kind, const char **what);
const struct need *need_of_big_endian(const char **what);

/* "Linux and macOS", or NULL: an object of the class exists everywhere. */
const char *need_systems(struct span module, struct span name);
/* Must add_safe_globals be told the name together with the object? */
bool need_alias(struct span module, struct span name);
/* The class of what a call of it makes, as an expression; "": the file names it. NULL: the name itself is the
 * class, or nobody knows. */
const char *need_state_class(struct span module, struct span name);

#endif
