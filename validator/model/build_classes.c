/* Classes that do more with their state than keep it: what a __setstate__, or a __setattr__, of theirs would
 * call or run is found here. Those that do nothing else are on the list of what is refused. */
#include "model/call.h"

static bool is_class(const struct global_row *row, const char *module, const char *name) {
  return row && strcmp(row->module, module) == 0 && strcmp(row->name, name) == 0;
}

/* DataFrameMapper.__setstate__ gives each of its features to _build_feature(columns, transformers, options,
 * X), which calls the columns with X (sklearn_pandas 2): lists of three at most, as it writes them. */
static bool calls_columns(struct checkpoint *cp, const struct machine *m, const struct global_row *row,
                          val_id state, uint32_t at) {
  if (!row || strcmp(row->module, "sklearn_pandas.dataframe_mapper") != 0) return false;
  val_id fields = state_fields(m, state);
  val_id features = dict_get(m, fields, "features");
  if (kind_of(m, features) != VAL_LIST) return true;
  if (!spend(cp, value_count(m, features), at)) return false;
  for (uint32_t i = 0; i < value_count(m, features); i++) {
    val_id one = value_item(m, features, i);
    if ((kind_of(m, one) != VAL_TUPLE && kind_of(m, one) != VAL_LIST) || value_count(m, one) > 3) return true;
  }
  return false;
}

/* FieldReference.get(), which comparing it, or setting it in a ConfigDict, comes to, calls each of _ops with
 * the value (ml_collections/config_dict/config_dict.py). Those that ml_collections makes are lambdas, which
 * no pickle has. */
static bool calls_ops(struct machine *m, const struct global_row *row, val_id state) {
  if (!is_class(row, "ml_collections.config_dict.config_dict", "FieldReference")) return false;
  val_id fields = state_fields(m, state);
  val_id ops = dict_get(m, fields, "_ops");
  machine_give(m, ops); /* none are added later */
  return kind_of(m, ops) != VAL_LIST || value_count(m, ops) > 0;
}

/* Of slots each is given to setattr: wandb's Config calls its _callback with it (wandb_config.py), a
 * configuration of transformers makes a list as long as num_labels says (configuration_utils.py). Neither has
 * any. */
static bool sets_slots(const struct machine *m, const struct global_row *row, val_id state) {
  struct span module = span_str(row ? row->module : "");
  bool computes = span_starts(module, SPAN("transformers.")) || span_starts(module, SPAN("wandb."));
  return computes && kind_of(m, state) == VAL_TUPLE;
}

/* Is it None or absent, or a number of at most `most`? */
static bool is_small(const struct machine *m, val_id fields, const char *name, int64_t most) {
  val_id v = dict_get(m, fields, name);
  return !v || kind_of(m, v) == VAL_NONE || is_int_within(m, v, 0, most);
}

/* Flair makes these anew, of the sizes in their state (flair/models/language_model.py,
 * flair/embeddings/document.py); those that it publishes are half as wide at most. A dictionary by name would
 * be a file. */
static bool is_too_large(struct checkpoint *cp, const struct machine *m, const struct global_row *row,
                         val_id state, uint32_t at) {
  enum { WIDEST = 8192, MOST_LAYERS = 8 };
  static const char *const widths[] = {"embedding_size", "hidden_size", "nout", "reproject_words_dimension"};
  bool language = is_class(row, "flair.models.language_model", "LanguageModel");
  if (!language && !is_class(row, "flair.embeddings.document", "DocumentRNNEmbeddings")) return false;
  if (kind_of(m, state) != VAL_DICT) return true;
  if (!spend(cp, 8 * (uint64_t)value_count(m, state), at)) return false;
  if (language && !dict_get(m, state, "state_dict")) return false;
  bool fine = is_small(m, state, "nlayers", MOST_LAYERS) && is_small(m, state, "rnn_layers", MOST_LAYERS);
  for (size_t i = 0; i < ARRAY_LEN(widths); i++) fine = fine && is_small(m, state, widths[i], WIDEST);
  return !fine || value_is_string(m, dict_get(m, state, "dictionary"));
}

static bool is_graph_layer(const struct global_row *row) {
  return row && row->cls == GLOBAL_MODULE && span_starts(span_str(row->module), SPAN("torch_geometric."));
}

const char *class_wrong(struct checkpoint *cp, struct machine *m, const struct global_row *row, val_id state,
                        uint32_t at) {
  if (calls_columns(cp, m, row, state, at)) return "features whose columns its class would call";
  if (calls_ops(m, row, state)) return "operations that its class would call";
  if (sets_slots(m, row, state)) return "slots, which its class does not have and would compute with";
  if (is_too_large(cp, m, row, state, at)) return "sizes of a network that its class would make anew";
  if (is_graph_layer(row) && kind_of(m, state) != VAL_DICT) return "a state that is no dict";
  if (writes_python(cp, m, state_fields(m, state), at))
    return "an inspector of which PyTorch Geometric would write Python and run it (save the model's "
           "state_dict())";
  return NULL;
}

/* Would an attribute of this name and value be what a loader calls, or another class? */
static bool is_method(const struct call *c, val_id name, val_id value) {
  enum value_kind kind = kind_of(c->m, value);
  bool callable = kind == VAL_GLOBAL || kind == VAL_OBJECT;
  if (!value_is_string(c->m, name)) return callable && kind_of(c->m, name) == VAL_OBJECT; /* numpy's texts */
  return is_special(value_bytes(c->m, name)) && (callable || kind == VAL_DICT);
}

static bool items_are_methods(const struct call *c, val_id v) {
  const struct machine *m = c->m;
  uint32_t n = value_count(m, v), step = kind_of(m, v) == VAL_DICT ? 2 : 1;
  if (!spend(c->cp, n, c->at)) return false;
  for (uint32_t i = 0; i < n; i += step) {
    val_id item = value_item(m, v, i);
    bool pair = step == 1 && (kind_of(m, item) == VAL_TUPLE || kind_of(m, item) == VAL_LIST) &&
                value_count(m, item) == 2;
    if (step == 2 ? is_method(c, item, value_item(m, v, i + 1))
                  : pair && is_method(c, value_item(m, item, 0), value_item(m, item, 1)))
      return true;
  }
  return step == 2 && hides_method(c->cp, m, v, c->at);
}

static bool object_has_methods(const struct call *c, val_id v) {
  const struct object *o = value_object(c->m, v);
  if (!o) return false;
  uint32_t n = value_count(c->m, o->args);
  bool found = items_are_methods(c, o->items) || items_are_methods(c, o->appended);
  for (uint32_t i = 0; i < n && !found && spend(c->cp, 1, c->at); i++)
    found = items_are_methods(c, value_item(c->m, o->args, i));
  return found;
}

bool makes_methods(const struct call *c) {
  for (uint32_t i = 0; i < c->n; i++)
    if (items_are_methods(c, call_arg(c, i)) || object_has_methods(c, call_arg(c, i))) return true;
  return false;
}
