# One non-recursive Makefile. Each variant builds in its own folder, so that
# switching between release, asan, tsan never needs a clean.
#
#   make            guantongd and guantong       make deps   Debian packages
#   make demo       the main job, end to end     make check  all the tests
V ?= release
CC ?= cc
BUILD ?= build
B := $(BUILD)/$(V)
GEN := $(BUILD)/gen

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Walloca \
	-Wformat=2 -Wnull-dereference -Wdouble-promotion \
	-Wimplicit-fallthrough -Wswitch-enum -Wframe-larger-than=16384 -Werror
BASE := -std=c17 -D_POSIX_C_SOURCE=200809L -fno-common -fno-strict-aliasing \
	-fvisibility=hidden -fno-omit-frame-pointer -g -MMD -MP
HARD := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fPIE
HARDLD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
SAN_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_tsan := -O1 -fsanitize=thread
SAN_cov := -O0 --coverage
SAN_debug := -Og
ifeq ($(V),release)
OPT := $(HARD)
LDOPT := $(HARDLD)
else
OPT := $(SAN_$(V))
LDOPT := $(SAN_$(V))
$(if $(OPT),,$(error unknown V=$(V): release debug asan tsan cov))
endif
# assertions stay on in every variant: NDEBUG is never defined

CORE_LIBS := -lsqlite3 -lzstd -ljansson -lprotobuf-c -lcrypto -lm
DAEMON_LIBS := -luv -lnng -lyaml -lmicrohttpd -lcurl -lsystemd -lssl -lpthread

# A room sees its own headers and those of the rooms below it, no others.
INC_proto := -iquote proto -isystem $(GEN)
INC_src := -iquote src $(INC_proto)
INC_daemon := -iquote daemon $(INC_src)
INC_tests := -iquote tests $(INC_daemon)

PROGRAMS := $(B)/guantongd $(B)/guantong
MAINS := daemon/guantongd.c daemon/guantong.c
objects = $(patsubst %.c,$(B)/%.o,$(1))
CORE := $(call objects,$(wildcard proto/*.c src/*.c)) $(B)/gen/guantong.pb-c.o
DAEMON := $(call objects,$(filter-out $(MAINS),$(wildcard daemon/*.c)))
UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/u_*.c))

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all unit layers fmt fmt-check tidy clean
all: $(PROGRAMS)

$(GEN)/guantong.pb-c.c: proto/guantong.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=proto --c_out=$(GEN) $<
$(GEN)/guantong.pb-c.h: $(GEN)/guantong.pb-c.c
$(B)/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE) $(OPT) -I$(GEN) -c $< -o $@
$(B)/%.o: %.c Makefile | $(GEN)/guantong.pb-c.h
	@mkdir -p $(@D)
	$(CC) $(BASE) $(WARN) $(OPT) $(INC_$(firstword $(subst /, ,$<))) -c $< -o $@
$(B)/libguantong.a: $(CORE)
	@rm -f $@; ar rcs $@ $^
$(B)/libdaemon.a: $(DAEMON)
	@rm -f $@; ar rcs $@ $^
$(PROGRAMS): $(B)/%: $(B)/daemon/%.o $(B)/libdaemon.a $(B)/libguantong.a
	$(CC) $(LDOPT) $^ $(DAEMON_LIBS) $(CORE_LIBS) -o $@
# cmocka tests; they may link both libraries, the linker takes what is used
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libdaemon.a $(B)/libguantong.a
	$(CC) $(LDOPT) $^ -lcmocka $(DAEMON_LIBS) $(CORE_LIBS) -o $@
unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done; echo "unit ok ($(V))"

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')
fmt-check:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
clean:
	rm -rf $(BUILD)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
