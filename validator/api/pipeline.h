/* The broker's way of files: open, map, scan worker, plan, model worker, merge, events. Parses nothing of a
 * file. The command line and the library's broker both end here. */
#ifndef CKPTLINT_API_PIPELINE_H
#define CKPTLINT_API_PIPELINE_H

#include "base/limits.h"
#include "report/progress.h"
#include "report/report.h"
#include "rules/finding.h"
#include "sandbox/spawn.h"
#include "tensor/dtype.h"

enum run_verb { VERB_SCAN, VERB_CHECK, VERB_FORWARD, VERB_INSPECT, VERB_DIFF, VERB_DESCRIBE };
enum run_depth { DEPTH_FULL, DEPTH_QUICK };
enum run_profile { PROFILE_STRICT, PROFILE_WEIGHTS };

/* What inspect shows; a set. */
enum inspect_view {
  SHOW_SUMMARY = 1,
  SHOW_TREE = 2,
  SHOW_TENSORS = 4,
  SHOW_GLOBALS = 8,
  SHOW_MEMBERS = 16,
  SHOW_PICKLE = 32,
  SHOW_STATS = 64,
  SHOW_OPCODES = 128,
};

/* name=value of --set, --input, --expect, --save-output; the name is empty where the user gave none. */
struct name_value {
  struct span name, value;
};
struct name_values {
  const struct name_value *list;
  size_t n;
};

struct proposal; /* api/propose.h */
struct second;   /* api/second.h */

struct run_options {
  enum run_verb verb;
  enum run_depth depth;
  enum run_profile profile;
  enum severity fail_on;      /* SEV_COUNT: none */
  enum sandbox_level sandbox; /* at least */
  bool hash_sha256;
  enum dtype target_dtype; /* --target-dtype; DTYPE_NONE: not given */
  const char *reference;   /* --reference: a checkpoint, or NULL */
  uint32_t views;          /* enum inspect_view */
  struct span fields;      /* --fields: names with commas between them; empty: not given */
  struct span key;     /* --key: a state dict's path (check, forward), a glob (inspect); empty if not given */
  struct span keys[2]; /* --key-a, --key-b (diff) */
  const char *arch;    /* a file or a name; NULL: not given */
  const char *config;  /* a file, or NULL */
  const char *families;        /* a directory, or NULL */
  const char *torch;           /* --torch-version, or NULL */
  const char *policy;          /* a file, or NULL */
  bool isolated;               /* no ckptlint.json */
  const char *lock;            /* a file, or NULL */
  struct sketch *sketch;       /* describe --emit-arch, --family: the file goes there; or NULL */
  bool draft;                  /* describe --family */
  struct locking *locking;     /* lock: the file goes there; or NULL */
  struct recording *recording; /* record: the file goes there; or NULL */
  struct proposal *proposal;   /* policy init: what the files need goes there; or NULL */
  struct second *second;       /* --paranoid: what runs beside us; or NULL */
  struct name_values set, inputs, expects, outputs, allow;
  struct name_values ignore_missing, ignore_unexpected; /* globs of keys, their names empty */
  double rtol, atol;                                    /* negative: not given */
  uint32_t jobs;
  uint32_t nested;  /* --nested: how many levels of archives are unpacked; 0: none that no loader unpacks */
  bool strict_keys; /* load_state_dict(strict=True): the default of check */
  bool torch_messages; /* what load_state_dict would say, in its own words */
  bool verbose;
  struct progress *progress; /* on standard error; NULL: none. To be cleared before each file's events */
  struct limits limits;
};

/* Did the user ask for a forward pass? Inputs, goldens and outputs of their own ask as well as the verb. */
static inline bool asks_forward(const struct run_options *o) {
  return o->verb == VERB_FORWARD || o->inputs.n || o->expects.n || o->outputs.n;
}

struct input_list {
  const char *const *paths; /* as given; "-" is one checkpoint on standard input */
  const int *fds;           /* NULL, or the inputs themselves: paths are then only shown */
  size_t n;
};

/* Did the user ask whether it is a certain model? What they say of the model asks as well as the verb:
 * without an architecture it would be passed over in silence. */
static inline bool asks_check(const struct run_options *o) {
  return o->verb == VERB_CHECK || asks_forward(o) || o->set.n || o->ignore_missing.n ||
         o->ignore_unexpected.n || o->torch_messages || !o->strict_keys ||
         (o->verb == VERB_SCAN && o->key.n && !o->locking);
}

/* Judges every input and reports events in the order of their paths; answers the exit code (cli/exit.def).
 * Directories are walked (regular files; numbers in names count as numbers). */
int run_inputs(const struct run_options *options, const struct input_list *inputs, struct sandbox *sandbox,
               struct report *report);

#endif
