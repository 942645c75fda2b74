#include "corpus/gen/mklegacy.h"

/* What torch.save writes before the object, at protocol 2. */
static const char magic[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
static const char protocol[] = "\x80\2M\xe9\3.";
static const char info[] =
    "\x80\2}q\0(X\x10\0\0\0protocol_versionq\1M\xe9\3X\x0d\0\0\0little_endianq\2\x88X\x0a\0\0\0type_sizesq\3}"
    "q\4("
    "X\5\0\0\0shortq\5K\2X\3\0\0\0intq\6K\4X\4\0\0\0longq\7K\4uu.";

static void put_or(struct bytes *out, struct span given, struct span usual) {
  put_span(out, given.n ? given : usual);
}

/* ['0', '1', …] */
static void put_keys(struct bytes *out, const struct legacy_plan *plan) {
  put_text(out, "\x80\2](");
  for (size_t i = 0; i < plan->num_blocks; i++) {
    put_text(out, "X");
    put_number(out, plan->blocks[i].key.n, 4);
    put_span(out, plan->blocks[i].key);
  }
  put_text(out, "e.");
}

void make_legacy(const struct legacy_plan *plan, struct bytes *out) {
  put_or(out, plan->magic, span_of(magic, sizeof magic - 1));
  put_or(out, plan->protocol, span_of(protocol, sizeof protocol - 1));
  put_or(out, plan->info, span_of(info, sizeof info - 1));
  put_span(out, plan->object);
  if (plan->keys.n)
    put_span(out, plan->keys);
  else
    put_keys(out, plan);
  for (size_t i = 0; i < plan->num_blocks; i++) {
    put_number(out, (uint64_t)plan->blocks[i].count, 8);
    put_span(out, plan->blocks[i].data);
  }
  put_span(out, plan->trailing);
}
