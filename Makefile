# ckptlint: one Makefile, out of tree in build/$(MODE)/.
#   make            the release build: build/ckptlint, build/libckptlint.a, build/libckptlint.so
#   make test       everything that CI runs, its own set-up included; ends with "N passed, N failed"
#   make demo       installs what is missing, builds, and shows the main job on two files
#   make MODE=asan test      the same tests under ASan and UBSan (debug, intsan: likewise)
MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif

OUT   := build/$(MODE)
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
asan_C    := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan_L    := -fsanitize=address,undefined
intsan_C  := -O1 -g3 -fsanitize=integer,implicit-conversion,bounds -fno-sanitize-recover=all
intsan_L  := -fsanitize=integer,implicit-conversion,bounds

ISCLANG := $(shell $(CC) --version 2>/dev/null | grep -c clang)
CFLAGS  := $(STD) $(WARN) $(if $(filter 0,$(ISCLANG)),$(GCCW),$(CLANGW)) $($(MODE)_C) -Werror $(EXTRA_CFLAGS)
LDFLAGS := $($(MODE)_L) $(EXTRA_LDFLAGS)
LIBS    := -lseccomp -lcjson -ldeflate -lm -ldl

SRC := $(sort $(wildcard validator/*/*.c rules/*.c sandbox/*.c))
.PHONY: print-flags
print-flags:
	@echo '$(CFLAGS)'
