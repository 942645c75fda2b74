# ckptlint: one Makefile, out of tree in build/$(MODE)/.
#   make            (V=1 shows the commands) the release build: build/ckptlint, build/libckptlint.a, build/libckptlint.so
#   make test       everything that CI runs, its own set-up included; ends with "N passed, N failed"
#   make install    PREFIX=/usr/local DESTDIR=: the program, its manual page, the library, its header and pkg-config file
#   make demo       installs what is missing, builds, and shows the main job on two files
#   make MODE=asan test      the same tests under ASan and UBSan (debug, intsan: likewise)
#   make lint       format, cppcheck, shellcheck, clang-tidy, gcc's analyser
#   make nightly    what takes longer than CI has: tests/README.md
.DEFAULT_GOAL := all
MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif

OUT   := build/$(MODE)
Q     := $(if $(V),,@)
STD   := -std=c11 -D_GNU_SOURCE -Ivalidator -I. -include base/banned.h
WARN  := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla -Walloca -Wformat=2 \
         -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough \
         -Wnull-dereference -Wdouble-promotion -Wframe-larger-than=8192
GCCW  := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Warith-conversion -Wjump-misses-init
CLANGW:= -Wcomma -Wassign-enum -Wunreachable-code
HARD  := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE \
         -fvisibility=hidden -fno-common -fno-strict-aliasing -fno-delete-null-pointer-checks
LHARD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code

debug_C   := -Og -g3
release_C := -O2 -g -DNDEBUG $(HARD)
release_L := $(LHARD)
asan_C    := -O1 -g3 -Wframe-larger-than=16384 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan_L    := -fsanitize=address,undefined
intsan_C  := -O1 -g3 -fsanitize=integer,implicit-conversion,bounds -fno-sanitize-recover=all
intsan_L  := -fsanitize=integer,implicit-conversion,bounds
# Only clang has it; what cJSON and libdeflate write it has to be told (tests/msan).
msan_C   := -O1 -g3 -fsanitize=memory -fno-sanitize-recover=all -fno-omit-frame-pointer -Wframe-larger-than=16384
WRAPPED  := $(addprefix cJSON_,ParseWithLength Duplicate CreateObject CreateArray CreateNull CreateString CreateRaw CreateNumber \
            CreateBool AddItemToObject) $(addprefix libdeflate_,crc32 deflate_decompress deflate_decompress_ex zlib_decompress_ex)
msan_L   := -fsanitize=memory $(WRAPPED:%=-Wl,--wrap=%)

# For make cover: what ran is written down when a process exits. Frames are larger without an optimizer.
cover_C  := -O0 -g --coverage -Wno-frame-larger-than
cover_L  := --coverage -Wl,--wrap=sandbox_probe,--wrap=lockdown,--wrap=wire_end

# Loops over tensors are worth vectors; nothing traps on a floating-point flag, which the compiler has to be told.
release_VECTORS := -O3 -fno-trapping-math
$(OUT)/validator/forward/%.o: CFLAGS += $($(MODE)_VECTORS)

# The commit, for `version`: only version.c knows it, so that a commit recompiles one file.
GIT := $(shell git rev-parse --short HEAD 2>/dev/null)
# So it does the digest of what is built in as a policy (doc/policy.md).
LISTS := $(sort $(wildcard rules/globals/*.def validator/base/obs_*.def) rules/rules.def)
$(OUT)/validator/api/version.o: $(LISTS)
$(OUT)/validator/api/version.o: CFLAGS += -DCKPTLINT_GIT='"$(if $(GIT),$(GIT),unknown)"' \
  -DCKPTLINT_LISTS_SHA256='"$(shell cat $(LISTS) | sha256sum | cut -c 1-64)"'

ISCLANG := $(shell $(CC) --version 2>/dev/null | grep -c clang)
CFLAGS  := $(STD) $(WARN) $(if $(filter 0,$(ISCLANG)),$(GCCW),$(CLANGW)) $($(MODE)_C) -Werror $(EXTRA_CFLAGS)
LDFLAGS := $($(MODE)_L) $(EXTRA_LDFLAGS)
# Tests have whole scans in their frames; a table of them has a counter for each kind of observation.
$(OUT)/tests/% $(OUT)/fuzz/%: CFLAGS += $(if $(filter cover,$(MODE)),,-Wframe-larger-than=16384)
LIBS    := -lseccomp -lcjson -ldeflate -lmd -lm -ldl

# Sources: every .c of the layers. main.c is the program's own; client.c and what it stands on are the library's.
SRC     := $(sort $(wildcard validator/*/*.c rules/*.c sandbox/*.c))
TEXTS   := rule_pages family_texts
OBJ     := $(SRC:%.c=$(OUT)/%.o) $(TEXTS:%=$(OUT)/%.o) $(if $(filter cover,$(MODE)),$(OUT)/tests/cover/unsealed.o)
CORE    := $(filter-out $(OUT)/validator/cli/main.o,$(OBJ)) $(if $(filter msan,$(MODE)),$(OUT)/tests/msan/libraries.o)
LIB_SRC := validator/api/client.c validator/base/json.c validator/base/json_token.c validator/base/json_valid.c \
           validator/base/json_place.c validator/base/arena.c validator/base/hash.c validator/base/limits.c \
           validator/base/memory.c validator/base/reader.c validator/base/utf8.c
LIB_OBJ := $(LIB_SRC:%.c=$(OUT)/lib/%.o)
TESTS   := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/unit/test_*.c tests/sandbox/test_*.c)))

.PHONY: all build/ckptlint build/libckptlint.a build/libckptlint.so
all: build/ckptlint build/libckptlint.a build/libckptlint.so

build/ckptlint: $(OUT)/ckptlint
	@ln -sf $(MODE)/ckptlint $@

$(OUT)/ckptlint: $(OBJ)
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LIBS) -o $@

# The library: a client, position-independent, nothing visible but ckl_*.
build/libckptlint.a: $(OUT)/libckptlint.a
	@ln -sf $(MODE)/$(@F) $@

build/libckptlint.so: $(OUT)/libckptlint.so
	@ln -sf $(MODE)/$(@F) $@

$(OUT)/libckptlint.a: $(LIB_OBJ)
	@echo '  AR    $@'
	$(Q)rm -f $@ && $(LD) -r $^ -o $(OUT)/lib/ckptlint.o
	$(Q)objcopy --wildcard --keep-global-symbol='ckl_*' $(OUT)/lib/ckptlint.o && ar rcs $@ $(OUT)/lib/ckptlint.o

$(OUT)/libckptlint.so: $(LIB_OBJ)
	@echo '  LD    $@'
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS)) -shared $^ $(filter-out -pie,$(LDFLAGS)) -Wl,-soname,libckptlint.so.0 -lcjson -lm -o $@
	$(Q)ln -sf libckptlint.so $@.0

$(OUT)/lib/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $< (library)'
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS)) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@

# One archive of everything but main: a test links what it needs of it.
$(OUT)/core.a: $(CORE)
	@rm -f $@
	@echo '  AR    $@'
	$(Q)ar rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(TEXTS:%=$(OUT)/%.o): %.o: %.c
	$(Q)$(CC) $(CFLAGS) -c $< -o $@

$(OUT)/rule_pages.c:   $(sort $(wildcard rules/doc/*.md))
$(OUT)/family_texts.c: $(sort $(wildcard rules/models/*.json))
$(TEXTS:%=$(OUT)/%.c): rules/embed.awk
	@mkdir -p $(@D)
	$(Q)LC_ALL=C awk -v table=$(basename $(@F)) -f rules/embed.awk $(filter-out %.awk,$^) > $@

$(OUT)/tests/%: tests/%.c $(OUT)/core.a
	@mkdir -p $(@D)
	@echo '  TEST  $@'
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MF $@.d $< $(OUT)/core.a $(LDFLAGS) -lcmocka $(LIBS) -o $@

# The seal is what it asks about: its workers have it under MODE=cover too.
$(OUT)/tests/sandbox/test_wire: LDFLAGS := $(if $(filter cover,$(MODE)),--coverage,$(LDFLAGS))
# Its workers die as the file says.
$(OUT)/tests/sandbox/test_deaths: LDFLAGS += -Wl,--wrap=scan_prepare,--wrap=scan_run

-include $(OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(TESTS:=.d)

# The corpus generator: text cases to files, harmless by construction.
GENERATORS := $(OUT)/corpus/gen
$(OUT)/corpus/gen: $(wildcard corpus/gen/*.c corpus/gen/*.h) $(OUT)/core.a
	@mkdir -p $(@D)
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) $(wildcard corpus/gen/*.c) $(OUT)/core.a $(LDFLAGS) $(LIBS) -o $@

include fuzz/fuzz.mk

# ---- the commands ----
.PHONY: setup
setup:
	@sh tests/setup.sh build

.PHONY: demo
demo: setup
	@$(MAKE) --no-print-directory build/ckptlint $(OUT)/corpus/gen
	@sh corpus/demo.sh

.PHONY: test
test:
	@sh tests/setup.sh test
	@$(MAKE) --no-print-directory all test-programs
	@MODE=$(MODE) sh tests/run.sh

.PHONY: test-programs
test-programs: $(TESTS) $(GENERATORS) $(REPLAYS) $(OUT)/tests/bench/big $(OUT)/tests/bench/measure $(OUT)/tests/bench/machine $(OUT)/tests/oracle/expected $(OUT)/tests/sandbox/outer $(OUT)/tests/library_shared $(OUT)/tests/library_static $(OUT)/tests/oom/shim.so $(OUT)/tests/faults/shim.so $(OUT)/planted/ckptlint

# A program that knows nothing but ckptlint.h, linked as users would.
$(OUT)/tests/library_shared: tests/library.c $(OUT)/libckptlint.so
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror -Ivalidator/api $< $(filter-out -pie,$(LDFLAGS)) -L$(OUT) -lckptlint -Wl,-rpath,$(CURDIR)/$(OUT) -o $@

$(OUT)/tests/library_static: tests/library.c $(OUT)/libckptlint.a
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror -Ivalidator/api $< $(OUT)/libckptlint.a $(filter-out -pie,$(LDFLAGS)) -lcjson -lm -o $@

# Format, analysers, shell scripts; LINT='validator/report/*.c' for some files only. `make lint-quick`, which CI runs, leaves out
# what takes minutes: clang-tidy (one process a file: within one its analyser takes the second file's va_list for uninitialised)
# and gcc's analyser.
LINT := $(SRC)
# Of what gcc 12 finds, two kinds are left to MSan, valgrind and clang: it does not follow what a function's answer says of its
# out parameters, nor of a pointer that another function has looked at.
ANALYSE := -O1 -fanalyzer -Werror -Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-null-dereference
# Texts that the build gives to version.c: here any.
NAMED := -DCKPTLINT_GIT=__FILE__ -DCKPTLINT_LISTS_SHA256=__FILE__
.PHONY: lint lint-quick
lint:
	@sh tests/setup.sh lint
	@$(MAKE) --no-print-directory lint-quick
	printf '%s\n' $(LINT) | xargs -P 2 -I{} sh -c 'clang-tidy --quiet {} -- $(STD) $(NAMED) 2>/dev/null'
	printf '%s\n' $(LINT) | xargs -P 2 -I{} gcc $(STD) $(NAMED) $(ANALYSE) -c -o /dev/null {}

lint-quick:
	clang-format --dry-run -Werror $$(git ls-files '*.[ch]')
	cppcheck -q -j2 --error-exitcode=1 --enable=warning,portability --inline-suppr -D__x86_64__ -Ivalidator -I. \
	  --include=/usr/include/cjson/cJSON.h --suppressions-list=.cppcheck $(LINT)
	shellcheck -s sh -S warning -e SC1090 $$(git ls-files '*.sh') tests/cli/lib tests/lib

# All cases of PyTorch's own authors and all of the grids, of which `make test` takes some.
.PHONY: conformance
conformance: $(OUT)/ckptlint
	@CKPTLINT=$(CURDIR)/$(OUT)/ckptlint /usr/bin/python3 tests/oracle/torch_own.py --all
	@CKPTLINT=$(CURDIR)/$(OUT)/ckptlint /usr/bin/python3 tests/oracle/torch_grid.py --all

# The oracles that choose their cases at random, for longer than `make test` has time: SECS=3600 (SEED=2 for others).
.PHONY: differential
differential: build/ckptlint $(GENERATORS)
	@CKPTLINT=$(CURDIR)/$(OUT)/ckptlint GEN=$(CURDIR)/$(OUT)/corpus/gen DIFFERENTIAL_SECONDS=$(SECS) DIFFERENTIAL_SEED=$(or $(SEED),1) \
	  /usr/bin/python3 tests/oracle/differential.py

.PHONY: mutate-real
mutate-real: build/ckptlint $(GENERATORS)
	@CKPTLINT=$(CURDIR)/$(OUT)/ckptlint GEN=$(CURDIR)/$(OUT)/corpus/gen MUTATE_SECONDS=$(if $(COUNT),0,$(SECS)) MUTATE_COUNT=$(or $(COUNT),7000) \
	  MUTATE_SEED=$(or $(SEED),1) /usr/bin/python3 tests/oracle/mutate_real.py

.PHONY: safetensors-rules
safetensors-rules: build/ckptlint
	@CKPTLINT=$(CURDIR)/$(OUT)/ckptlint SAFETENSORS_SECONDS=$(SECS) SAFETENSORS_SEED=$(or $(SEED),1) /usr/bin/python3 tests/oracle/safetensors_rules.py

# Preloaded by tests: what they make fail, fails (tests/oom, tests/faults).
$(OUT)/tests/%/shim.so: tests/%/shim.c $(wildcard tests/oom/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -O1 -Wall -Wextra -Werror -fno-builtin -fPIC -shared $< -ldl -o $@

# From every place that asks for memory, the first and the last allocation of every command; POINTS=all: each, for a day.
.PHONY: oom
oom: build/ckptlint $(GENERATORS) $(OUT)/tests/oom/shim.so
	@OUT=$(CURDIR)/$(OUT) OOM_POINTS=$(or $(POINTS),stacks) /usr/bin/python3 tests/oom/oom.py

# Faults of disks, limits, file systems; a file that is changed before each call of the broker.
.PHONY: faults
faults: build/ckptlint $(GENERATORS) $(OUT)/tests/bench/big $(OUT)/tests/faults/shim.so
	@OUT=$(CURDIR)/$(OUT) FAULTS_MOMENTS=0 /usr/bin/python3 tests/faults/faults.py

$(OUT)/tests/valgrind/shim.so: tests/valgrind/shim.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror -fno-builtin -fPIC -shared $< -o $@

# What takes longer than CI has: hours, most of them those of the soak and the fuzzers.
.PHONY: valgrind nightly
valgrind: build/ckptlint $(OUT)/corpus/gen $(OUT)/tests/valgrind/shim.so
	@OUT=$(CURDIR)/$(OUT) sh tests/valgrind.sh

nightly: lint oom faults planted valgrind cover
	@$(MAKE) --no-print-directory soak SECS=3600
	@$(MAKE) --no-print-directory mutate-real differential safetensors-rules SECS=1800
	@$(MAKE) --no-print-directory fuzz-all SECS=600

# Long work in one process: memory and descriptors stay flat. SECS=3600.
$(OUT)/tests/soak/session: tests/soak/session.c $(OUT)/libckptlint.a
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -Wall -Wextra -Werror -Ivalidator/api $< $(OUT)/libckptlint.a $(filter-out -pie,$(LDFLAGS)) -lcjson -lm -o $@

.PHONY: soak
soak: build/ckptlint $(OUT)/corpus/gen $(OUT)/tests/bench/big $(OUT)/tests/soak/session
	@OUT=$(CURDIR)/$(OUT) SECS=$(if $(filter file,$(origin SECS)),3600,$(SECS)) sh tests/soak.sh

# Which rows of the system-call policy nothing needs any more: each left out in turn.
.PHONY: ablation
ablation: build/ckptlint $(GENERATORS)
	@sh tests/ablation.sh

# What runs, by module; every line of the parsers that does not is explained in tests/uncovered.txt, or this fails.
.PHONY: cover cover-programs
cover:
	@$(MAKE) --no-print-directory MODE=cover cover-programs
	@OUT=$(CURDIR)/build/cover sh tests/cover.sh

cover-programs: $(OUT)/ckptlint $(GENERATORS) $(REPLAYS) $(filter $(OUT)/tests/unit/%,$(TESTS)) $(OUT)/tests/sandbox/test_wire $(OUT)/tests/oracle/expected

# Ratios beside cat and torch.load, on this machine.
.PHONY: bench
bench: build/ckptlint $(addprefix $(OUT)/tests/bench/,big measure machine read expand) $(OUT)/tests/unit/test_mutations $(OUT)/corpus/gen
	@MODE=$(MODE) sh tests/bench/bench.sh

$(OUT)/tests/bench/%: tests/bench/%.c $(OUT)/core.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $< $(OUT)/core.a $(LDFLAGS) $(LIBS) -o $@

# LIBDIR for systems that have another one, as in /usr/lib/x86_64-linux-gnu.
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
VERSION := $(shell sed -n 's/^.define CKPTLINT_VERSION "\(.*\)"/\1/p' validator/api/version.h)
define PC_FILE
Name: ckptlint
Description: judges untrusted PyTorch checkpoints
Version: $(VERSION)
Requires.private: libcjson
Cflags: -I$(PREFIX)/include
Libs: -L$(LIBDIR) -lckptlint
Libs.private: -lm
endef

$(OUT)/ckptlint.1: $(OUT)/ckptlint validator/tools/manual.awk
	@echo '  MAN   $@'
	$(Q)for c in '' $$($< help | sed -n '/^Commands/,/^$$/s/^  \([a-z]*\) .*/\1/p'); do [ -z "$$c" ] || echo "@ $$c"; $< help $$c; done | \
	  LC_ALL=C awk -v version=$(VERSION) -f validator/tools/manual.awk > $@

.PHONY: install uninstall
install: export PC := $(PC_FILE)
install: all $(OUT)/ckptlint.1
	install -D -m 755 $(OUT)/ckptlint $(DESTDIR)$(PREFIX)/bin/ckptlint
	install -D -m 644 validator/api/ckptlint.h $(DESTDIR)$(PREFIX)/include/ckptlint.h
	install -D -m 644 $(OUT)/libckptlint.a $(DESTDIR)$(LIBDIR)/libckptlint.a
	install -D -m 755 $(OUT)/libckptlint.so $(DESTDIR)$(LIBDIR)/libckptlint.so.0
	ln -sf libckptlint.so.0 $(DESTDIR)$(LIBDIR)/libckptlint.so
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	printenv PC >$(DESTDIR)$(LIBDIR)/pkgconfig/ckptlint.pc
	install -D -m 644 $(OUT)/ckptlint.1 $(DESTDIR)$(PREFIX)/share/man/man1/ckptlint.1
	install -D -m 644 validator/tools/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ckptlint

uninstall:
	rm -f $(addprefix $(DESTDIR),$(PREFIX)/bin/ckptlint $(PREFIX)/include/ckptlint.h $(LIBDIR)/pkgconfig/ckptlint.pc \
	  $(PREFIX)/share/man/man1/ckptlint.1 $(PREFIX)/share/bash-completion/completions/ckptlint $(addprefix $(LIBDIR)/libckptlint.,a so so.0))

.PHONY: clean
clean:
	rm -rf build

.PHONY: print-flags
print-flags:
	@echo '$(CFLAGS)'
