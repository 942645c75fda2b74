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
  CKL_USAGE,      /* a NULL or a negative descriptor, or the broker refused the options */
  CKL_NO_SANDBOX, /* the sandbox can't be put on here, so nothing is judged: `ckptlint doctor` says why */
};

/* Worst last. A caller that only wants to know whether to load asks for CKL_CLEAN: nothing else means that
 * everything was read (with `quick`, all but the tensors' bytes) and proved. */
enum ckl_verdict {
  CKL_CLEAN,        /* it holds data alone, and every tensor lies inside it */
  CKL_FINDINGS,     /* read whole; ckl_result_exit is 1 if a finding is of severity "high" or "critical" */
  CKL_ERROR,        /* it can't be read: no regular file, or its disk fails */
  CKL_NOT_CHECKED,  /* part of it was not judged: a limit, a crash, a format that is not read */
  CKL_INCOMPATIBLE, /* not the model that was asked for; no call of this version asks for one */
  CKL_UNSAFE,       /* loading it runs code, or makes a loader read what is not there */
};

/* Zero all, then set `size` and what is wanted. Limits are those of `ckptlint doctor`. */
struct ckl_options {
  size_t size;         /* sizeof(struct ckl_options): later versions add fields behind */
  int quick;           /* 1: metadata only, tensor bytes are not read */
  int weights_profile; /* 1: --profile weights, which refuses every class but tensors and plain values */
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

/* Judges what a descriptor refers to: a regular file, read from its start, open for reading. The descriptor
 * and its offset stay the caller's. `name` is only shown: 599 bytes of it, with '?' for what is not UTF-8.
 * `options` may be NULL. No ckptlint.json is read. Waits until the verdict is there.
 *
 * On CKL_OK *out is the caller's to free, whatever the verdict; otherwise it is NULL, and nothing is known of
 * this file. After CKL_NO_BROKER, CKL_PROTOCOL or CKL_NO_MEMORY the session may have ended: it then answers
 * CKL_NO_BROKER to every further call, and a new one is to be opened. */
CKL_API enum ckl_status ckl_scan_fd(ckl_session *session, int fd, const char *name,
                                    const struct ckl_options *options, ckl_result **out);
/* The same for n bytes in memory: they are copied to a sealed memory file first. */
CKL_API enum ckl_status ckl_scan_mem(ckl_session *session, const void *bytes, size_t n, const char *name,
                                     const struct ckl_options *options, ckl_result **out);
/* NULL is fine. */
CKL_API void ckl_result_free(ckl_result *result);

/* ---- a result: none of these takes NULL for it ---- */

CKL_API enum ckl_verdict ckl_result_verdict(const ckl_result *result);
/* The exit code that the command line would end with: 0, 1 or 2. */
CKL_API int ckl_result_exit(const ckl_result *result);
/* How many findings there are, notes of a clean file among them. They are numbered from 0, worst first. Their
 * texts are UTF-8 without control characters, whatever the file holds, and live as long as the result; an
 * index out of range answers NULL. */
CKL_API size_t ckl_result_findings(const ckl_result *result);
/* "GLB301": `ckptlint explain GLB301` says what it means and what to do. */
CKL_API const char *ckl_result_rule(const ckl_result *result, size_t i);
/* "critical", "high", "medium", "low" or "info". */
CKL_API const char *ckl_result_severity(const ckl_result *result, size_t i);
/* A sentence for a person. */
CKL_API const char *ckl_result_message(const ckl_result *result, size_t i);
/* All events as JSON lines (validator/doc/events.md), ended by a NUL, which *n does not count; n may be NULL.
 * The text lives as long as the result. */
CKL_API const char *ckl_result_json(const ckl_result *result, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
