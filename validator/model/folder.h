/* A folder of weights as one model: shards with the index that maps keys to them (format-spec G.2), the same
 * weights in two formats, and one plan over all shards of the set that a loader would take.
 *
 * Every file was scanned on its own before: here only plans, file names and the JSON of indexes are looked
 * at. Runs in a sealed worker, since an index may come from the same stranger as the weights. */
#ifndef CKPTLINT_MODEL_FOLDER_H
#define CKPTLINT_MODEL_FOLDER_H

#include "base/json.h"
#include "model/plan.h"

#define FOLDER_NONE UINT32_MAX

/* A regular file of the folder, in the order of the names. */
struct folder_file {
  struct span name;        /* without the folder */
  struct span bytes;       /* the mapping */
  const struct plan *plan; /* opened; NULL: it was not read, or is no checkpoint */
  uint64_t base;           /* where its bytes begin in the one mapping of all files */
};

/* One file of a set. */
struct set_shard {
  struct span name; /* as the index has it; private */
  uint32_t file;    /* FOLDER_NONE: it is not there */
  uint32_t keys;    /* that the index puts there */
  bool outside;     /* no plain file name: never looked for */
};

/* Files that are the whole model together: those of an index, shards of one name without one, or one file. */
struct weight_set {
  struct span name; /* "model.safetensors" */
  uint32_t rank, family;
  uint32_t index;   /* file of the index, or FOLDER_NONE */
  cJSON *json;      /* of the index */
  const cJSON *map; /* its weight_map */
  VEC(struct set_shard) shards;
  VEC(uint32_t) shard_of_key; /* for each member of map: the index of its shard */
};
struct weight_sets {
  VEC(struct weight_set) list;
};

struct folder {
  const struct folder_file *files;
  uint32_t num_files;
  const struct limits *max;
  struct arena *arena;
  struct observations *obs; /* observation.member: 1 + number of the file */
  uint64_t hash_seed[2];
  struct weight_sets sets; /* of folder_read; observations borrow from their indexes */
};

/* Observes where indexes, shards and formats disagree, and writes the plan of the weights that are loaded:
 * one state dict, tensors of all shards, members called SHARD!MEMBER at their place in the one mapping; `dcp`
 * (may be NULL) is a distributed checkpoint that is there, its slices scanned.
 * False: that plan is not whole (a shard that was not read to its end, a limit; observed here or by its
 * scan). */
struct dcp;
NODISCARD bool folder_read(struct folder *f, struct dcp *dcp, struct plan_writer *w);
/* folder_code.c: observes the Python code that the configurations of the folder name. */
void folder_code(struct folder *f);
/* When the observations were sent. */
void folder_close(struct folder *f);

/* ---- names (folder_names.c) ---- */

/* What stands behind the last slash of a path. */
struct span folder_file_name(struct span path);

/* "model-00002-of-00004.safetensors": of stem "model", ending ".safetensors". */
struct shard_name {
  struct span stem, ending;
  uint64_t number, count;
};
bool shard_name_read(struct span name, struct shard_name *out);
/* "model.safetensors": a name under which loaders look for all weights of a folder; a variant may stand in
 * front of the ending ("model.fp16.safetensors"). *rank: loaders take the lowest. *family: names of one
 * family are the same model in other formats. */
bool weights_name_read(struct span name, uint32_t *rank, uint32_t *family);
/* "adapter_model.safetensors": factors that PEFT adds to a model; adapter_config.json beside it names that
 * one. */
bool adapter_name_read(struct span name);
/* "model.safetensors.index.json": of "model.safetensors". A variant stands behind one of the two words:
 * "model.safetensors.index.fp16.json". */
struct index_name {
  struct span of, variant;
};
bool index_name_read(struct span name, struct index_name *out);
/* What its shards would be called if they were one file: "model.fp16.safetensors". Empty: the budget is
 * spent. */
struct span index_set_name(struct arena *a, const struct index_name *index);

/* ---- between the files of this folder ---- */

/* Observes that the budget is spent; answers false. */
NODISCARD bool folder_no_memory(struct folder *f);
/* A name that a loader joins with its folder and stays there. */
bool folder_plain_name(struct span name);
/* FOLDER_NONE: there is no such file. */
uint32_t folder_file_by_name(const struct folder *f, struct span name);

/* Every entry of a set's state dicts, found by name. */
struct set_key {
  struct span name;
  uint32_t file, entry; /* entry of the file's plan */
  bool listed;          /* the index puts it where it is */
};
struct set_keys {
  VEC(struct set_key) list;
  struct hash_index index;
};

/* The state dict of a file; NULL: there is none, or the file was not read to its end. */
const struct plan_dict *folder_dict(const struct folder *f, uint32_t file);
/* False: memory is spent. */
NODISCARD bool set_keys_read(struct folder *f, const struct weight_set *s, struct set_keys *out);
/* Fills f->sets. */
NODISCARD bool sets_find(struct folder *f);
/* The index against its shards. */
NODISCARD bool set_check(struct folder *f, const struct weight_set *s, struct set_keys *keys);
/* Two formats of one model, of which `first` is loaded. */
NODISCARD bool sets_compare(struct folder *f, const struct weight_set *first, const struct set_keys *keys,
                            const struct weight_set *other);

#endif
