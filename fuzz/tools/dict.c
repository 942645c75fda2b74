/* Writes an AFL++ dictionary out of the tables: `dict pickle`, `zip`, `formats`, `json` or `arch`. What is
 * composed by hand stands in fuzz/dict/. */
#include <stdio.h>

#include "base/span.h"

enum { LONGEST = 128 }; /* AFL++ takes no longer ones */

static void token(const char *bytes, size_t n) {
  if (n == 0 || n > LONGEST) return;
  putchar('"');
  for (size_t i = 0; i < n; i++) printf("\\x%02x", (unsigned)(uint8_t)bytes[i]);
  puts("\"");
}

static void words(const char *before, const char *text, const char *behind) {
  char all[LONGEST + 1];
  int n = snprintf(all, sizeof all, "%s%s%s", before, text, behind);
  if (n > 0 && (size_t)n < sizeof all) token(all, (size_t)n);
}

/* Each opcode with an argument of its form: small numbers, short texts. */
static void opcodes(void) {
  enum { ARG_NONE = 0, ARG_U1 = 1, ARG_U2 = 2, ARG_U4 = 4, ARG_I4 = 4, ARG_U8 = 8, ARG_F8 = 8 };
  enum { ARG_L1 = 2, ARG_L4 = 5, ARG_L8 = 9, ARG_L4S = 5, ARG_LINE = 10, ARG_LINES = 11 };
  static const struct {
    unsigned byte;
    int argument;
  } table[] = {
#define OP(byte, name, protocol, argument, takes, below, gives, weights_only, handler) {byte, argument},
#include "base/opcodes.def"
#undef OP
  };
  for (size_t i = 0; i < ARRAY_LEN(table); i++) {
    char text[16] = {(char)table[i].byte, 1};
    if (table[i].argument == ARG_LINE) memcpy(text + 1, "1\n", 2);
    if (table[i].argument == ARG_LINES) memcpy(text + 1, "a\nb\n", 4);
    size_t n = table[i].argument == ARG_LINE    ? 3
               : table[i].argument == ARG_LINES ? 5
                                                : 1 + (size_t)table[i].argument;
    token(text, n);
  }
}

/* GLOBAL and what STACK_GLOBAL needs of the names that are built or kept. */
static void globals(void) {
  static const char *const names[][2] = {
#define GLOBAL(module, name, cls, builder, why)        {module, name},
#define CORE(module, name, builder, since, why)        {module, name},
#define ONCE(module, name, builder, since, until, why) {module, name},
#include "rules/globals/numpy.def"
#include "rules/globals/python.def"
#include "rules/globals/torch.def"
#undef GLOBAL
#undef CORE
#undef ONCE
  };
  for (size_t i = 0; i < ARRAY_LEN(names); i++) {
    char all[LONGEST + 1];
    int n = snprintf(all, sizeof all, "c%s\n%s\n", names[i][0], names[i][1]);
    if (n > 0 && (size_t)n < sizeof all) token(all, (size_t)n);
  }
}

static void pickle(void) {
  opcodes();
  globals();
}

static void zip(void) {
#define RECORD(name, needed, most, check, why) words("archive/", name, "");
#include "container/records.def"
#undef RECORD
}

static void formats(void) {
#define SIGNATURE(kind, family, at, bytes, also) token(bytes, sizeof(bytes) - 1);
#include "container/signatures.def"
#undef SIGNATURE
#define DTYPE(name, bits, torch) words("\"dtype\":\"", name, "\"");
#include "container/safetensors.def"
#undef DTYPE
#define TYPE(number, dtype, elements, bytes) token((const char[]){number, 0, 0, 0}, 4);
#include "container/gguf.def"
#undef TYPE
}

static void json(void) {
  static const char *const texts[] = {"{",
                                      "}",
                                      "[",
                                      "]",
                                      ":",
                                      ",",
                                      "null",
                                      "true",
                                      "false",
                                      "\"\"",
                                      "1e308",
                                      "-0.0",
                                      "9007199254740993",
                                      "\\u0000",
                                      "\\ud800",
                                      "\\udc00",
                                      "\"lock\":1",
                                      "\"tensors\":{}",
                                      "\"dtype\":\"float32\"",
                                      "\"shape\":[2,3]",
                                      "\"sha256\":null",
                                      "\"policy\":1",
                                      "\"allow\":{}",
                                      "\"files\":[]",
                                      "\"path\"",
                                      "\"size\":0",
                                      "\"weight_map\":{}"};
  for (size_t i = 0; i < ARRAY_LEN(texts); i++) words("", texts[i], "");
}

static void arch(void) {
  static const char *const keys[] = {"arch",    "name",    "config",  "modules", "let",    "blocks",
                                     "forward", "roots",   "inputs",  "outputs", "tests",  "checkpoint",
                                     "ties",    "checks",  "presets", "rename",  "ignore", "match",
                                     "expect",  "symbols", "dtype",   "finite"};
  for (size_t i = 0; i < ARRAY_LEN(keys); i++) words("\"", keys[i], "\":");
#define TOKEN(id, text) words("", text, "");
#include "arch/tokens.def"
#undef TOKEN
#define BUILTIN(name, least, most) words("", #name, "(1)");
#include "arch/builtins.def"
#undef BUILTIN
#define MODULE(name, constructor, state) words("", #name, "(2, 2)");
#include "arch/types.def"
#undef MODULE
#define OP(id, ...)     words("", #id, "(x)");
#define ALIAS(name, id) words("", #name, "(x)");
#define MODULE(...)
#define SHARES(id)
#include "forward/ops.def"
#define FUNCTION(name, parameters, statements) words("", #name, "(x)");
#include "forward/composed.def"
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*write)(void);
  } all[] = {{"pickle", pickle}, {"zip", zip}, {"formats", formats}, {"json", json}, {"arch", arch}};
  for (size_t i = 0; argc == 2 && i < ARRAY_LEN(all); i++)
    if (strcmp(argv[1], all[i].name) == 0) {
      all[i].write();
      return 0;
    }
  fputs("usage: dict pickle|zip|formats|json|arch\n", stderr);
  return 4;
}
