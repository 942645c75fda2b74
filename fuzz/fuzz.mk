# Fuzz targets: fuzz/fuzz_NAME.c each. Included by the Makefile.
#   make fuzz T=pickle SECS=60     a sitting of AFL++ with the target (T='zip tar': one after the other); fuzz/README.md
#   make fuzz-all SECS=600         of every target, as many at a time as there are cores
#   make fuzz-smoke                every target for a few seconds with the sanitizers, as CI does
#   make fuzz-seeds                only the seeds and dictionaries: build/fuzz/seeds, build/fuzz/dict
#   make fuzz-keep                 what the sittings have found, made small, into corpus/fuzz; their figures into fuzz/sittings.tsv
#   make fuzz-report               those figures as a table
#   make fuzz-triage               what broke a target, made small, into corpus/regress
# BUILD=fast as a release (the default), asan with ASan and UBSan, inproc for libFuzzer, which needs no second process.
# replay_NAME runs files through a target with any compiler (driver.c).
FUZZ    := $(patsubst fuzz/fuzz_%.c,%,$(sort $(wildcard fuzz/fuzz_*.c)))
REPLAYS := $(FUZZ:%=$(OUT)/fuzz/replay_%)
T     ?= scan
SECS  ?= 60
BUILD ?= fast

# Inputs that a mutator of ours understands: a program, or a zip that holds one.
MUTATES_pickle := pickle
MUTATES_zip    := zip scan plan report legacy joblib
MUTATOR         = $(strip $(foreach m,pickle zip,$(if $(filter $(MUTATES_$(m)),$(1)),$(m))))
MUTATOR_SRC     = $(if $(1),$(addprefix fuzz/mutators/,mutator.c program.c pickle.c $(1)_input.c))

# MODE=fuzz-BUILD is what the fuzzer's compiler builds: instrumented, as optimized as a release.
FUZZ_SAN    := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_fast   := CC=afl-clang-fast EXTRA_CFLAGS='-O2 -g -DNDEBUG'
FUZZ_asan   := CC=afl-clang-fast EXTRA_CFLAGS='-O2 -g -fno-omit-frame-pointer $(FUZZ_SAN)' EXTRA_LDFLAGS='$(FUZZ_SAN)'
FUZZ_inproc := CC=clang EXTRA_CFLAGS='-O2 -g -DNDEBUG -fsanitize=fuzzer-no-link'
FUZZ_MAKE    = $(MAKE) -f $(firstword $(MAKEFILE_LIST)) --no-print-directory MODE=fuzz-$(BUILD) $(FUZZ_$(BUILD)) \
               $(addprefix build/fuzz-$(BUILD)/fuzz/,$(1:%=fuzz_%) mutate_pickle.so mutate_zip.so)
FUZZ_RUN     = BUILD=$(BUILD) $(foreach m,pickle zip,MUTATES_$(m)='$(MUTATES_$(m))') sh fuzz/run.sh

FUZZ_SHARED := $(patsubst %.c,$(OUT)/%.o,$(wildcard fuzz/shared/*.c))
-include $(FUZZ_SHARED:.o=.d)
$(OUT)/fuzz/shared.a: $(FUZZ_SHARED)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(OUT)/fuzz/replay_%: fuzz/fuzz_%.c fuzz/driver.c $(wildcard fuzz/*.h) $(OUT)/fuzz/shared.a $(OUT)/core.a
	@mkdir -p $(@D)
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) $(filter %.c %.a,$^) $(LDFLAGS) $(LIBS) -o $@

# libFuzzer has the mutator linked, AFL++ loads it.
$(OUT)/fuzz/fuzz_%: fuzz/fuzz_%.c $(wildcard fuzz/*.h fuzz/mutators/*) $(OUT)/fuzz/shared.a $(OUT)/core.a
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $< $(if $(filter fuzz-inproc,$(MODE)),$(call MUTATOR_SRC,$(call MUTATOR,$*))) \
	  $(filter %.a,$^) $(LDFLAGS) $(LIBS) -o $@

$(OUT)/fuzz/mutate_%.so: $(wildcard fuzz/mutators/*)
	@mkdir -p $(@D)
	$(Q)clang $(STD) -O2 -fPIC -shared $(call MUTATOR_SRC,$*) -o $@

$(OUT)/fuzz/dict: fuzz/tools/dict.c $(wildcard rules/globals/*.def validator/*/*.def)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $< $(LDFLAGS) -o $@

.PHONY: fuzz fuzz-all fuzz-smoke fuzz-seeds fuzz-keep fuzz-report fuzz-triage
fuzz-seeds: $(OUT)/corpus/gen $(OUT)/fuzz/dict
	@GEN=$(OUT)/corpus/gen sh fuzz/seeds.sh build/fuzz/seeds
	@DICT=$(OUT)/fuzz/dict sh fuzz/dict.sh build/fuzz/dict

fuzz: fuzz-seeds
	@$(call FUZZ_MAKE,$(T))
	@$(FUZZ_RUN) $(SECS) 1 $(T)

fuzz-all: fuzz-seeds
	@$(call FUZZ_MAKE,$(FUZZ))
	@$(FUZZ_RUN) $(SECS) $(shell nproc) $(FUZZ)

fuzz-smoke: BUILD := asan
fuzz-smoke: fuzz-seeds
	@$(call FUZZ_MAKE,$(FUZZ))
	@KEEP=no STATE=build/fuzz/smoke $(FUZZ_RUN) 3 $(shell nproc) $(FUZZ)

fuzz-keep: $(REPLAYS)
	@sh fuzz/keep.sh $(FUZZ)

fuzz-report:
	@awk -f fuzz/report.awk fuzz/sittings.tsv

fuzz-triage: $(REPLAYS)
	@OUT=$(OUT) sh fuzz/triage.sh $(FUZZ)

# A planted bug of the pickle machine: fuzz/planted/planted.sh shows that it is found, contained and told. The other objects
# are those of the mode: nothing else differs.
$(OUT)/planted/op_memo.c: validator/pickle/op_memo.c fuzz/planted/op_memo.sed
	@mkdir -p $(@D)
	$(Q)sed -f fuzz/planted/op_memo.sed $< >$@ && ! cmp -s $< $@

$(OUT)/planted/op_memo.o: $(OUT)/planted/op_memo.c
	@echo '  CC    $<'
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

-include $(OUT)/planted/op_memo.d

$(OUT)/planted/ckptlint: $(OUT)/planted/op_memo.o $(filter-out $(OUT)/validator/pickle/op_memo.o,$(OBJ))
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LIBS) -o $@

# The object comes before the archive that has the right one.
$(OUT)/planted/fuzz_pickle: fuzz/fuzz_pickle.c $(OUT)/planted/op_memo.o $(OUT)/fuzz/shared.a $(OUT)/core.a
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $^ $(LDFLAGS) $(LIBS) -o $@

.PHONY: planted
planted: BUILD := asan
planted: $(OUT)/planted/ckptlint build/ckptlint
	@$(call FUZZ_MAKE,pickle) build/fuzz-asan/planted/fuzz_pickle
	@OUT=$(CURDIR)/$(OUT) SECS=$(if $(filter file,$(origin SECS)),300,$(SECS)) sh fuzz/planted/planted.sh
