/* libckptlint: judge an untrusted PyTorch checkpoint from a C program.
 *
 * The library is a client. ckl_open starts one `ckptlint` broker (posix_spawn, empty environment, a socket
 * pair); every scan hands it a descriptor and reads events back, one JSON line each
 * (validator/doc/events.md). Parsing happens in sealed processes of the broker: the host is never forked, so
 * threads, large heaps and other languages are fine, and a hostile file meets nothing of the host's memory. A
 * session is not for several threads at a time.
 *
 *     ckl_session *s;
 *     ckl_result *r;
 *     if (ckl_open(&s, NULL) == CKL_OK && ckl_scan_fd(s, fd, "model.pt", NULL, &r) == CKL_OK) {
 *       if (ckl_result_verdict(r) != CKL_CLEAN) puts(ckl_result_message(r, 0));
 *       ckl_result_free(r);
 *     }
 *     ckl_close(s);
 */
#ifndef CKPTLINT_H
#define CKPTLINT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CKL_API __attribute__((visibility("default")))

typedef struct ckl_session ckl_session;
typedef struct ckl_result ckl_result;

enum ckl_status {
  CKL_OK = 0,
  CKL_NO_BROKER, /* the ckptlint program could not be started, or it ended */
  CKL_PROTOCOL,  /* what came back is not what a broker says */
  CKL_NO_MEMORY,
  CKL_USAGE, /* a NULL where a value is needed, or the broker refused the options */
};

/* Worst last. Only CKL_CLEAN means that everything was read and proved. */
enum ckl_verdict { CKL_CLEAN, CKL_FINDINGS, CKL_ERROR, CKL_NOT_CHECKED, CKL_INCOMPATIBLE, CKL_UNSAFE };

struct ckl_options {
  size_t size;         /* sizeof(struct ckl_options): later versions add fields behind */
  int quick;           /* metadata only: tensor bytes are not read */
  int weights_profile; /* --profile weights: classes are refused too */
};

/* The library's version, as in "0.1.0"; static. */
CKL_API const char *ckl_version(void);
/* What a status means, in a few English words; static, never NULL. */
CKL_API const char *ckl_status_text(enum ckl_status status);

/* Starts a broker. `program` is its path; NULL searches ckptlint in the PATH of the caller. On CKL_OK *out is
 * the caller's to close, otherwise it is NULL: CKL_NO_BROKER, CKL_NO_MEMORY, or CKL_USAGE for a NULL `out`.
 * Whether the program is ckptlint shows at the first scan. */
CKL_API enum ckl_status ckl_open(ckl_session **out, const char *program);
/* Ends the broker. NULL is fine. */
CKL_API void ckl_close(ckl_session *session);

/* Judges what a descriptor refers to: a regular file, read from its start. The descriptor stays the caller's.
 * `name` is only shown: 599 bytes of it, with '?' for what is not UTF-8; `options` may be NULL. On CKL_OK
 * *out is the caller's to free. After CKL_NO_BROKER, CKL_PROTOCOL or CKL_NO_MEMORY nothing is known of this
 * file, and the session may have ended: it then answers CKL_NO_BROKER to every further call. */
CKL_API enum ckl_status ckl_scan_fd(ckl_session *session, int fd, const char *name,
                                    const struct ckl_options *options, ckl_result **out);
/* The same for bytes in memory: they are copied to a sealed memory file first. */
CKL_API enum ckl_status ckl_scan_mem(ckl_session *session, const void *bytes, size_t n, const char *name,
                                     const struct ckl_options *options, ckl_result **out);
/* NULL is fine. */
CKL_API void ckl_result_free(ckl_result *result);

/* ---- a result: none of these takes NULL for it ---- */

CKL_API enum ckl_verdict ckl_result_verdict(const ckl_result *result);
/* The exit code that the command line would end with. */
CKL_API int ckl_result_exit(const ckl_result *result);
/* Findings, worst first. Texts are UTF-8 without control characters, whatever the file holds; they live as
 * long as the result. An index out of range answers NULL. */
CKL_API size_t ckl_result_findings(const ckl_result *result);
CKL_API const char *ckl_result_rule(const ckl_result *result, size_t i);     /* "GLB301" */
CKL_API const char *ckl_result_severity(const ckl_result *result, size_t i); /* "critical" */
CKL_API const char *ckl_result_message(const ckl_result *result, size_t i);
/* All events as JSON lines, ended by a NUL, which *n does not count; n may be NULL. The text lives as long as
 * the result. */
CKL_API const char *ckl_result_json(const ckl_result *result, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
