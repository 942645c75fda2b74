/* What the forward pass does with other sizes of the declared symbolic dimensions ("B" of float32[B, 10]):
 * the graph is built on shapes alone for three assignments. */
#ifndef CKPTLINT_FORWARD_SYMBOLIC_H
#define CKPTLINT_FORWARD_SYMBOLIC_H

#include "forward/forward.h"

/* Observes a pass that works with one batch size only, and the shapes of outputs that the architecture file
 * does not declare, in terms of the symbols. In memory of its own, and silent where that is spent or the pass
 * can't be built at all, which is told by the tests: what nobody asked for fails nothing. */
void forward_symbolic(const struct forward_request *r, struct arena *a, struct observations *o);

#endif
