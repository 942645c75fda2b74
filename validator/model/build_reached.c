/* Functions that a program reaches by a call, where others name them, and of which it is plain what they are:
 * the constructor of zoneinfo's time zones, numpy's own as dill writes them, and what makes a batch of
 * PyTorch Geometric. What reaches anything else is refused (build_indirect.c). */
#include "model/call.h"

static bool is_dill(const struct global_row *row, const char *name) {
  return row && strcmp(row->module, "dill._dill") == 0 && strcmp(row->name, name) == 0;
}

/* numpy's functions that make arrays and scalars; a loader has imported their modules for the dtype anyway.
 */
static const struct global_row *numpy_function(const struct checkpoint *cp, struct span module,
                                               struct span name) {
  bool numpy = span_starts(module, SPAN("numpy.core.")) || span_starts(module, SPAN("numpy._core."));
  const struct global_row *row = numpy ? cp->policy.lookup(cp->policy.ctx, module, name) : NULL;
  bool makes = row && (row->builder == BUILD_NP_SCALAR || row->builder == BUILD_NP_RECONSTRUCT ||
                       row->builder == BUILD_NP_FROMBUFFER);
  return makes ? row : NULL;
}

/* Of _get_attr(_import_module('numpy.core.multiarray'), 'scalar'), which is how dill's save_builtin_method
 * (dill/_dill.py) writes a function of C. NULL: of another. */
static const struct global_row *dill_function(const struct checkpoint *cp, const struct machine *m,
                                              val_id owner, struct span name) {
  const struct built *b = built_of(cp, m, owner);
  if (!b || !is_attribute(b) || !is_dill(b->row, "_import_module")) return NULL;
  return numpy_function(cp, value_bytes(m, value_item(m, value_object(m, owner)->args, 0)), name);
}

bool is_dill_form(const struct call *c) {
  bool called = value_object(c->m, c->object)->origin == BY_REDUCE && kind_of(c->m, c->args) == VAL_TUPLE;
  if (!called) return false;
  if (is_dill(c->row, "_import_module"))
    return c->n == 1 && call_is_str(c, 0) &&
           (numpy_function(c->cp, call_bytes(c, 0), SPAN("scalar")) ||
            numpy_function(c->cp, call_bytes(c, 0), SPAN("_frombuffer")));
  return is_dill(c->row, "_get_attr") && c->n == 2 && call_is_str(c, 1) &&
         dill_function(c->cp, c->m, call_arg(c, 0), call_bytes(c, 1));
}

bool is_dill_function(const struct built *b) {
  return is_attribute(b) && (is_dill(b->row, "_get_attr") || is_dill(b->row, "_import_module"));
}

const struct global_row *reached_row(const struct checkpoint *cp, const struct machine *m, val_id callee) {
  const struct built *b = built_of(cp, m, callee);
  if (b && b->kind == BUILT_RECORD && b->row && b->row->builder == BUILD_GRAPH_BATCH) return b->row;
  if (!b || !is_attribute(b)) return NULL;
  val_id args = value_object(m, callee)->args, owner = value_item(m, args, 0);
  struct span name = value_bytes(m, value_item(m, args, 1));
  if (is_dill(b->row, "_get_attr")) return dill_function(cp, m, owner, name);
  const struct global_row *cls = strcmp(b->row->name, "getattr") == 0 ? row_of(cp, m, owner) : NULL;
  return cls && cls->builder == BUILD_ZONE && span_is(name, "_unpickle") ? cls : NULL;
}

/* "Europe/Berlin": a name below the system's time zones, or those of the package tzdata, whose file is read.
 * zoneinfo takes no name that leads out of them (CPython: Lib/zoneinfo/_tzpath.py); here none has a dot at
 * all. */
bool is_zone_name(struct span key) {
  enum { LONGEST = 64 };
  for (size_t i = 0; i < key.n; i++) {
    uint8_t byte = key.p[i];
    bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    if (!letter && !is_digit(byte) && byte != '/' && byte != '_' && byte != '+' && byte != '-') return false;
  }
  return key.n > 0 && key.n <= LONGEST && key.p[0] != '/';
}

/* ZoneInfo._unpickle(key, from the cache). */
uint32_t build_ZONE(const struct call *c) {
  bool fine = (c->n == 1 || c->n == 2) && call_is_str(c, 0) && is_zone_name(call_bytes(c, 0)) &&
              (c->n == 1 || call_kind(c, 1) == VAL_BOOL || call_kind(c, 1) == VAL_INT);
  return fine ? call_built(c, BUILT_RECORD, 0) : refuse_arguments(c, "not the name of a time zone");
}

static bool names_class(const struct call *c, uint32_t i, const char *module, const char *name) {
  const struct global *g = value_global(c->m, call_arg(c, i));
  return g && span_is(g->mapped_module, module) && span_is(g->mapped_name, name);
}

/* DynamicInheritanceGetter()(Batch, Data): Batch.__reduce__ gives the classes that the batch is of, which are
 * called without arguments (torch_geometric/data/batch.py). */
uint32_t build_GRAPH_BATCH(const struct call *c) {
  bool batch = names_class(c, 0, "torch_geometric.data.batch", "Batch") &&
               (names_class(c, 1, "torch_geometric.data.data", "Data") ||
                names_class(c, 1, "torch_geometric.data.hetero_data", "HeteroData") ||
                names_class(c, 1, "torch_geometric.data.temporal", "TemporalData"));
  if (c->n != 0 && (c->n != 2 || !batch))
    return refuse_arguments(c, "not Batch and a class of graphs, which it would call");
  return call_built(c, BUILT_RECORD, 0);
}

/* (_reconstruct, its arguments, the state, None): what others write as a call and a BUILD. */
uint32_t build_DILL_ARRAY(const struct call *c) {
  struct call inner = *c;
  inner.row = call_row(c, 0);
  inner.args = call_arg(c, 1);
  if ((c->n != 3 && c->n != 4) || !inner.row || inner.row->builder != BUILD_NP_RECONSTRUCT ||
      call_kind(c, 1) != VAL_TUPLE || (c->n == 4 && call_kind(c, 3) != VAL_NONE))
    return refuse_arguments(c, "not (_reconstruct, arguments, state, None)");
  inner.n = value_count(c->m, inner.args);
  uint32_t tag = build_NP_RECONSTRUCT(&inner);
  if (c->cp->built.p[tag].kind == BUILT_NP_ARRAY) fill_np_array(c->cp, c->m, tag, call_arg(c, 2), c->at);
  return tag;
}
