/* What the model stage adds for `record` and for `forward --expect GOLDENS`: digests of the architecture file
 * and of the model's weights, by which a later run knows whether it computes with the same ones. */
#ifndef CKPTLINT_API_WORKER_RECORD_H
#define CKPTLINT_API_WORKER_RECORD_H

#include "api/worker_model.h"
#include "arch/goldens.h"

/* Before the seal: libcrypto, where digests will be needed. */
void record_prepare(const struct model_job *job);
/* The goldens among the files of --expect; false, observed, when they can't be used. out->tool.n 0: there are
 * none. */
NODISCARD bool record_goldens(const struct model_job *job, const struct arch *arch, struct goldens *out,
                              struct arena *a, struct observations *o);
/* The digests, for `record` and where there are goldens; and what these say of them. False: memory is spent.
 */
NODISCARD bool record_digests(const struct model_job *job, const struct model *model,
                              const struct match *match, const struct goldens *goldens,
                              struct result_writer *out, struct arena *a, struct observations *o);

#endif
