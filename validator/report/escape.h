/* The one escaping writer: every byte that comes from a file reaches a terminal or a report through here.
 *
 * *Visible* text is valid UTF-8 in which nothing is hidden: bytes that are no UTF-8 and ASCII control
 * characters are shown as \xNN, the other characters of hidden.def as \uNNNN or \U00NNNNNN. A backslash of
 * the text stays as it is: what is shown is for reading; where bytes must be told apart exactly, reports
 * carry base64 beside it. */
#ifndef CKPTLINT_REPORT_ESCAPE_H
#define CKPTLINT_REPORT_ESCAPE_H

#include "report/out.h"

/* Any bytes as visible text, at most `max` bytes of it; when that is not all, "…(+n bytes)" follows, n being
 * the bytes of `in` that are not shown. Never cuts inside a character or an escape. Work is bounded by max,
 * not by in.n. */
void escape_visible(struct out *o, struct span in, size_t max);
/* True when escape_visible(…, max) would show exactly the bytes themselves. */
bool escape_is_exact(struct span in, size_t max);
/* A JSON string with its quotes. Takes any bytes: what is no UTF-8 becomes U+FFFD, so that the output is JSON
 * whatever comes; for visible text nothing is lost. */
void escape_json(struct out *o, struct span in);
/* Visible text for a terminal that is not in UTF-8: what is not ASCII is shown as \uNNNN. */
void escape_ascii(struct out *o, struct span visible);
/* RFC 4648 base64 with padding: exact bytes beside a text that shows them with escapes. */
void escape_base64(struct out *o, struct span in);

/* Columns that visible text takes on a terminal: East Asian wide characters two, combining accents none. */
size_t visible_width(struct span visible);

#endif
