/* big COUNT BYTES OUT [TENSORS]: a torch zip as torch.save writes it, with COUNT records of BYTES bytes each,
 * and one state dict of float32 tensors of all of them or of the first TENSORS. For measuring; nothing here
 * is clever. */
#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ints.h"

struct buffer {
  uint8_t *p;
  size_t n, cap;
};

static void put(struct buffer *b, const void *p, size_t n) {
  if (b->n + n > b->cap) {
    b->cap = (b->n + n) * 2 + 4096;
    b->p = realloc(b->p, b->cap);
    if (!b->p) abort();
  }
  memcpy(b->p + b->n, p, n);
  b->n += n;
}

static void put_le(struct buffer *b, uint64_t v, size_t n) {
  uint8_t bytes[8];
  for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(v >> (8 * i));
  put(b, bytes, n);
}

static void put_text(struct buffer *b, const char *s) { put(b, s, strlen(s)); }

static void put_unicode(struct buffer *b, const char *s) {
  put_text(b, "X");
  put_le(b, strlen(s), 4);
  put_text(b, s);
}

static void put_int(struct buffer *b, uint64_t v) {
  put_text(b, v < 256 ? "K" : v < 65536 ? "M" : "J");
  put_le(b, v, v < 256 ? 1 : v < 65536 ? 2 : 4);
}

static void put_memo(struct buffer *b, uint32_t *memo) {
  put_text(b, *memo < 256 ? "q" : "r");
  put_le(b, *memo, *memo < 256 ? 1 : 4);
  (*memo)++;
}

/* What every tensor names: written out the first time, from the memo afterwards, as pickle does it. */
static void put_shared(struct buffer *b, bool first, uint8_t memo, const char *text) {
  bool global = strchr(text, '\n') != NULL;
  if (first && global) put_text(b, text);
  if (first && !global) put_unicode(b, text);
  put_text(b, first ? "q" : "h");
  put_le(b, memo, 1);
}

/* One entry: key, _rebuild_tensor_v2(pid, 0, (n,), (1,), False, OrderedDict()). */
static void put_tensor(struct buffer *b, uint64_t i, uint64_t numel, uint32_t *memo) {
  char text[64];
  snprintf(text, sizeof text, "layer.%llu.weight", (unsigned long long)i);
  put_unicode(b, text);
  put_memo(b, memo);
  put_shared(b, i == 0, 1, "ctorch._utils\n_rebuild_tensor_v2\n");
  put_text(b, "((");
  put_shared(b, i == 0, 2, "storage");
  put_shared(b, i == 0, 3, "ctorch\nFloatStorage\n");
  snprintf(text, sizeof text, "%llu", (unsigned long long)i);
  put_unicode(b, text);
  put_memo(b, memo);
  put_shared(b, i == 0, 4, "cpu");
  put_int(b, numel);
  put_text(b, "t");
  put_memo(b, memo);
  put(b, "QK\0", 3);
  put_int(b, numel);
  put_text(b, "\x85");
  put_memo(b, memo);
  put_text(b, "K\x01\x85");
  put_memo(b, memo);
  put_text(b, "\x89");
  put_shared(b, i == 0, 5, "ccollections\nOrderedDict\n");
  put_text(b, ")R");
  put_memo(b, memo);
  put_text(b, "t");
  put_memo(b, memo);
  put_text(b, "R");
  put_memo(b, memo);
}

static void make_pickle(struct buffer *b, uint64_t count, uint64_t numel) {
  uint32_t memo = 6;
  put_text(b, "\x80\x02}q");
  put(b, "\0", 1);
  for (uint64_t i = 0; i < count; i++) {
    if (i % 1000 == 0) put_text(b, i ? "u(" : "(");
    put_tensor(b, i, numel, &memo);
  }
  put_text(b, "u.");
}

struct archive {
  FILE *out;
  uint64_t at, members;
  struct buffer directory;
};

static void out_bytes(struct archive *a, const void *p, size_t n) {
  if (fwrite(p, 1, n, a->out) != n) exit(74);
  a->at += n;
}

static void add_member(struct archive *a, const char *short_name, const void *data, size_t n) {
  char name[64];
  struct buffer local = {0};
  uint64_t header = a->at;
  size_t name_n = (size_t)snprintf(name, sizeof name, "archive/%s", short_name);
  uint32_t crc = libdeflate_crc32(0, data, n);
  size_t pad = (64 - (header + 30 + name_n + 4) % 64) % 64;
  uint16_t flags = n ? 0x0808 : 0x0800;
  put_le(&local, 0x04034b50, 4);
  put_le(&local, 0, 2);
  put_le(&local, flags, 2);
  for (int i = 0; i < 18; i++) put_le(&local, 0, 1); /* method to sizes: in the descriptor */
  put_le(&local, name_n, 2);
  put_le(&local, 4 + pad, 2);
  put(&local, name, name_n);
  put_text(&local, "FB");
  put_le(&local, pad, 2);
  for (size_t i = 0; i < pad; i++) put_text(&local, "Z");
  out_bytes(a, local.p, local.n);
  out_bytes(a, data, n);
  local.n = 0;
  if (n) {
    put_le(&local, 0x08074b50, 4);
    put_le(&local, crc, 4);
    put_le(&local, n, 4);
    put_le(&local, n, 4);
    out_bytes(a, local.p, local.n);
  }
  free(local.p);
  struct buffer *d = &a->directory;
  put_le(d, 0x02014b50, 4);
  put_le(d, 0, 4);
  put_le(d, flags, 2);
  for (int i = 0; i < 6; i++) put_le(d, 0, 1);
  put_le(d, crc, 4);
  put_le(d, n, 4);
  put_le(d, n, 4);
  put_le(d, name_n, 2);
  for (int i = 0; i < 12; i++) put_le(d, 0, 1);
  put_le(d, header, 4);
  put(d, name, name_n);
  a->members++;
}

static void finish(struct archive *a) {
  uint64_t directory = a->at;
  struct buffer end = {0};
  out_bytes(a, a->directory.p, a->directory.n);
  uint64_t record = a->at;
  put_le(&end, 0x06064b50, 4);
  put_le(&end, 44, 8);
  put_le(&end, 0x031e, 2);
  put_le(&end, 0x002d, 2);
  put_le(&end, 0, 8);
  put_le(&end, a->members, 8);
  put_le(&end, a->members, 8);
  put_le(&end, a->directory.n, 8);
  put_le(&end, directory, 8);
  put_le(&end, 0x07064b50, 4);
  put_le(&end, 0, 4);
  put_le(&end, record, 8);
  put_le(&end, 1, 4);
  put_le(&end, 0x06054b50, 4);
  put_le(&end, 0, 4);
  uint64_t count = a->members < 0xffff ? a->members : 0xffff;
  put_le(&end, count, 2);
  put_le(&end, count, 2);
  put_le(&end, a->directory.n, 4);
  put_le(&end, directory, 4);
  put_le(&end, 0, 2);
  out_bytes(a, end.p, end.n);
  free(end.p);
  free(a->directory.p);
}

int main(int argc, char **argv) {
  if (argc < 4) return 4;
  uint64_t count = strtoull(argv[1], NULL, 10), bytes = strtoull(argv[2], NULL, 10);
  uint64_t tensors = argc > 4 ? strtoull(argv[4], NULL, 10) : count;
  struct archive a = {.out = fopen(argv[3], "wb")};
  struct buffer pickle = {0};
  float *data = malloc(bytes);
  if (!a.out || !data) return 74;
  for (uint64_t i = 0; i < bytes / 4; i++) data[i] = (float)(i * 2654435761u % 1000) / 500.0f - 1.0f;
  make_pickle(&pickle, tensors, bytes / 4);
  add_member(&a, "data.pkl", pickle.p, pickle.n);
  for (uint64_t i = 0; i < count; i++) {
    char name[32];
    snprintf(name, sizeof name, "data/%llu", (unsigned long long)i);
    add_member(&a, name, data, bytes);
  }
  add_member(&a, "version", "3\n", 2);
  finish(&a);
  free(pickle.p);
  free(data);
  return fclose(a.out) == 0 ? 0 : 74;
}
