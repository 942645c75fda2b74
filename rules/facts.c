#include "rules/facts.h"

void run_checks(const struct facts *f, struct observations *o) {
#define CHECK(name, why) check_##name(f, o);
#include "rules/checks.def"
#undef CHECK
}
