/* Claims about the contents of tensors: made by calls, proved when the bytes are read. */
#include "model/call.h"

const char *sparse_part_name(enum plan_layout layout, uint32_t i) {
  static const char *const names[LAYOUT_COUNT][MAX_PARTS] = {
      [LAYOUT_COO] = {"indices", "values"},
      [LAYOUT_CSR] = {"crow_indices", "col_indices", "values"},
      [LAYOUT_CSC] = {"ccol_indices", "row_indices", "values"},
      [LAYOUT_BSR] = {"crow_indices", "col_indices", "values"},
      [LAYOUT_BSC] = {"ccol_indices", "row_indices", "values"}};
  return layout < LAYOUT_COUNT && i < MAX_PARTS && names[layout][i] ? names[layout][i] : "";
}

bool claim_contents(const struct call *c, const struct contents_fact *claim) {
  struct checkpoint *cp = c->cp;
  struct contents_fact *slot = vec_push(cp->arena, &cp->contents, cp->max->tensors);
  if (!slot) return refuse_tensors(cp, cp->contents.n, c->at);
  *slot = *claim;
  slot->member = cp->member;
  slot->at = c->at;
  return true;
}

static uint32_t num_read(const struct contents_fact *f) {
  static const uint8_t read[] = {[CONTENTS_COO] = 1,
                                 [CONTENTS_COMPRESSED] = 2,
                                 [CONTENTS_NESTED] = 3,
                                 [CONTENTS_SCALES] = 1,
                                 [CONTENTS_ZEROS] = 1};
  return read[f->kind];
}

static void prove(struct checkpoint *cp, const struct contents_fact *f,
                  const struct numbers part[MAX_PARTS]) {
  switch ((enum contents_kind)f->kind) {
  case CONTENTS_COO: coo_prove(&part[0], &cp->dims.p[f->first_dim], f->is_coalesced, cp->obs); return;
  case CONTENTS_COMPRESSED: compressed_prove(&part[0], &part[1], f->limit, cp->obs); return;
  case CONTENTS_NESTED: {
    const struct nested_claim claim = {part[0], part[1], part[2], f->dtype, f->limit, f->member, f->at};
    nested_prove(&claim, cp->obs);
    return;
  }
  case CONTENTS_SCALES: scales_prove(&part[0], cp->obs); return;
  case CONTENTS_ZEROS: zero_points_prove(&part[0], f->low, f->high, cp->obs); return;
  }
}

void prove_contents(struct checkpoint *cp, read_numbers_fn *read, void *ctx, uint64_t budget) {
  uint64_t unread = 0;
  for (uint32_t i = 0; i < cp->contents.n; i++) {
    const struct contents_fact *f = &cp->contents.p[i];
    struct numbers part[MAX_PARTS] = {0};
    uint64_t numbers = 0;
    bool all = true;
    for (uint32_t k = 0; k < num_read(f); k++) {
      part[k].subject = f->name[k];
      all = all && read(ctx, f->part[k], &part[k]) && try_add(numbers, part[k].view.numel, &numbers);
    }
    unread += !all;
    if (!all) continue;
    if (numbers > budget) {
      observe(cp->obs, (struct observation){
                           .kind = OBS_LIMIT_CONTENTS, .member = f->member, .at = f->at, .want = budget});
      return;
    }
    budget -= numbers;
    prove(cp, f, part);
  }
  if (unread) observe(cp->obs, (struct observation){.kind = OBS_CONTENTS_UNREAD, .got = unread});
}
