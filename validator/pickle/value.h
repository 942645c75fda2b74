/* The symbolic values that a pickle program builds: what the program says, never what Python would make of
 * it. Values name each other by index (val_id), so a graph can be checked, walked without recursion and
 * dumped. Shared objects are shared indices; cycles are legal; every walk needs a visited set. Indices are
 * never reused. */
#ifndef CKPTLINT_PICKLE_VALUE_H
#define CKPTLINT_PICKLE_VALUE_H

#include <assert.h>

#include "base/arena.h"

typedef uint32_t val_id; /* index into machine.values; 0 is "no value" */

enum value_kind {
  VAL_ABSENT, /* index 0 */
  VAL_NONE,
  VAL_BOOL,
  VAL_INT,    /* fits int64 */
  VAL_BIGINT, /* bytes: little-endian two's complement, minimal, more than 8 bytes */
  VAL_FLOAT,
  VAL_TEXT, /* str: UTF-8, where lone surrogates pass (surrogatepass) */
  VAL_BYTES,
  VAL_BYTEARRAY,
  VAL_PYSTRING, /* a Python 2 str that is not UTF-8: raw bytes, torch needs encoding='latin1' */
  VAL_TUPLE,    /* TUPLE to FROZENSET: their items */
  VAL_LIST,
  VAL_SET,
  VAL_FROZENSET,
  VAL_DICT,   /* items: key, value, key, value … in insertion order; a repeated key took the last value */
  VAL_GLOBAL, /* machine.globals[ref] */
  VAL_OBJECT, /* machine.objects[ref]: made by REDUCE, NEWOBJ, NEWOBJ_EX, OBJ or INST */
  VAL_PERSID, /* machine.persids[ref] */
  VAL_EXTENSION, /* EXT1/2/4: number is the code */
};

struct value {
  uint8_t kind;
  bool computed : 1; /* bytes/text that did not come from a literal (never set by opcodes; for model/) */
  bool given : 1;    /* LIST, DICT, SET, OBJECT: a loader took a copy of its items (machine_give) */
  bool fetched : 1;  /* pushed again by GET or DUP: there are two ways to it */
  bool apart : 1; /* TEXT, BYTES …: they do not stand in the program; ref is their index in machine.apart */
  uint16_t depth; /* levels below, as they were when it was built (LIM807); cycles are not seen here */
  uint32_t at;    /* offset of the opcode that made it; None, True, False, () and integers that repeat are
                     shared: of the first use */
  union {
    bool truth;
    int64_t number;
    double real;
    struct {
      uint32_t from, n;
    } bytes; /* TEXT, BYTES, BYTEARRAY, PYSTRING, BIGINT: run in machine.program */
    struct {
      uint32_t first, n;
    } seq; /* run in machine.links; before those that can grow stands the room that they have there */
    uint32_t ref;
  };
};
static_assert(sizeof(struct value) == 16, "a checkpoint has millions of them");

/* One distinct (module, name) pair that the program names. */
struct global {
  struct span module, name;               /* as in the file */
  struct span mapped_module, mapped_name; /* after the Python 2 → 3 mapping, where protocol < 3 (PEP 3108) */
  uint32_t first_at;                      /* offset of the first GLOBAL, STACK_GLOBAL or INST that names it */
  uint32_t count;                         /* how often it is pushed */
  uint32_t tag;                           /* what hooks->global answered */
  bool was_mapped, dotted, odd;           /* odd: not ASCII identifiers joined by dots */
  bool computed; /* STACK_GLOBAL on what a call returns (observed, PKL204): names may be empty */
};

enum object_origin { BY_REDUCE, BY_NEWOBJ, BY_NEWOBJ_EX, BY_OBJ, BY_INST };

struct object {
  uint8_t origin;
  uint32_t tag;  /* what hooks->call answered: 0 = opaque */
  uint32_t at;   /* offset of the calling opcode */
  val_id callee; /* a GLOBAL, or any value that a loader gets by importing or calling */
  val_id args; /* a TUPLE (of what lay above the mark, for OBJ and INST); what an import or a call gives where
                  the program computes it (observed, PKL204) */
  val_id kwargs;   /* NEWOBJ_EX */
  val_id states;   /* LIST of the BUILD states in order, or 0 */
  val_id appended; /* LIST of APPEND(S)/ADDITEMS items, or 0 */
  val_id items;    /* DICT of SETITEM(S), or 0 */
};

struct persid {
  val_id id;    /* the popped value, or TEXT for the text form */
  uint32_t tag; /* what hooks->persid answered */
  uint32_t at;
};

#endif
