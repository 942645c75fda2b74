#include "arch/goldens.h"

#include "arch/spec_read.h"

bool goldens_like(struct span bytes) {
  size_t i = 0;
  while (i < bytes.n && (bytes.p[i] == ' ' || bytes.p[i] == '\n' || bytes.p[i] == '\r' || bytes.p[i] == '\t'))
    i++;
  return i < bytes.n && bytes.p[i] == '{';
}

static bool read_version(struct spec *sp, struct item it, void *into) {
  (void)into;
  int64_t version;
  return (json_int(it.json, &version) && version == 1) ||
         spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected 1, the version of goldens that is read here");
}

static bool read_tool(struct spec *sp, struct item it, void *into) {
  struct span *tool = &((struct goldens *)into)->tool;
  if (!spec_text(sp, it, tool)) return false;
  return tool->n || spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected the name of what recorded them");
}

static bool read_digest(struct spec *sp, struct item it, struct span *out) {
  if (!spec_text(sp, it, out)) return false;
  return (out->n == 64 && strspn(it.json->valuestring, "0123456789abcdef") == 64) ||
         spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected 64 lower-case hexadecimal digits");
}

static bool read_arch_digest(struct spec *sp, struct item it, void *into) {
  return read_digest(sp, it, &((struct goldens *)into)->arch_sha256);
}

static bool read_weights_digest(struct spec *sp, struct item it, void *into) {
  return read_digest(sp, it, &((struct goldens *)into)->weights_sha256);
}

/* For the reader; nothing is compared with them. */
static bool read_remark(struct spec *sp, struct item it, void *into) {
  (void)into;
  int64_t number;
  struct span text;
  return json_int(it.json, &number) || spec_text(sp, it, &text);
}

static bool read_arch(struct spec *sp, struct item it, void *into) {
  static const struct key_row rows[] = {{"name", read_remark, true}, {"sha256", read_arch_digest, true}};
  return spec_object(sp, it, rows, ARRAY_LEN(rows), into);
}

static bool read_weights(struct spec *sp, struct item it, void *into) {
  static const struct key_row rows[] = {{"path", read_remark, true},
                                        {"size", read_remark, true},
                                        {"sha256", read_remark, false},
                                        {"weights_sha256", read_weights_digest, true}};
  return spec_object(sp, it, rows, ARRAY_LEN(rows), into);
}

static bool read_recorded(struct spec *sp, struct item it, void *into) {
  (void)into;
  return read_tests(sp, it, sp->arch) &&
         (sp->arch->num_tests || spec_reject(sp, OBS_ARCH_VALUE, it.place, 0, "expected one test at least"));
}

bool goldens_parse(struct goldens *out, const struct arch *arch, struct text_file file, struct arena *a,
                   const struct limits *max, struct observations *o) {
  static const struct key_row rows[] = {{"goldens", read_version, true},    {"tool", read_tool, true},
                                        {"blas", read_remark, false},       {"arch", read_arch, true},
                                        {"checkpoint", read_weights, true}, {"tests", read_recorded, true}};
  *out = (struct goldens){.arch = *arch};
  out->arch.file = file;
  out->arch.num_tests = 0;
  struct spec sp = {.arch = &out->arch, .arena = a, .max = max, .o = o};
  return spec_parse(&sp) &&
         spec_object(&sp, (struct item){.json = out->arch.json}, rows, ARRAY_LEN(rows), out);
}
