#include "api/propose.h"

#include "api/imports.h"
#include "base/json.h"
#include "report/escape.h"
#include "report/json_write.h"
#include "report/report.h"

enum { PATH_CAP = 4096 };

bool proposal_begin(struct proposal *p) {
  p->files = cJSON_CreateArray();
  return p->files != NULL;
}

void proposal_end(struct proposal *p) { cJSON_Delete(p->files); }

/* Is it for a policy to say? Not a function on no list, and not what torch's own list has in a later version.
 */
static bool is_wanted(const struct import *g) {
  if (!g->stops) return false;
  if (!g->row) return g->uses & USED_INSTANCE && !(g->uses & USED_REFUSED);
  return g->row->cls == GLOBAL_RECORD || g->row->cls == GLOBAL_DCP || g->row->cls == GLOBAL_MODULE ||
         g->row->cls == GLOBAL_MODELLED;
}

static void write_why(struct out *o, const struct import *g) {
  bool listed = g->row && !span_is(SPAN("*"), g->row->name);
  const char *what =
      g->uses & (USED_INSTANCE | USED_CALLED) ? "objects are made of it" : "it is named, not called";
  if (listed)
    out_str(o, g->row->why);
  else
    out_format(o, "on no list: read its code (%s)", what);
}

static void add_name(cJSON *allow, const struct import *g) {
  struct out name = out_to_memory(SIZE_MAX), why = out_to_memory(SIZE_MAX);
  import_write(&name, g);
  out_span(&name, SPAN("\0"));
  write_why(&why, g);
  if (!name.failed) event_text(allow, (const char *)name.p, out_taken(&why), NAME_CAP);
  out_free(&name);
  out_free(&why);
}

static bool is_there(const struct proposal *p, const char *sha256) {
  const cJSON *file;
  cJSON_ArrayForEach(file, p->files) {
    const char *other = cJSON_GetStringValue(json_get(file, "sha256"));
    if (other && strcmp(other, sha256) == 0) return true;
  }
  return false;
}

bool is_reviewable(const struct job *job) {
  return job->have_plan && job->folder.n == 0 && job->sha256[0] && job->complete &&
         (job->verdict == VERDICT_CLEAN || job->verdict == VERDICT_FINDINGS);
}

void propose(struct proposal *p, const struct job *job) {
  struct imports names;
  if (!is_reviewable(job) || is_there(p, job->sha256) || !imports_collect(job, &names)) return;
  cJSON *allow = cJSON_CreateObject();
  for (size_t i = 0; allow && i < names.n; i++)
    if (is_wanted(&names.p[i])) add_name(allow, &names.p[i]);
  free(names.p);
  if (!allow || !allow->child) { /* it needs none */
    cJSON_Delete(allow);
    return;
  }
  cJSON *file = event_push_object(p->files);
  event_text(file, "path", job->in.path, PATH_CAP);
  event_u64(file, "size", job->in.bytes.n);
  event_str(file, "sha256", job->sha256);
  if (!file || !cJSON_AddItemToObject(file, "allow", allow)) cJSON_Delete(allow);
}

/* "key": value, of members or of a whole object, a line each. */
static void write_members(struct out *o, const cJSON *object, size_t indent) {
  const cJSON *member;
  cJSON_ArrayForEach(member, object) {
    out_repeat(o, ' ', indent);
    escape_json(o, span_str(member->string));
    out_str(o, ": ");
    if (cJSON_IsObject(member))
      out_str(o, "{\n");
    else
      json_write(o, member);
    if (!cJSON_IsObject(member)) out_str(o, member->next ? ",\n" : "\n");
  }
}

void proposal_write(const struct proposal *p, struct out *o) {
  const cJSON *file;
  out_str(o, "{\n  \"policy\": 1,\n  \"files\": [");
  cJSON_ArrayForEach(file, p->files) {
    out_str(o, "\n    {\n");
    write_members(o, file, 6);
    write_members(o, json_get(file, "allow"), 8);
    out_str(o, file->next ? "      }\n    }," : "      }\n    }\n  ");
  }
  out_str(o, "]\n}\n");
}
