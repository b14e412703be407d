# One non-recursive Makefile. Each variant builds in its own folder, so that
# switching between release, asan, tsan never needs a clean.
#
#   make            guantongd and guantong; VERBOSE=1: every command whole
#   make demo       the main job, end to end     make check  all the tests
#   make deps       what building and running needs, from Debian; deps-check
#                   and deps-demo, which check and demo call, what they need
#   make unit       tests of single modules      make e2e    real daemons, kill -9
#   make asan tsan  unit tests under sanitizers  make fuzz   short, kept corpora
#   make sim SEED=7 the simulator, by seed       make bench  figures, beside peers
#   make sim-check sim-mutants campaign MINUTES=60: see tests/sim/README.md
#   make bench-records ROWS=1000000: records taken in and found, in millions
#   make browser    packages in Debian's Chromium
#   make conformance SUITE=DIR: ADL's xAPI suite, leaf and province, both versions
#   make clients    real xAPI clients, in Node.js and Chromium; MODULES=DIR has them
#   make net        real daemons on bad links, in network namespaces
#   make hostile    rogue terminals, children and parents; hostile-sample: in short
#   make fault      fails every n-th call        make fault-sample  some of them
#   make mutate ROOM=src/records [COUNT=n]: what the tests of a room let live
#   make layers     rooms, core's texts          make tidy fmt fmt-check
#   make paths      the tree in a folder with a space in its name
#   make fresh SUITE=trixie|bookworm [ARCH=arm64]: on a bare Debian, as root
#   make clang      everything, by clang         make install DESTDIR= PREFIX=
#
# V=debug, asan, tsan, cov or fuzz makes any of them with that variant; CFLAGS
# come last.
V ?= release
CC ?= cc
BUILD ?= build
# The tree may lie in a folder of any name; what make builds may not, for make
# itself takes a name with a space in it for two. So names given to make stay
# relative, and whole ones go to the shell, in quotes.
$(if $(word 2,$(BUILD)),$(error BUILD=$(BUILD): make cannot build in a folder with a space in its name))
B := $(BUILD)/$(V)
whole = "$(if $(filter /%,$(1)),,$(CURDIR)/)$(1)"
GEN := $(BUILD)/gen
PYTHON ?= /usr/bin/python3
JOBS := -j$(shell nproc)

# sanitizers put red zones around what is on the stack
FRAME := $(if $(filter release debug,$(V)),16384,65536)
# on a machine that reads nothing askew, as arm64 may not; clang's is strict
CAST_ALIGN := -Wcast-align$(if $(findstring clang,$(CC)),,=strict)
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual $(CAST_ALIGN) -Wwrite-strings -Wundef -Wvla -Walloca \
	-Wformat=2 -Wnull-dereference -Wdouble-promotion \
	-Wimplicit-fallthrough -Wswitch-enum -Wframe-larger-than=$(FRAME) -Werror
STD := -std=c17 -D_POSIX_C_SOURCE=200809L
BASE := $(STD) -fno-common -fno-strict-aliasing \
	-fvisibility=hidden -fno-omit-frame-pointer -g -MMD -MP
# jumps and returns that go where they were to go: each processor has its own
# switch for it; clang before 16 wants to hear that zeros may go away again
MACHINE := $(shell $(CC) -dumpmachine)
CLANG := $(findstring clang,$(CC))
JUMPS := $(if $(filter x86_64-%,$(MACHINE)),-fcf-protection=full)\
	$(if $(filter aarch64-%,$(MACHINE)),-mbranch-protection=standard)
ZEROS := -ftrivial-auto-var-init=zero $(if $(and $(CLANG),$(filter 14.% 15.%,\
	$(shell $(CC) -dumpversion))),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
HARD := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection $(JUMPS) $(ZEROS) -fPIE
HARDLD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
# char has a sign on x86, and none on arm64: the tests see both
SAN_asan := -O1 -funsigned-char -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_tsan := -O1 -fsanitize=thread
SAN_fuzz := -O2 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
# what the targets stand on is watched, but it is not whose ways are counted
PLAIN_fuzz := tests/support/% tests/fuzz/heap.c
SAN_cov := -O0 --coverage
SAN_debug := -Og
$(if $(filter $(V),release debug asan tsan fuzz cov),,\
	$(error unknown V=$(V): release debug asan tsan fuzz cov))
ifeq ($(V),release)
OPT := $(HARD)
LDOPT := $(HARDLD)
else
# at a fixed address: one drawn from 32 bits (vm.mmap_rnd_bits) may fall into what
# these compilers' sanitizer sets aside for its heap
FIXED := $(filter asan fuzz,$(V))
OPT := $(SAN_$(V)) $(if $(FIXED),-fno-pie)
LDOPT := $(SAN_$(V)) $(if $(FIXED),-no-pie)
endif
# assertions stay on in every variant: NDEBUG is never defined

CORE_LIBS := -lsqlite3 -lzstd -ljansson -lutf8proc -lprotobuf-c -lcrypto -lm
DAEMON_LIBS := -luv -lnng -lyaml -lmicrohttpd -lgnutls -lcurl -lsystemd -lssl -lz -lqrencode -lpthread

# Rooms, ground first. A room sees its own headers and those of the rooms below
# it, no others: each has its include path here, and `make layers` reads this
# list to prove the same of every include and of every symbol.
#   room: rooms it may include beside its own
ROOM_proto :=
ROOM_src/base := proto
ROOM_src/object := $(ROOM_src/base) src/base
ROOM_src/policy := $(ROOM_src/base) src/base
ROOM_src/xapi := $(ROOM_src/base) src/base
ROOM_src/trust := $(ROOM_src/base) src/base
ROOM_src/store := $(ROOM_src/base) src/base
ROOM_src/privacy := $(ROOM_src/policy) src/policy src/xapi
# node.h, the one door, lies in src itself
ROOM_src := proto src/base src/xapi
ROOM_src/turn := proto src/base src/object src/policy src/xapi src/trust src/store src
ROOM_src/read := proto src/base src/object src/policy src/xapi src/privacy src/trust src/store
ROOM_src/content := $(ROOM_src/turn) src/turn
ROOM_src/records := $(ROOM_src/turn) src/privacy src/turn
ROOM_src/catalogue := $(ROOM_src/content) src/content src/privacy src/records
ROOM_src/node := $(ROOM_src/catalogue) src/catalogue
# the daemon sees node.h and what is pure or read only, never the rooms of a turn
SRC_ROOMS := $(ROOM_src/read) src src/read
ROOM_daemon/words := $(SRC_ROOMS)
ROOM_daemon/sys := $(SRC_ROOMS) daemon/words
ROOM_daemon/config := $(ROOM_daemon/sys) daemon/sys
ROOM_daemon/net := $(ROOM_daemon/sys) daemon/sys
ROOM_daemon/pki := $(ROOM_daemon/sys) daemon/sys
ROOM_daemon/disk := $(ROOM_daemon/net) daemon/net
ROOM_daemon/core := $(ROOM_daemon/net) daemon/net
ROOM_daemon/http/access := $(ROOM_daemon/sys) daemon/sys
ROOM_daemon/ready := $(ROOM_daemon/net) daemon/net daemon/config daemon/http/access
ROOM_daemon/http := $(ROOM_daemon/core) daemon/core daemon/disk daemon/config \
	daemon/http/access daemon/ready
ROOM_daemon/http/page := $(ROOM_daemon/http) daemon/http
ROOM_daemon/http/content := $(ROOM_daemon/http/page) daemon/http/page
ROOM_daemon/http/xapi := $(ROOM_daemon/http) daemon/http
ROOM_daemon/http/admin := $(ROOM_daemon/http) daemon/http
ROOM_daemon/http/door := $(ROOM_daemon/http/content) daemon/http/content daemon/http/xapi daemon/http/admin
ROOM_daemon/run := $(ROOM_daemon/http/door) daemon/http/door
ROOM_daemon/cli := $(ROOM_daemon/disk) daemon/disk daemon/config daemon/pki \
	daemon/http/access daemon/ready
ROOM_daemon := $(ROOM_daemon/run) daemon/run daemon/pki daemon/cli
ROOMS := $(patsubst ROOM_%,%,$(filter ROOM_%,$(.VARIABLES)))
# its own place among them: a room below may stand in a folder above
room = $(addprefix -iquote ,$(1) $(if $(filter tests%,$(1)),tests tests/support tests/unit $(sort $(ROOMS)),$(ROOM_$(1)))) -isystem $(GEN)

# protobuf-c's initialisers cast qualifiers away; gcc knows them for a system
# header's, clang blames whoever writes them. Only the tests do; they also say
# assert(!"why").
WARN_tests := $(if $(findstring clang,$(CC)),-Wno-cast-qual -Wno-string-conversion)

PROGRAMS := $(B)/guantongd $(B)/guantong
MAINS := daemon/guantongd.c daemon/guantong.c
objects = $(patsubst %.c,$(B)/%.o,$(1))
CORE := $(call objects,$(wildcard proto/*.c src/*/*.c)) $(B)/gen/guantong.pb-c.o
DAEMON := $(call objects,$(filter-out $(MAINS),$(wildcard daemon/*.c daemon/*/*.c daemon/*/*/*.c)))
SUPPORT := $(call objects,$(wildcard tests/support/*.c))
UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/u_*.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/f_*.c))
REPLAYS := $(FUZZERS:%=%.replay)
SIM := $(B)/simulate
VLINK := $(B)/tests/net/vlink
LIBS := $(B)/libsupport.a $(B)/libdaemon.a $(B)/libguantong.a

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all deps deps-check deps-demo unit unit-build property asan tsan clang fuzz fuzzers replay \
	layers layers-selftest paths fmt fmt-check tidy e2e browser net hostile hostile-sample sim sim-build sim-check \
	sim-mutants mutate mutate-selftest campaign fault fault-sample conformance clients bench bench-records demo \
	demo-stop check fresh cov install clean
all: $(PROGRAMS)

# ------------------------------------------------------------------ building
# Each thing made is a line; whole commands by VERBOSE=1, nothing by -s.
SILENT := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
say = $(if $(VERBOSE)$(SILENT),,@printf '  %-3s %s\n' $(1) $@;)

$(GEN)/guantong.pb-c.c: proto/guantong.proto
	@mkdir -p $(@D)
	$(call say,GEN)protoc-c --proto_path=proto --c_out=$(GEN) $<
$(GEN)/guantong.pb-c.h: $(GEN)/guantong.pb-c.c
$(B)/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE) $(OPT) -I$(GEN) -c $< -o $@
$(B)/%.o: %.c Makefile $(GEN)/guantong.pb-c.h
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(BASE) $(WARN) $(WARN_$(firstword $(subst /, ,$<))) $(OPT) $(if $(filter $(PLAIN_$(V)),$<),-fno-sanitize=fuzzer-no-link) $(CFLAGS) $(call room,$(patsubst %/,%,$(dir $<))) -c $< -o $@
$(B)/libguantong.a: $(CORE)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^
$(B)/libdaemon.a: $(DAEMON)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^
# what several tests share; empty where there is nothing to share
$(B)/libsupport.a: $(SUPPORT)
	@mkdir -p $(@D); rm -f $@
	$(call say,AR)$(AR) rcs $@ $^
$(PROGRAMS): $(B)/%: $(B)/daemon/%.o $(B)/libdaemon.a $(B)/libguantong.a
	$(call say,LD)$(CC) $(LDOPT) $^ $(DAEMON_LIBS) $(CORE_LIBS) -o $@
# cmocka tests; they may link all libraries, the linker takes what is used.
# tests/support/nomem.c stands before what they ask memory of
WRAP := malloc calloc realloc strdup free gt_act $(addprefix gt_arena_,get copy str allocator pack)
NOMEM := -Wl,-u,nomem_after $(WRAP:%=-Wl,--wrap=%)
SAID := openat mkdirat ftruncate posix_fallocate pwrite renameat fsync
$(B)/tests/unit/u_blob_errno: LDOPT += $(SAID:%=-Wl,--wrap=%)
$(B)/tests/unit/u_core: LDOPT += -Wl,--wrap=gt_sys_now
$(B)/tests/unit/u_http_open: LDOPT += -Wl,--wrap=getsockopt
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(LIBS)
	$(call say,LD)$(CC) $(LDOPT) $(NOMEM) $^ -lcmocka $(DAEMON_LIBS) $(CORE_LIBS) -o $@
# a fuzz target as libFuzzer runs it, and as a program that replays files
$(B)/tests/fuzz/f_ask $(B)/tests/fuzz/f_ask.replay: DAEMON_LIBS += -lcmocka
$(B)/tests/fuzz/f_ask $(B)/tests/fuzz/f_ask.replay: LDOPT += -Wl,--wrap=gt_http_on_done,--wrap=gt_http_on_connection
$(B)/tests/fuzz/f_wire $(B)/tests/fuzz/f_wire.replay: LDOPT += -Wl,--wrap=gt_sign,--wrap=gt_verify
$(B)/tests/fuzz/f_%: $(B)/tests/fuzz/f_%.o $(B)/tests/fuzz/options.o $(B)/tests/fuzz/heap.o $(LIBS)
	$(call say,LD)$(CC) $(LDOPT) -fsanitize=fuzzer $^ $(DAEMON_LIBS) $(CORE_LIBS) -o $@
$(B)/tests/fuzz/f_%.replay: $(B)/tests/fuzz/f_%.o $(B)/tests/fuzz/replay.o $(B)/tests/fuzz/heap.o $(LIBS)
	$(call say,LD)$(CC) $(LDOPT) $^ $(DAEMON_LIBS) $(CORE_LIBS) -o $@
# a figure of one part, run by hand: build/release/tests/bench/b_cdc DIR...
$(B)/tests/bench/b_%: $(B)/tests/bench/b_%.o $(LIBS)
	$(call say,LD)$(CC) $(LDOPT) $^ $(DAEMON_LIBS) $(CORE_LIBS) -o $@
$(B)/tests/oracle/o_%: $(B)/tests/oracle/o_%.o $(LIBS)
	$(call say,LD)$(CC) $(LDOPT) $^ $(DAEMON_LIBS) $(CORE_LIBS) -o $@
$(B)/simulate: $(call objects,$(wildcard tests/sim/*.c)) $(B)/libsupport.a $(B)/libguantong.a
	$(call say,LD)$(CC) $(LDOPT) $^ $(CORE_LIBS) -o $@

$(VLINK): $(B)/tests/net/vlink.o
	$(call say,LD)$(CC) $(LDOPT) $^ -o $@

# preloaded into the programs, never linked with them; without the sanitizers,
# whose allocator it would stand in front of
$(B)/fault_shim.so: tests/fault/shim.c tests/fault/shim.h Makefile
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -std=c17 $(WARN) -O2 -g -fPIC -shared -fvisibility=hidden -iquote tests/fault $< -o $@

$(B)/fault_tracer: tests/fault/tracer.c tests/fault/shim.h Makefile
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -std=c17 $(WARN) -O2 -g -iquote tests/fault $< -o $@

# --------------------------------------------------------------------- tests
# Every runner ends with a line "N passed, N failed[, N skipped]".

deps:
	@.ci/deps build
deps-check:
	@.ci/deps build check
deps-demo:
	@.ci/deps build demo
unit-build: $(UNIT)
unit property: $(UNIT)
	@tests/unit.sh $(UNIT)
asan:
	@$(MAKE) --no-print-directory V=asan unit
tsan: export TSAN_OPTIONS := suppressions=$(call whole,tests/tsan.supp)
tsan:
	@$(MAKE) --no-print-directory $(JOBS) V=tsan all unit-build
	@$(MAKE) --no-print-directory V=tsan unit
	@$(MAKE) --no-print-directory V=tsan e2e
cov:
	@$(MAKE) --no-print-directory V=cov unit
clang:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD)/clang CC=clang all unit-build sim-build
fuzzers: $(FUZZERS)
fuzz:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD)/clang CC=clang V=fuzz fuzzers
	@tests/fuzz/run.sh $(BUILD)/clang/fuzz/tests/fuzz $(BUILD)
replay: $(REPLAYS)
	@tests/fuzz/replay.sh $(REPLAYS)
# the rooms and what each may include, for whoever checks it
.PHONY: rooms
rooms:
	@: $(foreach r,$(sort $(ROOMS)),$(info $(r): $(ROOM_$(r))))
layers:
	@$(MAKE) -s --no-print-directory rooms | tests/layers/layers.py .
	@$(MAKE) --no-print-directory $(JOBS) -s layers-objects
	@$(MAKE) -s --no-print-directory rooms | tests/layers/layers.py . $(B)
	@tests/layers/sentences.py .
	@tests/layers/words.py .
.PHONY: layers-objects
layers-objects: $(LIBS) $(call objects,$(MAINS))
layers-selftest: $(LIBS) $(call objects,$(MAINS))
	@$(MAKE) -s --no-print-directory rooms | CC="$(CC)" tests/layers/selftest.py . $(B)
# make sim SEED=7 runs one tree; COUNT=n that seed and those after it
SEED ?= 1
COUNT ?= 1
sim-build: $(SIM)
sim: $(SIM)
	@$(SIM) $(SEED) $(COUNT) $(SIMFLAGS)
sim-check: $(SIM)
	@$(MAKE) --no-print-directory $(JOBS) -s V=asan sim-build
	@tests/sim/sweep.sh $(SIM) $(BUILD)/asan/simulate
sim-mutants: $(SIM)
	@$(PYTHON) tests/sim/mutants.py $(B) $(MUTANTS)
# COUNT small faults of the sources of ROOM, drawn by SEED: which do no tests see?
# ONLY=id tries one of them again
mutate: COUNT := 20
mutate:
	@$(MAKE) --no-print-directory -s $(JOBS) unit-build sim-build
	@MAKE="$(MAKE)" CC="$(CC)" BUILD=$(BUILD) V=$(V) $(PYTHON) tests/mutate/mutate.py . "$(ROOM)" \
		--count $(COUNT) --seed $(SEED) $(if $(ONLY),--only $(ONLY))
# the tree in a folder whose name has a space and Chinese in it
paths: $(PROGRAMS) $(B)/fault_shim.so $(B)/fault_tracer $(SIM) $(B)/tests/unit/u_path
	@tests/fresh/paths.py $(BUILD)
mutate-selftest:
	@PYTHON=$(PYTHON) tests/mutate/selftest.sh
MINUTES ?= 10
campaign: $(SIM)
	@$(PYTHON) tests/sim/campaign.py $(SIM) $(MINUTES) $(SIMFLAGS)
e2e: $(PROGRAMS) $(B)/fault_shim.so
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/e2e/run.py $(E2E)
browser: $(PROGRAMS)
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/e2e/run.py --in tests/browser $(BROWSER)
net: $(PROGRAMS) $(VLINK)
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/e2e/run.py --in tests/net $(NET)
# HOSTILE="terminal/flood --seconds 30"
hostile: $(PROGRAMS)
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/hostile/run.py --out $(BUILD)/hostile $(HOSTILE)
hostile-sample:
	@$(MAKE) --no-print-directory hostile HOSTILE=--quick

# real daemons whose n-th call fails, for every n; FAULT="publish sync-eio 7";
# one that was stopped goes on, unless FAULT=--fresh
fault: $(PROGRAMS) $(B)/fault_shim.so $(B)/fault_tracer
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/fault/run.py $(FAULT)
fault-sample:
	@$(MAKE) --no-print-directory fault FAULT="--sample 1"
# ADL's suite, which is no part of this tree: without SUITE it says where to get it
# MODULES: a folder of Node.js modules; without it npm installs tests/package.json's
clients: $(PROGRAMS)
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/clients/run.py "$(if $(filter command environment,$(origin MODULES)),$(MODULES))"
conformance: $(PROGRAMS)
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/conformance/run.py "$(if $(filter command environment,$(origin SUITE)),$(SUITE))" $(CONFORMANCE)
check: deps-check
	@$(MAKE) --no-print-directory $(JOBS) all unit-build sim-build $(VLINK)
	@MAKE="$(MAKE)" JOBS=$(JOBS) BUILD=$(BUILD) tests/run.sh

fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')
# Debian 12 has version 14, Debian 13 has 19. On three shapes they disagree; those
# are refused by either, so that no release has an opinion of its own.
fmt-check:
	@clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	@! git grep -nE '^} \*|\([a-z0-9_]+\) ?("|~\()' -- '*.c' '*.h' ':!tests/layers' | \
		grep -E '} \*|\((u?int[0-9]*(_t)?|char|size_t|unsigned|bool)\)' || \
		{ echo "fmt: clang-format 14 and 19 lay these out in two ways: write another"; exit 1; }
	@echo "fmt ok"
# every file, each seeing what its room sees; says everything, then fails
tidy:
	@$(MAKE) --no-print-directory -k $(JOBS) $(patsubst %.c,tidy/%,$(shell git ls-files '*.c')) && echo "tidy ok"
tidy/%: %.c $(GEN)/guantong.pb-c.h
	@clang-tidy --quiet $< -- $(STD) $(call room,$(patsubst %/,%,$(dir $<))) -Wno-everything 2>/dev/null

# ---------------------------------------------------------------------- runs

demo: deps-demo
	@$(MAKE) --no-print-directory $(JOBS) all
	@KEEP=$(KEEP) GUANTONG_BIN=$(call whole,$(B)) BUILD=$(call whole,$(BUILD)) tests/demo/demo.sh
# the README's two commands on a bare Debian, which is made for it; as root. Of
# another architecture, what can be emulated
SUITE ?= trixie
fresh:
	@.ci/deps fresh
	@SUITE=$(SUITE) ARCH=$(ARCH) BUILD=$(BUILD) tests/fresh/fresh.sh
demo-stop:
	@BUILD=$(call whole,$(BUILD)) tests/demo/stop.sh
# records taken in and found beside bare SQLite, by how many there are; what is in
# build/bench/records stays, and is gone on with
ROWS ?= 10000000
bench-records: $(B)/tests/bench/b_records
	@mkdir -p $(BUILD)/bench/records
	@$(B)/tests/bench/b_records $(BUILD)/bench/records $(ROWS) | tee -a $(BUILD)/bench/records.jsonl
# npm's @learninglocker/xapi-validation beside ours; see tests/oracle/README.md
STATEMENTS ?= 100000
ORACLE = $(or $(MODULES),$(call whole,$(BUILD))/oracle/node_modules)
oracle: $(B)/tests/oracle/o_statement
	@mkdir -p $(BUILD)/oracle && cp tests/oracle/package.json $(BUILD)/oracle
	@test -d $(ORACLE)/@learninglocker/xapi-validation || \
	(cd $(BUILD)/oracle && npm install --no-audit --no-fund) || \
	{ echo "oracle: npm could not install @learninglocker/xapi-validation: see above, or give a folder that has it as MODULES=DIR"; exit 2; }
	@$< $(STATEMENTS) | NODE_PATH=$(ORACLE) node --preserve-symlinks tests/oracle/oracle.js tests/oracle/README.md

bench: $(PROGRAMS)
	@GUANTONG_BIN=$(call whole,$(B)) $(PYTHON) tests/bench/run.py --out $(BUILD)/bench $(BENCH)

PREFIX ?= /usr/local
install: $(PROGRAMS)
	install -D -m 755 $(B)/guantongd "$(DESTDIR)$(PREFIX)/bin/guantongd"
	install -D -m 755 $(B)/guantong "$(DESTDIR)$(PREFIX)/bin/guantong"
	install -d "$(DESTDIR)$(PREFIX)/lib/systemd/system"
	sed 's,/usr/bin/guantong,$(PREFIX)/bin/guantong,' deploy/guantongd@.service \
		>"$(DESTDIR)$(PREFIX)/lib/systemd/system/guantongd@.service"
	for f in $(wildcard configs/*.yaml); do \
		install -D -m 644 $$f "$(DESTDIR)$(PREFIX)/share/doc/guantong/$$f"; done
clean:
	rm -rf $(BUILD)
# not of the machines that `make fresh` keeps there
-include $(shell find $(BUILD) -path $(BUILD)/fresh -prune -o -type f -name '*.d' -print 2>/dev/null)
