/* Headers of tar archives (POSIX.1-2001 pax, "ustar Interchange Format"). Private to container/. */
#ifndef CKPTLINT_CONTAINER_TAR_H
#define CKPTLINT_CONTAINER_TAR_H

#include "base/span.h"
#include "container/container.h"

enum tar_name { TAR_SYS_INFO, TAR_PICKLE, TAR_TENSORS, TAR_STORAGES, TAR_NAMES };
extern const char *const tar_names[TAR_NAMES];
/* TAR_NAMES: none of them. */
enum tar_name tar_name_of(struct span name);

enum {
  TAR_BLOCK = 512,
  TAR_NAME_BYTES = 100, /* at 0 */
  TAR_SIZE_AT = 124,
  TAR_SIZE_BYTES = 12,
  TAR_CHECKSUM_AT = 148,
  TAR_CHECKSUM_BYTES = 8
};

/* Octal digits, then NULs or spaces up to the field's end. At most 12 bytes: 36 bits. */
NODISCARD bool tar_octal(const uint8_t *p, size_t n, uint64_t *out);
/* The sum of the header's bytes, as numbers of that sign, its own field counted as spaces. */
int64_t tar_sum(const uint8_t block[TAR_BLOCK], bool is_signed);

/* The members of an archive that torch.save wrote before 0.1.10 (format-spec C.5): `sys_info`, `pickle`,
 * `tensors` and `storages`, each with a pax header before it that gives its times and owner alone, then
 * zeros. Whatever else readers could differ on is observed. c->usable: it was read to its end. */
void tar_open(struct container *c, struct arena *a, struct observations *o, const struct limits *max);

#endif
