# Field and sync-server.  One Makefile, no recursion; `make help` lists the targets.
# Yours to set: CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR V=1 WERROR=1 B=build SAN=address,undefined
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
B ?= build
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

PACKAGES := gcc make pkg-config libsqlite3-dev libcurl4-openssl-dev zlib1g-dev libsodium-dev \
	libmicrohttpd-dev libgnutls28-dev libutf8proc-dev libjansson-dev libxlsxwriter-dev libcmocka-dev \
	perl python3 unzip curl strace openssl
ifneq ($(filter bench-vault,$(MAKECMDGOALS)),)
PACKAGES += libsqlcipher-dev
endif
ifneq ($(filter bench-sync,$(MAKECMDGOALS)),)
ifeq ($(shell command -v node >/dev/null && command -v npm),)
PACKAGES += nodejs npm
endif
endif
LIBS := sqlite3 libcurl zlib libsodium libmicrohttpd gnutls libutf8proc jansson xlsxwriter

# The first goal of a bare machine brings its packages; $(shell) runs before the rules are read.
NEEDS_PACKAGES := $(filter-out clean help,$(or $(MAKECMDGOALS),all))
ifneq ($(NEEDS_PACKAGES),)
ifneq ($(shell tests/support/packages $(PACKAGES) >&2 && echo ready),ready)
$(error packages are missing: see the list above)
endif
endif

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 \
	-Wstrict-prototypes -Wmissing-prototypes -Wundef -Wcast-qual -Wcast-align -Wwrite-strings \
	-Wpointer-arith -Wvla -Wswitch-enum -Wnull-dereference -Wdouble-promotion
ifeq ($(findstring clang,$(CC)),)
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches
HARDEN := -ftrivial-auto-var-init=zero
endif
ifeq ($(SAN),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection=full
endif
else
HARDEN := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ALLC := -std=c11 -D_POSIX_C_SOURCE=200809L -I. $(WARN) $(if $(WERROR),-Werror) $(HARDEN) -fPIE \
	$(shell pkg-config --cflags $(LIBS) 2>/dev/null) $(CPPFLAGS) $(CFLAGS)
ALLLD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LDLIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm -lpthread

SHARED_SRC := $(wildcard shared/*/*.c)
FIELD_SRC := $(filter-out field/main.c,$(wildcard field/*.c))
SERVER_SRC := $(filter-out sync-server/main.c,$(wildcard sync-server/*.c))
SUPPORT_SRC := $(wildcard tests/support/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
CRASH_SRC := $(wildcard tests/crash/*.c)
SIM_SRC := $(wildcard tests/simulate/*.c) $(addprefix tests/crash/crash_,calls.c disk.c file.c posix.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FLOWS := $(wildcard tests/flow/*.t)
EMBED := $(sort $(wildcard schema/forms/*/*.csv schema/codes/*.csv schema/words/*.csv schema/rules/*.csv schema/reports/*.sql schema/report_parts/*.sql \
	schema/exchange/*.sql schema/exchange/*.csv schema/plans/*/*.csv schema/*.sql schema/dictionaries/*))

PAGE_ASSETS := $(sort $(wildcard field/ui/*))

obj = $(patsubst %.c,$(B)/%.o,$(1))
UNITS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c tests/bench/sync/*.c))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
REPLAYS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
OBJ := $(call obj,$(SHARED_SRC) $(FIELD_SRC) $(SERVER_SRC) $(SUPPORT_SRC) $(UNIT_SRC) $(CRASH_SRC) $(SIM_SRC) $(FUZZ_SRC) \
	$(wildcard tests/bench/*.c tests/bench/sync/*.c tests/tools/*.c) field/main.c sync-server/main.c) $(B)/gen/embedded_data.o $(B)/gen/page_assets.o

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all demo browser pictures check simulate bench bench-vault bench-duplicates bench-sync bench-reports bench-ui lint san fuzz crash faults fault-units cuts damage install uninstall clean help units flows headers

all: $(B)/bin/field $(B)/bin/sync-server

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC $<")
	$(Q)$(CC) $(ALLC) -MMD -MP -c -o $@ $<

$(B)/gen/embedded_data.c: $(EMBED) tests/support/embed Makefile
	@mkdir -p $(@D)
	$(Q)tests/support/embed embedded $(EMBED) > $@
$(B)/gen/embedded_data.o: $(B)/gen/embedded_data.c
	$(Q)$(CC) $(ALLC) -c -o $@ $<

$(B)/gen/page_assets.c: $(PAGE_ASSETS) tests/support/embed Makefile
	@mkdir -p $(@D)
	$(Q)tests/support/embed page_assets $(PAGE_ASSETS) > $@
$(B)/gen/page_assets.o: $(B)/gen/page_assets.c
	$(Q)$(CC) $(ALLC) -c -o $@ $<

$(B)/libshared.a: $(call obj,$(SHARED_SRC)) $(B)/gen/embedded_data.o
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libfield.a: $(call obj,$(FIELD_SRC)) $(B)/gen/page_assets.o
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libserver.a: $(call obj,$(SERVER_SRC))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(B)/libsupport.a: $(call obj,$(SUPPORT_SRC))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

comma := ,
define link
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD $@")
	$(Q)$(CC) $(ALLLD) -o $@ $(1) $(LDLIBS) $(2)
endef
$(B)/bin/field: $(B)/field/main.o $(B)/libfield.a $(B)/libshared.a
	$(call link,$^)
$(B)/bin/sync-server: $(B)/sync-server/main.o $(B)/libserver.a $(B)/libshared.a
	$(call link,$^)
TESTLIBS := $(B)/libsupport.a $(B)/libfield.a $(B)/libserver.a $(B)/libshared.a
$(B)/tests/%: $(B)/tests/unit/%.o $(TESTLIBS)
	$(call link,$^,-lcmocka)
# In these any call of the system can be made to fail (tests/support/faults.h).
FAULTS := malloc calloc realloc strdup sodium_malloc open mkstemp opendir read write fsync \
	rename link unlink mkdir
FAULT_UNITS := $(filter $(B)/tests/test_faults_%,$(UNITS))
$(FAULT_UNITS): $(B)/tests/%: $(B)/tests/unit/%.o $(TESTLIBS)
	$(call link,$^,-lcmocka $(FAULTS:%=-Wl$(comma)--wrap=%))
$(B)/bench/%: $(B)/tests/bench/%.o $(TESTLIBS)
	$(call link,$^)
# What flows look with: what is written, and what is left in memory.
$(B)/tools/%: $(B)/tests/tools/%.o $(TESTLIBS)
	$(call link,$^)
# The crash harness: what the linker leads to its disk in memory is in tests/crash/crash_calls.h.
CRASH_CALLS := open close read write fsync stat lstat fstat mkstemp rename link unlink flock \
	access opendir readdir closedir crypto_pwhash sodium_malloc sodium_free
$(B)/tests/test_crash: $(call obj,$(CRASH_SRC)) $(TESTLIBS)
	$(call link,$^,-lcmocka $(addprefix -Wl$(comma)--wrap=,$(CRASH_CALLS)))
# The simulator: the same disks, and what tests/simulate/sim_break.c watches or breaks.  Its
# sim_network.c comes before the archives, so that transport.c stays out.
SIM_CALLS := $(CRASH_CALLS) time clock_gettime seal_verify frame_seal secret_random \
	secret_random_bytes block_key_new register_state_init register_state_decode record_edit journal_append \
	depot_generation exchange_frame_down_read replica_take_frame \
	crypto_aead_xchacha20poly1305_ietf_encrypt crypto_aead_xchacha20poly1305_ietf_encrypt_detached
$(B)/tests/test_simulate: $(call obj,$(SIM_SRC)) $(TESTLIBS)
	$(call link,$^,-lcmocka $(addprefix -Wl$(comma)--wrap=,$(SIM_CALLS)))
# The same fuzz target, with a main that replays a corpus.
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(TESTLIBS)
	$(call link,$^)

units: $(UNITS)
check: all $(UNITS) $(B)/tests/test_crash $(B)/tests/test_simulate $(REPLAYS) $(BENCHES) $(TOOLS)
	@tests/support/run-checks $(B) $(FLOWS)
demo: all $(B)/bench/make_corpus
	@tests/support/demo $(B)/bin
# The page in a real browser; its pictures are in $(B)/screens.
browser: all
	@BIN=$(abspath $(B))/bin tests/browser/run day && BIN=$(abspath $(B))/bin tests/browser/run desk
pictures: all $(B)/bench/make_corpus
	@BIN=$(abspath $(B))/bin tests/browser/pictures
bench: all $(BENCHES)
	@tests/bench/run $(B)
bench-vault: $(B)/bench/bench_vault
	@tests/bench/run-vault $(B)
bench-sync: all $(BENCHES)
	@tests/bench/sync/run $(B)
bench-reports: all $(addprefix $(B)/bench/,bench_reports bench_desk make_corpus)
	@tests/bench/run-reports $(B)
bench-ui: all $(B)/bench/fill
	@tests/bench/run-ui $(B)
bench-duplicates: $(B)/bench/bench_duplicates
	@$< $(or $(PERSONS),100000) $(or $(PLANTED),2000) $(or $(SEED),2026)
crash: $(B)/tests/test_crash
	CRASH_CUTS=$(or $(CUTS),1000000) $(B)/tests/test_crash
simulate: $(B)/tests/test_simulate
	RUNS=$(or $(RUNS),20000) HISTORIES=$(or $(HISTORIES),1000000) SEED=$(SEED) $<
lint:
	@tests/support/lint $(CC) "$(ALLC)"
san:
	@$(MAKE) --no-print-directory B=$(B)/san SAN=address,undefined CFLAGS="-O1 -g" check
faults:
	@$(MAKE) --no-print-directory B=$(B)/san SAN=address,undefined CFLAGS="-O1 -g" fault-units
	@for t in $(FAULT_UNITS:$(B)/%=$(B)/san/%); do FAULTS=all $$t || exit 1; done
fault-units: $(FAULT_UNITS)
# Four processes share the bytes; in memory, since thousands of syncs to a disk would take the most time.
cuts: $(B)/tests/test_replica_cut
	@for i in 0 1 2 3; do TMPDIR=$(or $(TMPDIR),$(firstword $(wildcard /dev/shm /tmp))) CUT_EVERY=4 CUT_FROM=$$i $< & \
	p="$$p $$!"; done; for i in $$p; do wait $$i || bad=1; done; exit $${bad:-0}
damage: $(B)/tests/test_vault_damage
	@DAMAGE=all $<
fuzz:
	@tests/fuzz/run $(B)/libfuzzer $(FUZZ_SECONDS)

MAN := field/field.1 sync-server/sync-server.1
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(B)/bin/field $(B)/bin/sync-server $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man1
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/field $(DESTDIR)$(PREFIX)/bin/sync-server
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(MAN)))
clean:
	rm -rf $(B)
help:
	@echo "all      build bin/field and bin/sync-server in $(B)/"
	@echo "demo     a whole province on this machine, in a minute"
	@echo "browser  a worker's day and three desks in a real browser; pictures of every screen in $(B)/screens"
	@echo "pictures  those of README.md, taken again"
	@echo "check    every test; the last line is 'N passed, N failed'"
	@echo "bench    bytes, requests, seconds and memory on 20,000 records (N=...)"
	@echo "bench-vault  the vault's disk work beside plain SQLite and SQLCipher (ROWS= MANY= ROUNDS=)"
	@echo "bench-sync  beside PouchDB and SQLite's session extension; the relay's rates (NS= SECONDS_EACH= FRAMES=)"
	@echo "bench-reports  all tables, search, lists and imports over a million records (MANY= COMMUNE= PERSONS= ROWS=)"
	@echo "bench-ui  what a worker waits for in the page, in a browser slowed four times (RECORDS= ROUNDS= SLOW=)"
	@echo "bench-duplicates  planted second records among persons: found, right, seconds, memory (PERSONS= PLANTED= SEED=)"
	@echo "crash    power cuts at every write of a vault's life (CUTS=1000000; 100,000 of them in check)"
	@echo "simulate 20,000 provinces with every accident, 1,000,000 histories (RUNS= HISTORIES= SEED=)"
	@echo "lint     floors, headers that compile alone, analyzers, manual pages"
	@echo "san      check under AddressSanitizer and UBSan"
	@echo "faults   every allocation and call of the system fails once, under ASan"
	@echo "cuts     a transfer cut behind every single byte, both ways (minutes; a stride of them in check)"
	@echo "damage   every bit of every file of a vault turned, every length"
	@echo "fuzz     every parser of outside bytes (FUZZ_SECONDS=60 each; needs clang)"
	@echo "install  into PREFIX=$(PREFIX);  uninstall;  clean"

-include $(OBJ:.o=.d)
