/* Directories are walked; the files of a folder that looks like one model (format-spec G.2, G.8) become one
 * input. The broker knows names only: what is in them is told by sealed workers, and every file is judged
 * whatever it is called. */
#include "api/list.h"

#include "api/input.h"
#include "model/dcp.h"

static bool add(struct listing *out, struct arena *a, const struct listed *row) {
  struct listed *slot = vec_push(a, &out->rows, UINT32_MAX);
  if (slot) *slot = *row;
  return slot != NULL;
}

static bool is_directory(const char *path) {
  struct stat st;
  return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- folders ---- */

/* The directory of a path that was walked to: everything in front of its last slash. */
static struct span folder_of(struct span path) {
  size_t n = path.n - folder_file_name(path).n;
  return span_first(path, n ? n - 1 : 0);
}

static int by_folder(const void *a, const void *b) {
  const struct span *x = a, *y = b;
  int folders = span_cmp(folder_of(*x), folder_of(*y));
  return folders ? folders : span_cmp(*x, *y);
}

static size_t digits_at(struct span s, size_t at) {
  size_t n = 0;
  while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9') n++;
  return n;
}

/* As people count: epoch_2 before epoch_10. Numbers are compared by their value, the rest by its bytes. */
static int natural_cmp(struct span x, struct span y) {
  size_t i = 0, k = 0;
  while (i < x.n && k < y.n) {
    size_t n = digits_at(x, i), m = digits_at(y, k);
    if (n == 0 || m == 0) {
      if (x.p[i] != y.p[k]) return x.p[i] < y.p[k] ? -1 : 1;
      i++;
      k++;
      continue;
    }
    for (; n > 1 && x.p[i] == '0'; n--) i++;
    for (; m > 1 && y.p[k] == '0'; m--) k++;
    int order = n != m ? (n < m ? -1 : 1) : memcmp(x.p + i, y.p + k, n);
    if (order) return order;
    i += n;
    k += m;
  }
  return span_cmp(x, y); /* one begins the other, or they differ in leading zeros alone */
}

static int by_path(const void *a, const void *b) {
  return natural_cmp(((const struct listed *)a)->path, ((const struct listed *)b)->path);
}

/* A shard or its index; the files of a distributed checkpoint; or weights under a name that loaders look for,
 * beside their config. */
static bool is_model(const struct span *files, uint32_t n) {
  bool config = false, weights = false, shards = false, chunks = false;
  for (uint32_t i = 0; i < n; i++) {
    struct shard_name shard;
    struct index_name index;
    uint32_t rank, family;
    struct span name = folder_file_name(files[i]);
    chunks = chunks || dcp_is_data(name);
    config = config || span_is(name, "config.json");
    weights = weights || weights_name_read(name, &rank, &family);
    shards = shards || index_name_read(name, &index) || shard_name_read(name, &shard);
  }
  return shards || (config && weights) || chunks;
}

static bool add_folder(struct listing *out, struct arena *a, const struct span *files, uint32_t n,
                       size_t root_n) {
  if (is_model(files, n))
    return add(out, a,
               &(struct listed){
                   .path = folder_of(files[0]), .root_n = root_n, .fd = -1, .files = files, .num_files = n});
  for (uint32_t i = 0; i < n; i++)
    if (!add(out, a, &(struct listed){.path = files[i], .root_n = root_n, .fd = -1})) return false;
  return true;
}

/* `files` stay where they are: rows point to them. */
static bool add_walked(struct listing *out, struct arena *a, const struct path_list *below) {
  struct span *files = below->paths.p;
  uint32_t n = below->paths.n;
  uint32_t before = out->rows.n;
  if (n) qsort(files, n, sizeof *files, by_folder);
  for (uint32_t from = 0, to = 0; from < n; from = to) {
    while (to < n && span_eq(folder_of(files[to]), folder_of(files[from]))) to++;
    if (!add_folder(out, a, files + from, to - from, below->root_n)) return false;
  }
  if (out->rows.n > before) qsort(out->rows.p + before, out->rows.n - before, sizeof *out->rows.p, by_path);
  return true;
}

bool list_inputs(struct listing *out, struct arena *a, const struct input_list *inputs) {
  for (size_t i = 0; i < inputs->n; i++) {
    struct path_list below = {0};
    struct span path = span_str(inputs->paths[i]);
    int fd = inputs->fds ? inputs->fds[i] : -1;
    bool walked = fd < 0 && is_directory(inputs->paths[i]) && input_walk(&below, a, path);
    bool fine = walked ? add_walked(out, a, &below) : add(out, a, &(struct listed){.path = path, .fd = fd});
    if (!fine) return false;
  }
  return true;
}

static bool may_have_config(const struct listed *row) {
  uint32_t rank, family;
  struct span name = folder_file_name(row->path);
  if (row->num_files == 0) return weights_name_read(name, &rank, &family) || adapter_name_read(name);
  for (uint32_t i = 0; i < row->num_files; i++)
    if (span_is(folder_file_name(row->files[i]), "config.json")) return true;
  return false;
}

bool listing_may_have_config(const struct listing *l) {
  for (uint32_t i = 0; i < l->rows.n; i++)
    if (may_have_config(&l->rows.p[i])) return true;
  return false;
}
