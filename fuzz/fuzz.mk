# Fuzz targets: fuzz/fuzz_NAME.c each. Included by the Makefile.
#   make fuzz T=pickle SECS=60     AFL++ on one target, from the corpus' own files; findings in build/fuzz/out/NAME
#   make fuzz-smoke                every target for 5 seconds, as CI does
#   make fuzz-seeds                only the seeds: build/fuzz/seeds/NAME
# replay_NAME runs files through a target with any compiler (driver.c); make test replays corpus/regress/NAME and the seeds.
FUZZ    := $(patsubst fuzz/fuzz_%.c,%,$(sort $(wildcard fuzz/fuzz_*.c)))
REPLAYS := $(FUZZ:%=$(OUT)/fuzz/replay_%)
T    ?= scan
SECS ?= 60

# MODE=fuzz is what AFL's compiler builds: instrumented, with the sanitizers, as optimized as a release.
FUZZ_SAN  := -fsanitize=address,undefined
FUZZ_MAKE := $(MAKE) -f $(firstword $(MAKEFILE_LIST)) --no-print-directory MODE=fuzz CC=afl-clang-fast \
             EXTRA_CFLAGS='-O2 -g $(FUZZ_SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer' \
             EXTRA_LDFLAGS='$(FUZZ_SAN)'

$(OUT)/fuzz/replay_%: fuzz/fuzz_%.c fuzz/driver.c $(wildcard fuzz/*.h) $(OUT)/core.a
	@mkdir -p $(@D)
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) $(filter %.c,$^) $(OUT)/core.a $(LDFLAGS) $(LIBS) -o $@

build/fuzz/fuzz_%: fuzz/fuzz_%.c $(wildcard fuzz/*.h) build/fuzz/core.a
	@echo '  LD    $@'
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $< build/fuzz/core.a $(LDFLAGS) $(LIBS) -o $@

.PHONY: fuzz fuzz-smoke fuzz-seeds
fuzz-seeds: $(OUT)/corpus/gen
	@GEN=$(OUT)/corpus/gen sh fuzz/seeds.sh build/fuzz/seeds

fuzz: fuzz-seeds
	@$(FUZZ_MAKE) build/fuzz/fuzz_$(T)
	@sh fuzz/run.sh $(T) $(SECS)

fuzz-smoke: fuzz-seeds
	@$(FUZZ_MAKE) $(FUZZ:%=build/fuzz/fuzz_%)
	@sh fuzz/run.sh '$(FUZZ)' 5
