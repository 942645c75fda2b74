/* Where the chunks of a distributed checkpoint lie: rows of storage_data. */
#include "model/dcp.h"

void dcp_note(struct dcp *d, enum obs_kind kind, struct span fqn, struct span detail, uint64_t got,
              uint64_t want) {
  d->whole = false;
  observe(
      d->f->obs,
      (struct observation){
          .kind = kind, .member = d->file + 1, .subject = fqn, .detail = detail, .got = got, .want = want});
}

static bool leave_out(struct dcp *d, enum obs_kind kind, struct span fqn, struct span detail, uint64_t got,
                      uint64_t want) {
  d->left_out = true;
  dcp_note(d, kind, fqn, detail, got, want);
  return true;
}

static struct span slice_name(struct folder *f, const struct dcp_slice *s) {
  struct span file = f->files[s->file].name, fqn = span_first(s->fqn, 1024);
  char place[MAX_DIMS * 22] = "";
  size_t n = 0;
  bool first = true;
  for (uint32_t i = 0; i < s->ndim; i++) first = first && s->offsets[i] == 0;
  for (uint32_t i = 0; !first && i < s->ndim; i++)
    n += (size_t)snprintf(place + n, sizeof place - n, i ? ", %llu" : "[%llu",
                          (unsigned long long)s->offsets[i]);
  return arena_printf(f->arena, "%.*s!%.*s%s%s", (int)file.n, (const char *)file.p, (int)fqn.n,
                      (const char *)fqn.p, place, n ? "]" : "");
}

/* _StorageInfo under its MetadataIndex. False: memory is spent. */
static bool read_row(struct dcp *d, uint32_t row) {
  const struct plan *p = d->p;
  struct dcp_slice s = {.number = d->slices.n};
  struct span path;
  uint32_t key = dcp_is_record(p, row) ? dcp_field(p, row, "__key") : UINT32_MAX;
  uint32_t offset = dcp_is_record(p, key) ? dcp_field(p, key, "offset") : UINT32_MAX;
  if (!dcp_is_record(p, key) || !dcp_text(p, dcp_field(p, key, "fqn"), &s.fqn))
    return leave_out(d, OBS_DCP_FORM, SPAN("storage_data"), SPAN("a key is no MetadataIndex with its name"),
                     0, 0);
  s.has_offsets = dcp_sizes(p, offset, s.offsets, &s.ndim);
  if (!s.has_offsets && offset != UINT32_MAX && p->values[offset].kind != PLAN_VAL_NONE)
    return leave_out(d, OBS_DCP_FORM, s.fqn, SPAN("its offset is no torch.Size"), 0, 0);
  if (!dcp_text(p, dcp_field(p, row, "relative_path"), &path) ||
      !dcp_number(p, dcp_field(p, row, "offset"), &s.at) || !dcp_number(p, dcp_field(p, row, "length"), &s.n))
    return leave_out(d, OBS_DCP_FORM, s.fqn, SPAN("its place is no path, offset and length"), 0, 0);
  if (!folder_plain_name(path)) return leave_out(d, OBS_DCP_PATH, path, s.fqn, 0, 0);
  s.file = folder_file_by_name(d->f, path);
  if (s.file == FOLDER_NONE || !dcp_is_data(path)) return leave_out(d, OBS_DCP_ABSENT, s.fqn, path, 0, 0);
  uint64_t size = d->f->files[s.file].bytes.n;
  if (s.at > size || (s.at == size && s.n)) return leave_out(d, OBS_DCP_RANGE, s.fqn, path, s.at, size);
  if (s.n > size - s.at) { /* a loader takes what is there */
    dcp_note(d, OBS_DCP_RANGE, s.fqn, path, s.at, size);
    s.n = size - s.at;
  }
  if (d->slices.n == d->f->max->chunks)
    return leave_out(d, OBS_LIMIT_CHUNKS, s.fqn, SPAN(""), 0, d->f->max->chunks);
  s.name = slice_name(d->f, &s);
  struct dcp_slice *slot = vec_push(d->f->arena, &d->slices, UINT32_MAX);
  if (!slot) return folder_no_memory(d->f);
  *slot = s;
  return true;
}

static bool read_table(struct dcp *d, struct folder *f, uint32_t metadata) {
  *d = (struct dcp){.f = f, .p = f->files[metadata].plan, .file = metadata, .whole = true};
  uint32_t table = d->p->num_values ? dcp_field(d->p, 0, "storage_data") : UINT32_MAX;
  if (table == UINT32_MAX || d->p->values[table].kind != PLAN_VAL_DICT || !dcp_class_is(d->p, 0, "Metadata"))
    return leave_out(d, OBS_DCP_FORM, f->files[metadata].name, SPAN("it is no Metadata with storage_data"), 0,
                     0);
  for (uint32_t c = table + 1; c < d->p->values[table].end; c = d->p->values[c].end)
    if (!read_row(d, c)) return false;
  return true;
}

/* ---- the files, byte by byte ---- */

static int by_place(const void *a, const void *b) {
  const struct dcp_slice *x = *(const struct dcp_slice *const *)a, *y = *(const struct dcp_slice *const *)b;
  if (x->file != y->file) return x->file < y->file ? -1 : 1;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

static void add_gap(struct dcp *d, uint32_t file, uint64_t from, uint64_t to) {
  struct dcp_gap *gap = vec_push(d->f->arena, &d->gaps, d->f->max->chunks);
  if (gap) *gap = (struct dcp_gap){.file = file, .at = from, .n = to - from};
}

static void note_gap(struct dcp *d, uint32_t file, uint64_t from, uint64_t to) {
  if (to <= from) return;
  add_gap(d, file, from, to);
  observe(d->f->obs, (struct observation){.kind = OBS_DCP_GAP,
                                          .member = file + 1,
                                          .at = from,
                                          .len = to - from,
                                          .subject = d->f->files[file].name,
                                          .got = to - from});
}

/* Slices of one file in order, from *i on. */
static void check_file(struct dcp *d, const struct dcp_slice **sorted, uint32_t *i, uint32_t file) {
  uint64_t end = 0;
  for (; *i < d->slices.n && sorted[*i]->file == file; ++*i) {
    const struct dcp_slice *s = sorted[*i];
    if (s->at < end)
      observe(d->f->obs, (struct observation){.kind = OBS_DCP_OVERLAP,
                                              .member = file + 1,
                                              .at = s->at,
                                              .subject = s->fqn,
                                              .detail = d->f->files[file].name,
                                              .got = end - s->at});
    note_gap(d, file, end, s->at);
    end = max_u64(end, s->at + s->n);
  }
  note_gap(d, file, end, d->f->files[file].bytes.n);
}

static bool check_files(struct dcp *d) {
  const struct dcp_slice **sorted = arena_array(d->f->arena, d->slices.n, const struct dcp_slice *);
  uint32_t i = 0;
  if (!sorted) return folder_no_memory(d->f);
  for (uint32_t k = 0; k < d->slices.n; k++) sorted[k] = &d->slices.p[k];
  if (d->slices.n) qsort(sorted, d->slices.n, sizeof *sorted, by_place);
  for (uint32_t file = 0; file < d->f->num_files; file++)
    if (dcp_is_data(d->f->files[file].name)) check_file(d, sorted, &i, file);
  return true;
}

/* ---- all of it ---- */

static bool has_data(const struct folder *f) {
  for (uint32_t i = 0; i < f->num_files; i++)
    if (dcp_is_data(f->files[i].name)) return true;
  return false;
}

bool dcp_open(struct dcp *d, struct folder *f) {
  *d = (struct dcp){.f = f};
  if (!has_data(f)) return false;
  uint32_t metadata = folder_file_by_name(f, SPAN(".metadata"));
  const struct plan *p = metadata == FOLDER_NONE ? NULL : f->files[metadata].plan;
  if (metadata == FOLDER_NONE) return refuse(f->obs, (struct observation){.kind = OBS_DCP_NO_METADATA});
  if (!p || !p->header->complete) {
    for (uint32_t i = 0; i < f->num_files; i++)
      if (dcp_is_data(f->files[i].name)) add_gap(d, i, 0, f->files[i].bytes.n);
    return refuse(f->obs, (struct observation){.kind = OBS_DCP_UNREAD, .member = metadata + 1});
  }
  return read_table(d, f, metadata) && check_files(d);
}
