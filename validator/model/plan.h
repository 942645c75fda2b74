/* The plan: what a scan proved, as plain tables in one region of shared memory. It is the one meeting point:
 * inspect, check, forward, diff, describe and lock read it and nothing else of the scan.
 *
 * The sealed scan worker writes it; the broker maps the region before the fork, reads it only after the
 * worker's death, and plan_open re-checks every index, range and enumeration, so that readers trust the types
 * afterwards. Nothing in it is a pointer. Texts are (offset, length) in the region and hold untrusted bytes.
 *
 * Values stand in preorder: a value's subtree is the run [i, end). */
#ifndef CKPTLINT_MODEL_PLAN_H
#define CKPTLINT_MODEL_PLAN_H

#include "base/limits.h"
#include "base/observe.h"
#include "tensor/dtype.h"

struct plan_text {
  uint32_t at, n;
};

enum { PLAN_NO_STORAGE = 0 };

struct plan_member {
  struct plan_text name;
  uint64_t header_at, data_at, csize, size;
  uint32_t crc;
  uint16_t method;
  uint8_t crc_known, used;
  uint8_t spelling; /* enum spelling (struct member) */
};

/* What the program does with a global; a set. */
enum plan_global_uses {
  USED_CALLED = 1,    /* by REDUCE, NEWOBJ … */
  USED_INSTANCE = 2,  /* an object of it is kept as a record */
  USED_REFUSED = 4,   /* a call of it is a finding of effect unsafe */
  USED_ITEMS = 8,     /* what it makes gets items by SETITEM(S) */
  USED_APPENDED = 16, /* … by APPEND(S), ADDITEMS */
  USED_STATE = 32,    /* … and a state by BUILD */
  USED_AS_VALUE = 64, /* a function that may only be called is kept as a value */
  USED_ALL = 127,
};

/* Row of a global that the program names. */
struct plan_global {
  struct plan_text module, name;
  struct plan_text codes; /* of numpy.dtype: the dtypes that get a state, "f8 i8"; else empty */
  uint32_t first_at, count;
  uint32_t member; /* 1-based: whose program */
  uint16_t cls;    /* enum global_class (model/policy.h) */
  uint16_t uses;   /* enum plan_global_uses */
};

struct plan_storage {
  struct plan_text key, location;
  uint64_t at;     /* offset of its first byte in the member's real bytes (legacy views; else 0) */
  uint64_t bytes;  /* proved to be there */
  uint32_t member; /* 1-based; 0: no bytes in the file (meta, missing) */
  uint8_t dtype;   /* of the storage class */
  uint8_t big_endian;
};

/* A set in one byte. */
enum plan_tensor_flags {
  PLAN_REQUIRES_GRAD = 1,
  PLAN_PARAMETER = 2,
  PLAN_CONTIGUOUS = 4,
  PLAN_EXPANDED = 8,
  PLAN_META = 16,     /* shape only: no bytes */
  PLAN_UNPROVED = 32, /* refused: sizes are the file's claim, nothing may read it */
  PLAN_SPARSE = 64,   /* its numbers are in other rows: its indices and values */
  PLAN_QUANTIZED = 128,
};

/* How a tensor keeps its numbers, in the order of torch.serialization._get_layout's names. All but the first
 * are PLAN_SPARSE. */
enum plan_layout { LAYOUT_STRIDED, LAYOUT_COO, LAYOUT_CSR, LAYOUT_CSC, LAYOUT_BSR, LAYOUT_BSC, LAYOUT_COUNT };

struct plan_tensor {
  struct plan_text key;       /* path from the root, joined with '/' */
  struct plan_text state_key; /* name in the state dict it belongs to; empty if none */
  uint32_t storage;           /* 1-based; PLAN_NO_STORAGE: none */
  uint32_t first_dim; /* dims[first_dim … + ndim) are sizes, the next ndim are strides (in elements) */
  uint32_t tied;      /* index of the first tensor with the same storage and view: its own index if none */
  uint32_t value;     /* its row among the values */
  uint32_t at;        /* offset of the rebuilding call in its pickle */
  uint8_t dtype, ndim;
  uint8_t flags;     /* enum plan_tensor_flags */
  uint8_t layout;    /* enum plan_layout; the children of a sparse tensor's `value` are its parts, those of a
                        quantised one's its quantiser (model/quantizer.h) */
  union {            /* in elements */
    uint64_t offset; /* in its storage */
    uint64_t nnz;    /* PLAN_SPARSE: how many it keeps; it has no storage */
  };
  uint64_t numel;
};

/* Parallel to the tensors (same index); absent as a whole at quick depth. */
struct plan_stats {
  uint32_t done, hashed;
  uint64_t count, nan_count, inf_count, zero_count, subnormal_count, zero_rows, finite;
  double min, max, mean, absmax, std; /* std: NaN when the squares overflow */
  uint8_t bars[16];                   /* struct tensor_stats has it */
  uint8_t sha256[32];
};

enum plan_value_kind {
  PLAN_VAL_NONE,
  PLAN_VAL_BOOL,
  PLAN_VAL_INT,
  PLAN_VAL_BIGINT,
  PLAN_VAL_FLOAT,
  PLAN_VAL_TEXT,
  PLAN_VAL_BYTES,
  PLAN_VAL_TUPLE,
  PLAN_VAL_LIST,
  PLAN_VAL_DICT,
  PLAN_VAL_SET,
  PLAN_VAL_RECORD,  /* an object kept as plain data: cls names it, children are its fields and items */
  PLAN_VAL_ARRAY,   /* one of numpy's that is no tensor: text says what; the child "data", or its objects */
  PLAN_VAL_TENSOR,  /* number is the index of its tensor row */
  PLAN_VAL_STORAGE, /* a bare storage; number is 1-based storage index */
  PLAN_VAL_GLOBAL,  /* a class or function named but not called: cls */
  PLAN_VAL_DTYPE,
  PLAN_VAL_DEVICE,
  PLAN_VAL_SIZE,   /* torch.dtype, torch.device (text), torch.Size (children) */
  PLAN_VAL_SHARED, /* seen before: number is the row of its first appearance */
  PLAN_VAL_CUT,    /* the budget of the plan ended here: what follows is not listed */
  PLAN_VAL_KINDS
};

enum plan_dict_flags {
  PLAN_DICT_METADATA = 1,   /* it has the attribute _metadata, which Module.state_dict() sets */
  PLAN_DICT_OTHER_KEYS = 2, /* not all keys are str */
};

struct plan_value {
  uint32_t kind;
  uint32_t parent, end; /* end: one past its subtree */
  uint32_t depth;
  struct plan_text key;  /* dict key or field as text, decimal index in lists */
  struct plan_text text; /* TEXT, BYTES, BIGINT (decimal), DTYPE, DEVICE; cut at plan_text_bytes */
  struct plan_text cls;  /* "module.Name" of RECORD and GLOBAL; "collections.OrderedDict" of such a DICT */
  union {
    int64_t number; /* BOOL, INT, TENSOR, STORAGE, SHARED; length before the cut for TEXT, BYTES; DICT: enum
                       plan_dict_flags; else 0 */
    double real;    /* FLOAT */
  };
};

/* Something that looks like a state dict, best guess first. */
struct plan_dict {
  struct plan_text path; /* where: "" is the root, "model_state_dict", "checkpoint/model" … joined with '/' */
  uint32_t value;        /* its row */
  uint32_t first_entry, num_entries;
  uint32_t module;   /* 1: extracted from a whole-module pickle */
  uint32_t metadata; /* 1: has _metadata, the mark of Module.state_dict() */
  uint32_t joined;   /* 1: dicts in dicts, whose names are joined with dots */
  uint64_t bytes, numel;
};

struct plan_entry {
  struct plan_text name; /* "layer1.0.weight" */
  uint32_t tensor;       /* index, or UINT32_MAX: the entry is not a tensor */
  uint32_t value;
};

enum plan_insn_flags {
  INSN_NUMBER = 1,
  INSN_REAL = 2,
  INSN_TEXT = 4,
  INSN_NAME = 8, /* what the argument is */
  INSN_MEMO = 16,
  INSN_MARK = 32,
  INSN_UNDERFLOW = 64, /* it needs more values or marks than there are */
  INSN_BAD_END = 128,  /* no instruction: here the program stops making sense */
  INSN_RAW = 256,      /* no instruction: `number` bytes that are no opcodes, as joblib writes arrays */
};

/* One instruction of a pickle, for `inspect --opcodes`. */
struct plan_insn {
  uint32_t at, member; /* member is 1-based */
  uint16_t opcode, depth;
  uint32_t flags, memo, mark_at; /* memo entry that it stores or reads; offset of the MARK that it takes */
  int64_t number;
  double real;
  struct plan_text text; /* string argument, or "module name"; cut at INSN_TEXT_MAX bytes */
};
enum { INSN_TEXT_MAX = 256 };

/* One line of a decompiled pickle, for `inspect --pickle`. */
struct plan_line {
  uint32_t at, member; /* member is 1-based */
  uint16_t kind;       /* enum statement_kind (pickle/decompile.h) */
  uint16_t reason;     /* enum obs_kind, of STATEMENT_END */
  uint32_t count;      /* of STATEMENT_CUT, STATEMENT_RAW */
  struct plan_text code, comment;
};

/* X-macro of the tables: TABLE(field, row type). */
#define PLAN_TABLES(TABLE)             \
  TABLE(members, struct plan_member)   \
  TABLE(globals, struct plan_global)   \
  TABLE(storages, struct plan_storage) \
  TABLE(dims, uint64_t)                \
  TABLE(values, struct plan_value)     \
  TABLE(tensors, struct plan_tensor)   \
  TABLE(stats, struct plan_stats)      \
  TABLE(dicts, struct plan_dict)       \
  TABLE(entries, struct plan_entry) TABLE(insns, struct plan_insn) TABLE(lines, struct plan_line)

struct plan_header {
  uint8_t magic[8];
  uint32_t complete;            /* written last: the scan came to its end */
  uint32_t kind;                /* enum container_kind */
  uint32_t protocol;            /* of the object pickle */
  uint64_t text_at, text_bytes; /* the pool of texts */
  uint64_t num_ops;             /* opcodes executed */
  struct plan_extent {
    uint64_t at, n;
  } table[16]; /* in the order of PLAN_TABLES */
};

/* ---- writing, in the sealed scan worker ---- */
struct plan_writer {
  uint8_t *base;
  size_t cap, low, high; /* tables grow up from low, texts down from high */
  bool full;             /* something did not fit: LIM808 */
  uint8_t table;         /* enum plan_table: where rows were asked for last */
};
/* The region: at least PLAN_MIN_BYTES, zeroed. */
enum { PLAN_MIN_BYTES = 1 << 16 };
void plan_begin(struct plan_writer *w, void *region, size_t size);
/* Rows must be written table by table in the order of PLAN_TABLES. NULL when the region is full. */
#define PLAN_FIELD(field, type) PLAN_##field,
enum plan_table { PLAN_TABLES(PLAN_FIELD) PLAN_TABLE_COUNT };
#undef PLAN_FIELD
void *plan_row(struct plan_writer *w, enum plan_table table, size_t size);
/* A row written before. */
void *plan_row_at(struct plan_writer *w, enum plan_table table, size_t size, uint32_t i);
uint32_t plan_rows(const struct plan_writer *w, enum plan_table table);
/* Copies a text into the pool, at most `max` bytes of it. */
struct plan_text plan_put(struct plan_writer *w, struct span text, size_t max);
/* After the last row: of a plan that did not fit, drops the tables that refer to what is missing. Before
 * plan_peek. */
void plan_settle(struct plan_writer *w);
void plan_end(struct plan_writer *w, bool complete);

/* ---- reading ---- */
struct plan {
  const struct plan_header *header;
  const uint8_t *text;
  uint64_t text_bytes;
#define PLAN_POINTER(field, type) \
  const type *field;              \
  uint32_t num_##field;
  PLAN_TABLES(PLAN_POINTER)
#undef PLAN_POINTER
};
/* False unless every table lies in the region, every index in its table, every text in the pool, every
 * enumeration in range, every proved tensor inside its storage and every storage inside its member and the
 * member inside the file (checked arithmetic). *why names the first thing that is wrong. */
NODISCARD bool plan_open(struct plan *p, const void *region, size_t size, uint64_t file_size,
                         const char **why);
static inline struct span plan_span(const struct plan *p, struct plan_text t) {
  return span_of(p->text + t.at, t.n);
}

/* The tables without any check: for the writer's own use, before it hands the region over. */
void plan_peek(struct plan *p, const struct plan_writer *w);
/* The row itself, or the one that a SHARED row stands for. */
uint32_t plan_resolve(const struct plan *p, uint32_t i);
/* The child of value i with this key, or UINT32_MAX. */
uint32_t plan_child(const struct plan *p, uint32_t i, struct span key);
/* The value at a '/'-joined path ("" is the root), or UINT32_MAX. */
uint32_t plan_find(const struct plan *p, struct span path);
/* The dict at a path ("" is the root), or NULL. */
const struct plan_dict *plan_dict_at(const struct plan *p, struct span path);

#endif
