/* What a file is, by its bytes. Signatures are those of the formats' own specifications; pickles were written
 * by CPython 3.11 (pickle.dumps in every protocol) and torch 1.13. */
#include "tests/unit/container_bench.h"
#include "tests/unit/zip_builder.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define MAGIC          "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

static const struct sample {
  const char *name, *bytes;
  size_t n;
  enum container_kind kind;
  enum obs_kind seen; /* and nothing else */
} samples[] = {
    {"empty", "", 0, CONTAINER_EMPTY, OBS_KIND_UNSUPPORTED},
    {"legacy, protocol 2", BYTES("\x80\2" MAGIC "\x80\2M\xe9\3."), CONTAINER_TORCH_LEGACY, OBS_KIND_LEGACY},
    {"legacy, protocol 3", BYTES("\x80\3" MAGIC "\x80\3M\xe9\3."), CONTAINER_TORCH_LEGACY, OBS_KIND_LEGACY},
    {"legacy, protocol 4", BYTES("\x80\4\x95\x0d\0\0\0\0\0\0\0" MAGIC), CONTAINER_TORCH_LEGACY,
     OBS_KIND_LEGACY},
    {"legacy, protocol 5", BYTES("\x80\5\x95\x0d\0\0\0\0\0\0\0" MAGIC), CONTAINER_TORCH_LEGACY,
     OBS_KIND_LEGACY},
    {"legacy, protocol 0", BYTES("L119547037146038801333356L\n.I1001\n."), CONTAINER_TORCH_LEGACY,
     OBS_KIND_LEGACY},
    {"legacy, another number", BYTES("\x80\2\x8a\x0a\x6d\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
     CONTAINER_PICKLE, OBS_NONE},
    {"safetensors", BYTES("\2\0\0\0\0\0\0\0{}"), CONTAINER_SAFETENSORS, OBS_NONE},
    {"safetensors, its length an extension",
     BYTES("\x83\0\0\0\0\0\0\0{"
           "                                                                                                "
           "                                  "),
     CONTAINER_SAFETENSORS, OBS_NONE},
    {"safetensors, header past the end", BYTES("\3\0\0\0\0\0\0\0{}"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"safetensors, length 1", BYTES("\1\0\0\0\0\0\0\0{}"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"GGUF", BYTES("GGUF\3\0\0\0\0\0\0\0\0\0\0\0"), CONTAINER_GGUF, OBS_NONE},
    {"GGUF, swapped", BYTES("FUGG\0\0\0\3"), CONTAINER_GGUF, OBS_NONE},
    {"npy", BYTES("\x93NUMPY\1\0v\0{'descr'"), CONTAINER_NPY, OBS_NONE},
    {"PYTORCH1", BYTES("PYTORCH1\2\0\0\0\0\0\0\0"), CONTAINER_PYTORCH1, OBS_KIND_UNSUPPORTED},
    {"mobile", BYTES("\x1c\0\0\0PTMF\0\0"), CONTAINER_MOBILE, OBS_KIND_UNSUPPORTED},
    {"ExecuTorch", BYTES("\x1c\0\0\0ET12\0\0"), CONTAINER_EXECUTORCH, OBS_KIND_UNSUPPORTED},
    {"ET and letters", BYTES("\x1c\0\0\0ETxx\0\0"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"7z", BYTES("7z\xbc\xaf\x27\x1c\0\4"), CONTAINER_SEVENZIP, OBS_KIND_ARCHIVE},
    {"gzip", BYTES("\x1f\x8b\x08\0\0\0\0\0"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"bzip2", BYTES("BZh91AY&SY"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"xz",
     BYTES("\xfd"
           "7zXZ\0\0\4"),
     CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"lzma alone", BYTES("\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff"), CONTAINER_COMPRESSED,
     OBS_KIND_ARCHIVE},
    {"lz4", BYTES("\x04\x22\x4d\x18\x64\x40\xa7"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"zstd", BYTES("\x28\xb5\x2f\xfd\x04\x58"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"zlib 1", BYTES("\x78\x01\x4b\x4c\x04\0"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"zlib 5", BYTES("\x78\x5e\x4b\x4c\x04\0"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"zlib 6", BYTES("\x78\x9c\x4b\x4c\x04\0"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"zlib 9", BYTES("\x78\xda\x4b\x4c\x04\0"), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"no zlib", BYTES("\x78\x9d\x4b\x4c\x04\0"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"joblib z-file", BYTES("ZF0x8cfcc         "), CONTAINER_COMPRESSED, OBS_KIND_ARCHIVE},
    {"Git-LFS", BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
     CONTAINER_LFS_POINTER, OBS_KIND_LFS_POINTER},
    {"HTML", BYTES("\n <!DOCTYPE HTML><title>404</title>"), CONTAINER_HTML, OBS_KIND_UNSUPPORTED},
    {"HTML with a mark", BYTES("\xEF\xBB\xBF<html>"), CONTAINER_HTML, OBS_KIND_UNSUPPORTED},
    {"text", BYTES("Entry not found\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"text, UTF-8 cut", BYTES("gr\xc3\xbc\xc3"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"JSON", BYTES("{\"weight_map\": {}}"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"licence", BYTES("(c) 2020 Foo\nAll rights reserved.\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"Python", BYTES("class Net(nn.Module):\n    pass\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"CSV", BYTES("Iteration,loss\n1,2.5\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"ELF",
     BYTES("\x7f"
           "ELF\2\1\1\0"),
     CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"PNG", BYTES("\x89PNG\r\n\x1a\n"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"EXE", BYTES("MZ\x90\0\3\0\0\0"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    /* Other frameworks: the first bytes as their writers make them (signatures.def has the sources). */
    {"HDF5", BYTES("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), CONTAINER_HDF5, OBS_KIND_UNSUPPORTED},
    {"TFLite", BYTES("\x1c\0\0\0TFL3\x14\0\x20\0"), CONTAINER_TFLITE, OBS_KIND_UNSUPPORTED},
    {"ONNX of torch", BYTES("\x08\7\x12\7pytorch\x1a\0051.9.0:\2\x0a\0"), CONTAINER_ONNX,
     OBS_KIND_UNSUPPORTED},
    {"ONNX without a producer", BYTES("\x08\x08:\4\x0a\2\x0a\0B\4\x0a\0\x10\x11"), CONTAINER_ONNX,
     OBS_KIND_UNSUPPORTED},
    {"no ONNX: its producer goes past the end", BYTES("\x08\7\x12\x30pytorch"), CONTAINER_UNKNOWN,
     OBS_KIND_UNKNOWN},
    {"SavedModel", BYTES("\x08\1\x12\x10\x0a\x0e*\5serve2\0051.0.0"), CONTAINER_SAVED_MODEL,
     OBS_KIND_UNSUPPORTED},
    {"Core ML", BYTES("\x08\1\x12\x0b\x0a\x09\x0a\5image\x1a\0"), CONTAINER_COREML, OBS_KIND_UNSUPPORTED},
    {"Caffe",
     BYTES("\x0a\7AlexNet\xa2\6\4\x0a\2"
           "c1"),
     CONTAINER_CAFFE, OBS_KIND_UNSUPPORTED},
    {"SentencePiece", BYTES("\x0a\x0e\x0a\5<unk>\x15\0\0\0\0\x18\2"), CONTAINER_SENTENCEPIECE,
     OBS_KIND_UNSUPPORTED},
    {"GGML", BYTES("lmgg\0\x7d\0\0"), CONTAINER_GGML, OBS_KIND_UNSUPPORTED},
    {"GGML with versions", BYTES("tjgg\3\0\0\0"), CONTAINER_GGML, OBS_KIND_UNSUPPORTED},
    {"Flax, a table of one",
     BYTES("\x81\xa6params\x81\xa5"
           "Dense\x80"),
     CONTAINER_MSGPACK, OBS_KIND_UNSUPPORTED},
    {"Flax, a table of two",
     BYTES("\x82\xa4"
           "bert\x80\xa3"
           "cls\x80"),
     CONTAINER_MSGPACK, OBS_KIND_UNSUPPORTED},
    {"an extension, then a call", BYTES("\x82\1cos\nsystem\n)R."), CONTAINER_PICKLE, OBS_NONE},
    {"a key past the end", BYTES("\x81\xbfparams"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"MXNet", BYTES("\x12\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"), CONTAINER_MXNET, OBS_KIND_UNSUPPORTED},
    {"Paddle", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6\0\0\0\x08\5\x10\4\x10\3"), CONTAINER_PADDLE,
     OBS_KIND_UNSUPPORTED},
    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"Torch7", BYTES("\4\0\0\0\1\0\0\0\3\0\0\0V 1\x11\0\0\0torch.FloatTensor"), CONTAINER_TORCH7,
     OBS_KIND_UNSUPPORTED},
    {"Darknet", BYTES("\0\0\0\0\2\0\0\0\5\0\0\0\0\x7d\xe8\1\0\0\0\0\0\0\x80\x3f"), CONTAINER_DARKNET,
     OBS_KIND_UNSUPPORTED},
    {"fastText", BYTES("\xba\x16\x4f\x2f\x0c\0\0\0"), CONTAINER_FASTTEXT, OBS_KIND_UNSUPPORTED},
    {"word2vec", BYTES("2 1\nthe \0\0\x80\x3f\nof \0\0\x80\x3f\n"), CONTAINER_WORD2VEC, OBS_KIND_UNSUPPORTED},
    {"word2vec as text", BYTES("2 1\nthe 1.0\nof 1.0\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"CatBoost", BYTES("CBM1\x10\0\0\0"), CONTAINER_CATBOOST, OBS_KIND_UNSUPPORTED},
    {"MATLAB", BYTES("MATLAB 5.0 MAT-file, Platform: GLNXA64\0\0\0\1IM"), CONTAINER_MATLAB,
     OBS_KIND_UNSUPPORTED},
    {"a TensorFlow index",
     BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x57\xfb\x80\x8b"
           "\x24\x75\x47\xdb"),
     CONTAINER_TF_CHECKPOINT, OBS_KIND_UNSUPPORTED},
    /* pickle.dumps({'a': [1, 2.5]}, p) */
    {"protocol 0", BYTES("(dp0\nVa\np1\n(lp2\nI1\naF2.5\nas."), CONTAINER_PICKLE, OBS_NONE},
    {"bytes as text of protocol 0", BYTES("(dp0\nV\1\xff\np1\nI1\ns."), CONTAINER_PICKLE, OBS_NONE},
    {"protocol 1", BYTES("}q\0X\1\0\0\0aq\1]q\2(K\1G@\4\0\0\0\0\0\0es."), CONTAINER_PICKLE, OBS_NONE},
    {"protocol 2", BYTES("\x80\2}q\0X\1\0\0\0aq\1]q\2(K\1G@\4\0\0\0\0\0\0es."), CONTAINER_PICKLE, OBS_NONE},
    {"protocol 4", BYTES("\x80\4\x95\x16\0\0\0\0\0\0\0}\x94\x8c\1a\x94]\x94(K\1G@\4\0\0\0\0\0\0es."),
     CONTAINER_PICKLE, OBS_NONE},
    {"a broken one is still a pickle", BYTES("\x80\2\xff\xff"), CONTAINER_PICKLE, OBS_NONE},
    {"protocol 6 is for the machine to refuse", BYTES("\x80\6}."), CONTAINER_PICKLE, OBS_NONE},
    {"a call in protocol 0", BYTES("cos\nsystem\n(S'true'\ntR."), CONTAINER_PICKLE, OBS_NONE},
    {"INST", BYTES("(S'true'\nios\nsystem\n."), CONTAINER_PICKLE, OBS_NONE},
    {"a call, then no mark", BYTES("cos\nsystem\n(S'true'\ntRe."), CONTAINER_PICKLE, OBS_NONE},
    {"no mark at once", BYTES("N}eatures"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"a global of spaces", BYTES("cos is\nsystem\n."), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"a call, then no opcode", BYTES("cos\nsystem\n)R\xff"), CONTAINER_PICKLE, OBS_NONE},
    {"a call, then no number", BYTES("cos\nsystem\n)RF!\n."), CONTAINER_PICKLE, OBS_NONE},
    {"a call of an odd name", BYTES("cos\r\nsystem\n)R."), CONTAINER_PICKLE, OBS_NONE},
    {"an odd number, then a call", BYTES("I 1\n0cos\nsystem\n)R."), CONTAINER_PICKLE, OBS_NONE},
    {"a number with a NUL, then a call", BYTES("L1\0zz\n0cos\nsystem\n)R."), CONTAINER_PICKLE, OBS_NONE},
    {"control characters, then a call", BYTES("V\1\n0cos\nsystem\n)R."), CONTAINER_PICKLE, OBS_NONE},
    {"an odd number, then STOP", BYTES("F 1.5\n."), CONTAINER_PICKLE, OBS_NONE},
    {"an odd number alone", BYTES("I 1\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"a call of nothing", BYTES("cos\nsystem\nR."), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"a memo that is empty", BYTES("Nh\1\1."), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"words", BYTES("cat\ndog\nRat\nOwl\n"), CONTAINER_TEXT, OBS_KIND_UNSUPPORTED},
    {"a length past the end", BYTES("X\xff\0\0\0abc"), CONTAINER_UNKNOWN, OBS_KIND_UNKNOWN},
    {"zip without members", BYTES("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), CONTAINER_OTHER_ZIP,
     OBS_KIND_ARCHIVE},
};

static void kinds_are_told_by_their_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
    struct scan s;
    print_message("  %s\n", samples[i].name);
    scan_bytes(&s, samples[i].bytes, samples[i].n);
    assert_int_equal(s.c.kind, samples[i].kind);
    assert_int_equal(s.o.n, samples[i].seen ? 1 : 0);
    if (samples[i].seen) {
      assert_int_equal(s.o.list[0].kind, samples[i].seen);
      assert_true(span_is(s.o.list[0].subject, container_kind_name(s.c.kind)));
    }
    scan_end(&s);
  }
}

/* Headers of these lengths begin as PROTO 1, lzma-alone and zlib do: no polyglots for that. */
static void length_of_a_header_is_no_signature(void **state) {
  (void)state;
  static const uint16_t lengths[] = {384, 93, 0x178, 0x5e78, 0x9c78, 0xda78};
  static uint8_t file[8 + 0x10000];
  for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
    struct scan s;
    memset(file, ' ', sizeof file);
    memcpy(file, (uint8_t[]){(uint8_t)lengths[i], (uint8_t)(lengths[i] >> 8), 0, 0, 0, 0, 0, 0, '{', '}'},
           10);
    scan_bytes(&s, file, 8u + lengths[i]);
    assert_int_equal(s.c.kind, CONTAINER_SAFETENSORS);
    assert_int_equal(s.o.n, 0);
    scan_end(&s);
  }
}

/* One of 1,624 begins as BINUNICODE of six bytes, and the names of keys go on with letters that are opcodes.
 */
static void keys_of_a_header_are_no_program(void **state) {
  (void)state;
  static const char begin[] = "\x58\6\0\0\0\0\0\0{\"features.0.weight\":";
  char file[8 + 1624];
  struct scan s;
  memset(file, ' ', sizeof file);
  memcpy(file, begin, sizeof begin - 1);
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_SAFETENSORS);
  assert_int_equal(s.o.n, 0);
  scan_end(&s);
  memcpy(file + 11, "cos\nsystem\n(S'true'\ntR.", 24); /* this one is both */
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_PICKLE);
  assert_int_equal(seen(&s.o, OBS_KIND_POLYGLOT), 1);
  scan_end(&s);
}

/* One of 2,648 begins as BINUNICODE of ten bytes, and the next one is a STOP: a text, for who unpickles it.
 */
static void a_header_that_is_a_text_is_no_program(void **state) {
  (void)state;
  static const char begin[] = "\x58\x0a\0\0\0\0\0\0{\"model.embed_tokens.weight\":";
  static char file[8 + 2648]; /* with clang and a sanitizer, frames are larger */
  struct scan s;
  memset(file, ' ', sizeof file);
  memcpy(file, begin, sizeof begin - 1);
  assert_int_equal(file[15], '.');
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_SAFETENSORS);
  assert_int_equal(s.o.n, 0);
  scan_end(&s);
  memcpy(file + 15, "0cos\nsystem\n.", 14); /* one that imports, and may have been run by that, is both */
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_PICKLE);
  assert_int_equal(seen(&s.o, OBS_KIND_POLYGLOT), 1);
  scan_end(&s);
}

/* ---- tar ---- */

static void tar_header(char *block, const char *name, const char *size) {
  unsigned sum = 0;
  memset(block, 0, 512);
  memcpy(block, name, strlen(name));
  memcpy(block + 124, size, strlen(size));
  memcpy(block + 148, "        ", 8);
  memcpy(block + 257,
         "ustar\0"
         "00",
         8);
  for (size_t i = 0; i < 512; i++) sum += (uint8_t)block[i];
  (void)snprintf(block + 148, 8, "%06o", sum);
}

static void tar_kinds(void **state) {
  (void)state;
  char file[2048] = {0};
  struct scan s;
  tar_header(file, "readme", "00000000003");
  tar_header(file + 1024, "storages", "00000000000");
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_TORCH_TAR);
  assert_int_equal(seen(&s.o, OBS_KIND_TORCH_TAR), 1);
  scan_end(&s);

  tar_header(file + 1024, "notes", "00000000000");
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_TAR);
  scan_end(&s);

  file[0] = 'R'; /* the checksum is wrong now; the magic is there */
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_TAR);
  assert_int_equal(first_of(&s.o, OBS_KIND_ARCHIVE)->at, 0);
  scan_end(&s);
}

/* ---- polyglots ---- */

static void pickle_that_is_a_tar(void **state) {
  (void)state;
  char file[1024] = {0};
  struct scan s;
  tar_header(file, "cos\nsystem\n(S'true'\ntR.", "00000000000");
  scan_bytes(&s, file, sizeof file);
  assert_int_equal(s.c.kind, CONTAINER_PICKLE); /* the program is judged as well */
  assert_int_equal(seen(&s.o, OBS_KIND_POLYGLOT), 1);
  assert_true(span_is(first_of(&s.o, OBS_KIND_POLYGLOT)->detail, container_kind_name(CONTAINER_PICKLE)));
  scan_end(&s);
}

static const struct zip_item torch_items[] = {ZIP_TORCH_ITEMS, {0}};

static size_t behind(char *file, const char *first, size_t first_n, const char *last, size_t last_n,
                     uint64_t *end) {
  static struct zip_image z;
  zip_build(&z, torch_items);
  memcpy(file, first, first_n);
  memcpy(file + first_n, z.p, z.n);
  memcpy(file + first_n + z.n, last, last_n);
  *end = first_n + z.end;
  return first_n + z.n + last_n;
}

static const struct {
  const char *name, *first;
  size_t first_n;
  const char *last;
  enum container_kind kind;
  enum obs_kind seen;
} composed[] = {
    {"legacy", BYTES("\x80\2" MAGIC), "", CONTAINER_TORCH_LEGACY, OBS_KIND_ZIP_BEHIND},
    {"safetensors", BYTES("\2\0\0\0\0\0\0\0{}"), "", CONTAINER_SAFETENSORS, OBS_KIND_ZIP_BEHIND},
    {"pickle", BYTES("\x80\2N."), "", CONTAINER_PICKLE, OBS_KIND_ZIP_BEHIND},
    {"bytes in a pickle", BYTES("\x80\3N0"), "q\1.", CONTAINER_PICKLE, OBS_KIND_ZIP_INSIDE},
    {"script", BYTES("#!/bin/sh\nexit\n"), "", CONTAINER_OTHER_ZIP, OBS_KIND_PREFIXED_ZIP},
    {"junk", BYTES("\xff\xff\xff"), "", CONTAINER_OTHER_ZIP, OBS_KIND_PREFIXED_ZIP},
};

static void zip_behind_another_file(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(composed); i++) {
    char file[2048];
    uint64_t end;
    struct scan s;
    print_message("  %s\n", composed[i].name);
    size_t n = behind(file, composed[i].first, composed[i].first_n, composed[i].last,
                      strlen(composed[i].last), &end);
    scan_bytes(&s, file, n);
    assert_int_equal(s.c.kind, composed[i].kind);
    assert_int_equal(first_of(&s.o, composed[i].seen)->at, end);
    assert_false(s.c.usable);
    scan_end(&s);
  }
}

/* ---- zip kinds (format-spec B.7) ---- */

#define FILE_OF(n) \
  { .name = n, .data = "x", .size = 1 }

static const struct {
  struct zip_item items[6];
  enum container_kind kind;
} zips[] = {
    {{FILE_OF("a/data.pkl"), FILE_OF("a/version"), FILE_OF("a/data/0")}, CONTAINER_TORCH_ZIP},
    {{FILE_OF("a/data.pkl"), FILE_OF("a/constants.pkl"), FILE_OF("a/code/__torch__.py")},
     CONTAINER_TORCHSCRIPT},
    {{FILE_OF("a/data.pkl"), FILE_OF("a/CONSTANTS.PKL")}, CONTAINER_TORCH_ZIP}, /* torch.load unpickles it */
    {{FILE_OF("a/data.pkl"), FILE_OF("a/model.json")}, CONTAINER_TORCH_ZIP},
    {{FILE_OF("a/archive_format"), FILE_OF("a/DATA.PKL")}, CONTAINER_TORCH_ZIP},
    {{FILE_OF("a/model.json"), FILE_OF("a/tensors/0")}, CONTAINER_TORCHSCRIPT},
    {{FILE_OF("a/.data/extern_modules"), FILE_OF("a/model/model.pkl")}, CONTAINER_TORCH_PACKAGE},
    {{FILE_OF("a/.data/extern_modules"), FILE_OF("a/data.pkl")}, CONTAINER_TORCH_ZIP},
    {{FILE_OF("a/archive_format"), FILE_OF("a/models/m.json")}, CONTAINER_PT2},
    {{FILE_OF("serialized_exported_program.json"), FILE_OF("version")}, CONTAINER_PT2},
    {{FILE_OF("x.npy"), FILE_OF("y/z.npy")}, CONTAINER_NPZ},
    {{FILE_OF("x.npy"), FILE_OF("y.pkl")}, CONTAINER_NPZ},
    {{FILE_OF("data/aotinductor/model/c.so"), FILE_OF("x.npy")}, CONTAINER_PT2},
    {{FILE_OF("a/data/aotinductor/model/c.so")}, CONTAINER_PT2},
    {{FILE_OF("MAR-INF/MANIFEST.json")}, CONTAINER_OTHER_ZIP},
    {{FILE_OF("b/x"), FILE_OF("a/data.pkl")},
     CONTAINER_OTHER_ZIP}, /* torch looks below the first folder only */
};

static void zip_kinds(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(zips); i++) {
    static struct zip_image z;
    struct scan s;
    print_message("  %s, %s\n", zips[i].items[0].name, container_kind_name(zips[i].kind));
    zip_build(&z, zips[i].items);
    scan_bytes(&s, z.p, z.n);
    assert_int_equal(s.c.kind, zips[i].kind);
    assert_true(s.c.usable);
    if (!container_kind_read(s.c.kind)) assert_true(s.o.n > 0); /* what is not read is never silent */
    scan_end(&s);
  }
}

static void parse(struct span bytes) {
  struct scan s;
  scan_bytes(&s, bytes.p, bytes.n);
  for (uint32_t i = 0; i < s.o.n; i++) assert_true(s.o.list[i].at <= bytes.n);
  assert_true(container_kind_read(s.c.kind) || s.o.n > 0);
  scan_end(&s);
}

static void mutations_do_no_harm(void **state) {
  (void)state;
  for (size_t i = 0; i < ARRAY_LEN(samples); i++)
    check_mutations((const uint8_t *)samples[i].bytes, samples[i].n, parse);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds_are_told_by_their_bytes),
      cmocka_unit_test(length_of_a_header_is_no_signature),
      cmocka_unit_test(tar_kinds),
      cmocka_unit_test(keys_of_a_header_are_no_program),
      cmocka_unit_test(a_header_that_is_a_text_is_no_program),
      cmocka_unit_test(pickle_that_is_a_tar),
      cmocka_unit_test(zip_behind_another_file),
      cmocka_unit_test(zip_kinds),
      cmocka_unit_test(mutations_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
