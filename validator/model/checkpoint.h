/* What a checkpoint means: the calls of its pickle program, read as tensors, dicts and records while they
 * happen. build.c dispatches a call to the builder that the list of globals names; build_*.c check typed
 * arguments and make facts; load.c runs the programs of a container in a loader's order; emit.c writes the
 * plan. */
#ifndef CKPTLINT_MODEL_CHECKPOINT_H
#define CKPTLINT_MODEL_CHECKPOINT_H

#include "base/hash.h"
#include "container/container.h"
#include "model/plan.h"
#include "model/policy.h"
#include "pickle/machine.h"
#include "tensor/contents.h"
#include "tensor/stats.h"

/* What an object of the program is. object.tag is the index of its row in checkpoint.built. */
enum built_kind {
  BUILT_NOTHING,
  BUILT_REFUSED, /* a call that was not understood or not allowed */
  BUILT_RECORD,  /* class name, state and items as plain data */
  BUILT_DICT,
  BUILT_LIST,
  BUILT_SET,
  BUILT_BYTES, /* index: the val_id of a BYTES value made here */
  BUILT_COMPLEX,
  BUILT_SIZE,
  BUILT_DEVICE,
  BUILT_LAYOUT,
  BUILT_UNREAD,    /* a tensor or storage that this version does not read (observed): kept as data */
  BUILT_TENSOR,    /* index: row of checkpoint.tensors */
  BUILT_NP_DTYPE,  /* index: row of checkpoint.np_dtypes */
  BUILT_NP_ARRAY,  /* index: 1 + row of checkpoint.np_arrays; 0: nothing filled it */
  BUILT_STORAGE,   /* index: 1-based storage, of a checkpoint inside bytes */
  BUILT_PROGRAM,   /* index: of checkpoint.programs, whose value it is */
  BUILT_NP_SCALAR, /* index: the val_id of its BYTES; its dtype is the first argument */
};

struct built {
  uint8_t kind;
  bool metadata; /* DICT: it has the attribute _metadata, which Module.state_dict() sets (format-spec D.7) */
  uint32_t index;
  const struct global_row *row; /* of the callee, or NULL */
};

struct np_dtype {
  char kind;     /* 'f' 'i' 'u' 'b' 'c' 'S' 'U' 'V' 'O' 'M' 'm' */
  uint32_t size; /* bytes of an item */
  bool big_endian;
  bool plain;          /* a number, or a time */
  bool fixed;          /* `size` bytes that hold no pointer: an array of it can be proved */
  bool objects;        /* it is an object, or a record that has one */
  bool sized_by_state; /* numpy.record: elsize of its state is its size */
  bool used;           /* by an array or a scalar: its state may not change any more */
};

/* An array that is a value: its data are as many bytes, or a list of as many objects, as its shape says. */
struct np_array {
  val_id shape, data;
  uint32_t dtype; /* row of checkpoint.np_dtypes */
  bool fortran_order;
};

struct storage_fact {
  struct span key, location;
  uint64_t at; /* offset of the first byte in the member */
  uint64_t numel, bytes;
  uint32_t member;      /* 1-based; 0: no bytes in the file */
  uint32_t users;       /* tensors */
  uint32_t view;        /* legacy: 1-based in checkpoint.views; 0 for roots */
  uint32_t declared_at; /* offset of the first persistent id */
  enum dtype dtype;
  bool untyped; /* numel counts bytes */
  bool big_endian;
};

/* Of a legacy storage that is a view: its at and numel lie inside the root of the same key. */
struct view_fact {
  struct span key; /* torch keeps it among the keys of the roots */
  uint32_t root;   /* 1-based storage */
};

struct tensor_fact {
  uint32_t storage;   /* 1-based; 0: none */
  uint32_t base;      /* the tensor that this one is another name of (a Parameter's data), or itself */
  uint32_t first_dim; /* in checkpoint.dims: sizes, then strides */
  uint32_t at;
  uint8_t dtype, ndim;
  uint8_t flags; /* enum plan_tensor_flags */
  union {
    uint32_t sparse; /* PLAN_SPARSE: 1-based in checkpoint.sparse; else 0 … */
    val_id
        quantizer; /* … but for PLAN_QUANTIZED: (scheme, scale, zero point), with an axis behind channels */
  };
  uint64_t offset, numel, extent;
};

enum { MAX_PARTS = 3 };

/* A tensor in parts, which are values of the program and rows of their own. */
struct sparse_fact {
  uint8_t layout; /* enum plan_layout */
  uint8_t num_parts;
  val_id part[MAX_PARTS];
  uint64_t nnz;
};

enum contents_kind { CONTENTS_COO, CONTENTS_COMPRESSED, CONTENTS_NESTED, CONTENTS_SCALES, CONTENTS_ZEROS };

/* What a call claims of the numbers inside its tensors (tensor/contents.h): proved when bytes are read. */
struct contents_fact {
  uint8_t kind; /* enum contents_kind */
  bool is_coalesced;
  uint32_t part[MAX_PARTS]; /* tensor facts */
  const char *name[MAX_PARTS];
  uint32_t first_dim;  /* COO: the sizes of its sparse dimensions */
  uint32_t member, at; /* the call */
  enum dtype dtype;    /* NESTED: of the buffer */
  uint64_t limit;      /* COMPRESSED: plain indices lie below; NESTED: elements of the buffer */
  int64_t low, high;   /* ZEROS */
};

/* What a persistent id of a program looks like, and names (format-spec D.1). */
enum ids {
  IDS_ZIP,     /* ('storage', class, key, location, numel) */
  IDS_PACKAGE, /* the same, the key an int; ('reduce_package', number, function, arguments) */
  IDS_SCRIPT,  /* of TorchScript in a package: as in a zip, the key the name of the record */
  IDS_LEGACY,  /* the same with view_metadata behind; ('module', class, source_file, source) */
  IDS_TAR,     /* the key of a tensor or a storage, in digits; (class, source_file, source) */
};

/* A pickle that was run, and what it made. */
struct program {
  struct machine machine; /* values may be read even if the program failed */
  struct span bytes;      /* what it runs: the private copy */
  enum ids ids;
};

/* What a loader gets from a container: one root of a program is the whole tree, and where there are more,
 * each is an entry of a dict at the top. ROOT_EMPTY: that dict has no entries. */
enum root_kind { ROOT_PROGRAM, ROOT_TENSOR, ROOT_TEXT, ROOT_EMPTY };
struct root {
  uint8_t kind;
  struct span
      group;        /* the dict in the dict that it belongs to: those of one group stand together; or empty */
  struct span key;  /* empty: the value itself is the tree, if nothing else is there */
  struct span text; /* of ROOT_TEXT */
  uint32_t index;   /* of its program or tensor */
};

/* The storages of one loader: what their keys name. */
struct storage_names {
  VEC(uint32_t) root_storages; /* 1-based, no views, in order of their first use */
  VEC(uint32_t) by_number;     /* keys 0, 1, 2 …: their root, 0 if there is none yet */
  struct hash_index by_key;    /* all other keys: entry i is hashed[i - 1] */
  VEC(uint32_t) hashed;        /* storages, views too */
  struct span records;         /* before the keys of storages: "data/" */
  uint32_t next_record;        /* member behind the last record that was found */
};

/* What the keys of a tar file's tables name: storages and tensors have them in common. */
struct tar_key {
  struct span key;
  uint32_t tag; /* as of a persistent id */
  bool used;    /* an id named it */
};

/* persid.tag: a storage (1-based), or with this bit the index of a row of tensors; 0: neither. */
#define PERSID_TENSOR UINT32_C(0x80000000)

struct checkpoint {
  struct arena *arena;
  struct observations *obs;
  const struct limits *max;
  struct container *container;
  struct global_policy policy;
  VEC(struct program *) programs; /* in the order in which a loader runs them */
  VEC(struct root) roots;         /* of the tree */
  bool unread;                    /* something that a loader reads was not: the plan is not complete */
  enum ids ids;                   /* of the program that runs */
  bool raw_arrays;                /* joblib.load may read the program: arrays stand behind their stand-ins */
  bool ambiguous;                 /* bytes of such an array could be opcodes to another unpickler */
  bool big_endian;                /* byteorder record, or sys_info */
  uint32_t member;                /* 1-based: whose program runs */
  VEC(const struct global_row *) rows; /* global.tag is the index; NULL for names on no list */
  VEC(struct built) built;
  VEC(struct storage_fact) storages;
  VEC(struct view_fact) views;
  VEC(struct tensor_fact) tensors;
  VEC(struct sparse_fact) sparse;
  VEC(struct contents_fact) contents;
  VEC(uint64_t) dims;
  VEC(struct np_dtype) np_dtypes;
  VEC(struct np_array) np_arrays;
  struct storage_names names;
  struct {
    VEC(struct tar_key) list;
    struct hash_index index; /* entry i + 1 is key i */
  } tar_keys;
  struct {
    uint32_t n;           /* functions that the programs keep as values */
    uint32_t round;       /* of the walk that looks for them */
    VEC(uint32_t) rounds; /* the last that visited a value */
    VEC(val_id) todo;
  } kept;
  uint32_t nesting;      /* checkpoints inside bytes that are open */
  struct span judged[8]; /* bytes of which judge_bytes said what they call: the last ones */
  uint32_t num_judged;
  uint64_t hash_seed[2]; /* set between checkpoint_init and checkpoint_load */
  uint32_t num_refused;  /* calls that are findings of effect unsafe */
  uint32_t refused_at;   /* the first of them */
  uint64_t num_ops;
  uint64_t steps; /* of limits.call_steps */
};

/* Is the program that runs one of TorchScript, whose classes and attributes are none of Python's? */
static inline bool runs_script(const struct checkpoint *cp) {
  return cp->container->kind == CONTAINER_TORCHSCRIPT || cp->ids == IDS_SCRIPT;
}

void checkpoint_init(struct checkpoint *cp, struct arena *a, struct observations *o, const struct limits *max,
                     struct container *c, const struct global_policy *policy);

/* Runs every program of the container in the order a loader reads them. Observes; never fails as a whole. */
void checkpoint_load(struct checkpoint *cp);
/* Instead: reports what a loader would call of a file of which only the beginning is there. */
void judge_beginning(struct checkpoint *cp);
/* Everything that a loader would read was read to its end. */
bool checkpoint_is_read(const struct checkpoint *cp);
/* Whose values are looked at next, once the programs have run. */
void checkpoint_enter(struct checkpoint *cp, const struct program *p);

/* Proves what is claimed of the contents of tensors. `read` finds the bytes of a tensor fact: false when
 * there are none that may be read, which is not checked then. Looks at `budget` numbers at most (observed).
 */
typedef bool read_numbers_fn(void *ctx, uint32_t tensor, struct numbers *out);
void prove_contents(struct checkpoint *cp, read_numbers_fn *read, void *ctx, uint64_t budget);

/* The hooks for a machine that serves this model. */
struct machine_hooks checkpoint_hooks(struct checkpoint *cp);

/* ---- between the files of this folder ---- */
/* load_*.c: the programs of one kind of container. */
void load_legacy(struct checkpoint *cp);
/* A legacy stream inside bytes of a program: the number of the program of its object. False (observed):
 * torch.load fails. */
NODISCARD bool load_nested(struct checkpoint *cp, const struct spelled *stream, uint32_t *program);
void load_package(struct checkpoint *cp);
void load_safetensors(struct checkpoint *cp);
void load_gguf(struct checkpoint *cp);
void load_npy(struct checkpoint *cp);
void load_npz(struct checkpoint *cp);
void load_pickles(struct checkpoint *cp);
void load_pt2(struct checkpoint *cp);
void load_tar(struct checkpoint *cp);
/* offsets.c: do the storages of a torch zip lie where a loader that maps the file takes them? */
void check_mapped(struct checkpoint *cp);
void load_torchscript(struct checkpoint *cp);
/* Keys of storages begin anew: those of the next program are names of records under `records`. */
void storages_begin(struct checkpoint *cp, struct span records);
/* The same as run_program, of a pickle whose value is no part of the tree. */
struct program *run_aside(struct checkpoint *cp, uint32_t member, struct span bytes);
/* The program of a member of an archive, whose value is the tree or, aside, no part of it. */
void load_member(struct checkpoint *cp, struct member *rec, bool aside);
/* What a member is by its beginning, for which a packed one is unpacked. One that can't be unpacked counts as
 * a pickle, so that its reader says why; one that is encrypted or of an unknown method as unknown. */
enum container_kind member_kind(const struct checkpoint *cp, const struct member *m);
/* A member that no loader of this container reads, and that is a pickle, is judged: others may read it.
 * Answers whether it has an inside of its own that is not judged here, which note_inside observes, once for
 * all. */
bool judge_stray(struct checkpoint *cp, const struct member *m);
void judge_strays(struct checkpoint *cp); /* all members that were not read, with note_inside */
void note_inside(struct checkpoint *cp);
/* Bytes behind the STOP of a program that is alone in its member are observed. */
void note_rest(struct checkpoint *cp, const struct program *p, uint32_t member);
/* Runs a pickle with the hooks of the model and keeps it: its value becomes the root of that key. NULL: the
 * budget is spent (observed). program->machine.stopped: it came to its end; what it refused before an error
 * is observed. Bytes behind its STOP are the caller's business. */
struct program *run_program(struct checkpoint *cp, struct span key, uint32_t member, struct span bytes);
/* A pickle that ought to be no more than numbers, names and tags: run in `a` without hooks, kept nowhere.
 * False: it is more, or odd, and nothing was said of it: run_aside is to judge it, as a loader runs it. */
bool run_small(struct checkpoint *cp, struct arena *a, struct machine *m, struct span bytes);
/* A class of torch's, by its exact name: to import it runs nothing of the file's. */
bool is_class_tag(const struct checkpoint *cp, const struct global *g);
/* Reports what a loader would call of a program of that member, `base` bytes into it, that is not read
 * otherwise; keeps nothing. Answers where it ended, 0 if it did not. */
uint64_t judge_program(struct checkpoint *cp, uint32_t member, uint64_t base, struct span bytes);
/* The same of the pickles in a row that stand there, if any do: a loop that unpickles reads on. */
void judge_rest(struct checkpoint *cp, uint32_t member, uint64_t at, struct span rest);
bool begins_pickle(struct span bytes); /* would an unpickler begin to read it? */
/* aside_locals.c: the same of all that stands behind local headers, where readers of zips see different
 * files. */
void judge_locals(struct checkpoint *cp);
/* aside_tail.c: the same of a file of any kind that stands behind the end of a member, or of one, at this
 * place; and behind the end that was observed of this one. */
void judge_tail(struct checkpoint *cp, uint32_t member, uint64_t at, struct span rest);
void judge_tails(struct checkpoint *cp);
void note_load(struct checkpoint *cp, enum obs_kind kind, uint32_t member, uint64_t at, uint64_t got,
               uint64_t want);
/* A section of a file without a table of contents, as a member that is used. NULL: the limit of members. */
struct member *load_section(struct checkpoint *cp, struct span name, uint64_t at, uint64_t len);
/* How long it is, once that is known. */
void load_section_end(struct checkpoint *cp, uint32_t number, uint64_t len);
/* A private copy of n bytes of the file; false (observed) when they are too many. */
bool load_copy(struct checkpoint *cp, uint64_t at, size_t n, struct span *out);
/* Where `count` pickles in a row end, by their own lengths, from the start of `bytes`. */
size_t pickles_extent(struct arena *scratch, const struct limits *max, struct span bytes, uint32_t count);
/* A root that is no program's value. False: the budget is spent. */
bool add_root(struct checkpoint *cp, const struct root *root);

/* tensors.c: more than limits.tensors of a table that counts by it; answers false. */
bool refuse_tensors(struct checkpoint *cp, uint32_t n, uint32_t at);
/* A new row, as it is, or of a proved tensor with its sizes and strides, which is one more user of
 * its storage. 1 + its index; 0 (observed): a limit. */
uint32_t tensor_row(struct checkpoint *cp, const struct tensor_fact *t);
uint32_t tensor_add(struct checkpoint *cp, struct tensor_fact t, const int64_t *sizes,
                    const int64_t *strides);

/* The row of an object, and of a value that is an object (NULL otherwise). */
const struct built *built_of(const struct checkpoint *cp, const struct machine *m, val_id v);
uint32_t built_new(struct checkpoint *cp, enum built_kind kind, uint32_t index, const struct global_row *row);
/* "module.name" as Python 3 has it, of each as much as a report has use for; in the arena. */
struct span global_name(struct arena *a, const struct global *g);
/* The row of a global, and of a value that is one (NULL otherwise, and for names on no list). */
const struct global_row *row_of_global(const struct checkpoint *cp, const struct global *g);
const struct global_row *row_of(const struct checkpoint *cp, const struct machine *m, val_id v);

/* A persistent id: the tag of what it names, or 0 (observed, unless it is a class). */
uint32_t storage_of_persid(struct checkpoint *cp, struct machine *m, uint32_t persid_index);
uint32_t tar_persid(struct checkpoint *cp, struct machine *m, uint32_t persid_index);
/* The storage (1-based), or 0. */
static inline uint32_t persid_storage(const struct persid *p) { return p->tag & PERSID_TENSOR ? 0 : p->tag; }
static inline bool persid_is_tensor(const struct persid *p) { return p->tag & PERSID_TENSOR; }

/* A key of the tables, which holds until the next is added, or NULL; and one more. False: the budget is
 * spent. */
struct tar_key *tar_key_find(const struct checkpoint *cp, struct span key);
NODISCARD bool tar_key_add(struct checkpoint *cp, const struct tar_key *key);
/* May a storage be at such a place? False (observed): its name is longer than any device's. */
NODISCARD bool storage_place(struct checkpoint *cp, const struct storage_fact *s);

/* Was it made by copyreg._reconstructor(class, base, state)? Or by _rebuild_from_type_v2(function, class,
 * args, state)? */
bool is_reconstructed(const struct checkpoint *cp, const struct machine *m, const struct object *o);
bool is_typed(const struct checkpoint *cp, const struct machine *m, const struct object *o);
/* Of such an object the class, else 0. */
val_id given_class(const struct checkpoint *cp, const struct machine *m, const struct object *o);
/* Of functools.reduce(operator.or_, …), a union of types, that function, else 0. */
val_id union_operator(const struct checkpoint *cp, const struct machine *m, const struct object *o);

/* Is it a function that a program may call, in forms that were judged, but not keep: whatever is given it as
 * a value might call it with something else? torch's own that every loader takes are none. */
bool is_for_calls(const struct global_row *row);
/* uses.c: a set of plan_global_uses for each global of the machine, in the arena; NULL: the budget is spent.
 */
uint32_t *global_uses(const struct checkpoint *cp, const struct machine *m);
/* What is to be said of a name that is refused wherever it stands, if no call of it was; else OBS_NONE.
 * `uses` are its own. */
enum obs_kind global_refused(const struct global *g, const struct global_row *row, uint32_t uses);
/* The numpy dtypes that get a state, each once: "f8 U". In the arena. */
struct span numpy_codes(const struct checkpoint *cp, const struct machine *m);

/* The dtype that an object is, or NULL; and for a use of it, behind which it may not change. */
const struct np_dtype *np_dtype_of(const struct checkpoint *cp, const struct machine *m, val_id v);
const struct np_dtype *use_np_dtype(struct checkpoint *cp, const struct machine *m, val_id v);

/* The class that a persistent id stands for, as it does in whole modules: a GLOBAL. 0: it names none. torch
 * only compares the source with the installed one, and never runs it. */
val_id class_of_id(const struct checkpoint *cp, const struct machine *m, val_id id);

/* A value in Python's notation, for messages, at most DESCRIBE_MAX bytes; what it holds is left out.
 * Untrusted bytes inside. */
enum { DESCRIBE_MAX = 240 };
struct span describe_value(const struct machine *m, val_id v, char out[DESCRIBE_MAX]);

/* ---- the plan ---- */
/* What of the programs themselves goes into the plan; a set. */
enum program_views { WITH_INSNS = 1, WITH_LINES = 2 };
/* Members, globals, storages, dims, values, tensors and stats, in that order; `stats` has one row a tensor
 * fact and may be NULL (quick depth). Then dicts and entries (state_dict.c), disassembly (emit_insns.c) and
 * decompiled lines (emit_lines.c). False (observed): not all of it is there. */
bool plan_emit(struct checkpoint *cp, struct plan_writer *w, const struct tensor_stats *stats,
               unsigned program_views);

/* A tensor row to be: rows stand behind the values, which must all be written first. */
struct tensor_path {
  uint32_t fact, value;
  struct plan_text key;
};
struct tensor_paths {
  struct block b; /* as VEC */
  struct tensor_path *p;
  uint32_t n;
};
/* False: not all of it could be written. */
bool plan_emit_values(struct checkpoint *cp, struct plan_writer *w, struct tensor_paths *tensors);
bool plan_emit_dicts(struct checkpoint *cp, struct plan_writer *w);
void plan_emit_insns(struct checkpoint *cp, struct plan_writer *w);
void plan_emit_lines(struct checkpoint *cp, struct plan_writer *w);

/* "indices", "crow_indices", "values" …: as torch names the parts of a sparse tensor. */
const char *sparse_part_name(enum plan_layout layout, uint32_t i);

/* tensor_parts.c: the values that make a tensor besides its own bytes: the parts of a sparse one, the
 * quantiser of a quantised one. */
uint32_t tensor_num_parts(const struct checkpoint *cp, const struct machine *m, const struct tensor_fact *t);
val_id tensor_part(const struct checkpoint *cp, const struct machine *m, const struct tensor_fact *t,
                   uint32_t i, struct span *name);

/* Integers, lowest byte first, two's complement if signed. */
enum { INTEGER_TEXT = 80 };
/* False: it does not fit. */
NODISCARD bool integer_of(struct span bytes, bool is_signed, int64_t *out);
/* Decimal up to 16 bytes; longer ones as hexadecimal digits, of which the first are shown. */
struct span integer_text(struct span bytes, bool is_signed, char out[INTEGER_TEXT]);

/* The class that a value names, or the callee of a call: a GLOBAL, also behind a legacy ('module', class, …)
 * id. 0 if it is neither. */
val_id named_class(const struct checkpoint *cp, const struct machine *m, val_id v);
val_id callee_global(const struct checkpoint *cp, const struct machine *m, const struct object *o);

#endif
