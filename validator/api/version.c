#include "api/version.h"

#include <libdeflate.h>
#include <seccomp.h>

#include "rules/finding.h"

#ifndef CKPTLINT_GIT
#define CKPTLINT_GIT "unknown"
#endif

const char *version_lists_sha256(void) { return CKPTLINT_LISTS_SHA256; }

void version_event(cJSON *tool) {
  const struct scmp_version *v = seccomp_version();
  char text[32];
  event_str(tool, "name", "ckptlint");
  event_str(tool, "version", CKPTLINT_VERSION);
  event_str(tool, "git", CKPTLINT_GIT);
#ifdef __clang__
  event_str(tool, "compiler", __VERSION__);
#else
  event_str(tool, "compiler", "gcc " __VERSION__);
#endif
#ifdef __x86_64__
  event_str(tool, "machine", "x86_64");
#else
  event_str(tool, "machine", "aarch64");
#endif
  event_str(tool, "ruleset", CKPTLINT_RULESET);
  event_u64(tool, "rules", RULE_COUNT - 1);
  event_str(tool, "lists_sha256", version_lists_sha256());
  int n = v ? snprintf(text, sizeof text, "%u.%u.%u", v->major, v->minor, v->micro) : 0;
  event_text(tool, "libseccomp", span_of(text, n > 0 ? (size_t)n : 0), sizeof text);
  event_u64(tool, "seccomp_api", seccomp_api_get());
  event_str(tool, "cjson", cJSON_Version());
  event_str(tool, "libdeflate", LIBDEFLATE_VERSION_STRING);
}
