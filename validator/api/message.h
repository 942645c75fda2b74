/* The sentence of a finding: its reason's text with the placeholders filled in. */
#ifndef CKPTLINT_API_MESSAGE_H
#define CKPTLINT_API_MESSAGE_H

#include "rules/finding.h"

/* Raw bytes, untrusted texts included: only event_text may show them. At most `size` bytes. */
struct span finding_message(const struct finding *f, char *out, size_t size);

#endif
