# libtelemetry: the library, the helper, and everything that checks them.
#
#   make                 build/lib/libtelemetry.so, build/bin/telemetry, build/include/telemetry.h
#   make check           the quick look before a commit: build, format, layers, unit tests, a part of the suites
#   make test            every test suite; the last line is "N passed, N failed"
#   make demo            enable telemetry in a private HOME, run two tools, show what was recorded
#   make install         PREFIX=/usr/local LIBDIR=$(PREFIX)/lib MANDIR=$(PREFIX)/share/man
#   make uninstall       removes these files, given the same directories
#                        ZSHCOMPDIR=$(PREFIX)/share/zsh/site-functions DESTDIR= are honoured
#   make header          write include/telemetry.h again, from the Swift exports
#   make check-header    fail if include/telemetry.h is not what `make header` would write
#   make abi             accept additions to the binary interface into its baseline, Sources/TelemetryABI/libtelemetry.so.0.abi
#   make check-abi       fail if a program built against the baseline might not run with what was built, or if it has additions
#   make deb             the Debian packages, in build/deb
#   make test-packages   the suite that builds them twice, and installs, uses, upgrades and purges them in a Debian of their own
#   make man             build/man: pages of the library, its functions, the helper, and the files it reads
#   make completion      build/completion: for bash, zsh and fish
#   make bench           the benchmarks
#   make fuzz            the fuzzers, FUZZ_SECONDS each (default 60)
#   make sanitize        unit and stress tests under the address and the thread sanitizer
#   make torture         random faults around programs with telemetry, TORTURE_SECONDS long (default 3600), from TORTURE_SEED
#   make setup           install what is missing of scripts/packages* (Debian) and scripts/requirements.txt (PyPI)
#   make clean           remove what was built
#   make help            this list

SWIFT ?= swift
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
USERUNITDIR ?= $(PREFIX)/lib/systemd/user
MANDIR ?= $(DATADIR)/man
ZSHCOMPDIR ?= $(DATADIR)/zsh/site-functions
DESTDIR ?=
FUZZ_SECONDS ?= 60
TORTURE_SECONDS ?= 3600
TORTURE_SEED ?=

# The toolchain says where it is and what it builds for.
target_info := $(shell $(SWIFT)c -print-target-info 2>/dev/null)
resources := $(shell printf '%s' '$(target_info)' | sed -n 's/.*"runtimeResourcePath" *: *"\([^"]*\)".*/\1/p')
triple := $(shell printf '%s' '$(target_info)' | sed -n 's/.*"unversionedTriple" *: *"\([^"]*\)".*/\1/p')
# The toolchain's own clang and lld; else those of the system.
LINK ?= $(firstword $(wildcard $(abspath $(resources)/../../bin/clang)) clang)
STRIP ?= strip

release := .build/$(triple)/release
version = $(shell sed -n 's/.*StaticString = "\(.*\)"/\1/p' Sources/TelemetryCore/System/Version.swift)

# The linker generates the code: it sees our modules and the standard library's as one. It inlines what gets smaller by it, as
# Package.swift asks of the compiler, and lays blocks out so that few of them end in a jump. It does not make functions of
# repeated code (-enable-machine-outliner): 2 % of the library, for which delivery would pay 10 %.
generating = -Wl,--lto-O2,-mllvm,-inline-threshold=0,-mllvm,-apply-ext-tsp-for-size
# What a short program executes lies together, and takes few pages (scripts/link-order).
ordering = -Wl,--symbol-ordering-file=linker/order,--no-warn-symbol-ordering
# Debug information names sources relative to this directory: the same bytes wherever it is.
relative = -Xswiftc -debug-prefix-map -Xswiftc $(CURDIR)=. -Xswiftc -file-compilation-dir -Xswiftc . \
	-Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs \
	-Xcc -ffile-prefix-map=$(CURDIR)=. -Xcc -fdebug-compilation-dir=.
# The compiler and its driver are partly Swift programs: their sets and dictionaries have the same order in each run.
compile = SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) build -c release --experimental-lto-mode full --quiet $(relative)

# Identical functions are folded: nothing here compares the addresses of functions.
hardening = -fuse-ld=lld -Wl,-z,relro,-z,now,-z,noexecstack,-z,pack-relative-relocs \
	-Wl,--gc-sections,--icf=all,-O2,--as-needed,--build-id=sha1 $(generating) $(ordering)
library_flags = -shared -Wl,-soname,libtelemetry.so.0 -Wl,-z,nodelete,-z,defs,--no-undefined-version \
	-Wl,--version-script=Sources/TelemetryABI/telemetry.map -Wl,-T,linker/sections.ld

.PHONY: all build help setup header check-header abi check-abi man completion install uninstall deb check test test-packages bench demo fuzz sanitize torture clean FORCE
.DELETE_ON_ERROR:

all: build
build: build/lib/libtelemetry.so build/bin/telemetry build/include/telemetry.h

help:
	@sed -n '/^#  /s/^#  //p' Makefile

# SwiftPM knows best whether anything changed; what depends on its products is linked again
# only if it wrote one. Two builds in one directory would wait for each other: one after the other.
$(release)/libtelemetry.a: FORCE
	@$(compile) --product telemetry

$(release)/telemetry-cli: FORCE | $(release)/libtelemetry.a
	@$(compile) --product telemetry-cli

# For Tests/otlp: the receiver of OTLP without its HTTP server. SwiftPM links it, and nothing installs it.
$(release)/otlp-driver: FORCE | $(release)/telemetry-cli
	@$(compile) --product otlp-driver

build/test-programs/otlp-driver: $(release)/otlp-driver | build/test-programs
	cp $< $@

# What a linked object has beside it: code in the place of the standard library's.
replaced = build/obj/rounding.o build/obj/foreign.o

$(replaced): build/obj/%.o: linker/%.c | build/obj
	$(LINK) -O2 -fPIC -ffreestanding -fno-builtin -Wall -Wextra -c $< -o $@

# What is linked stays unstripped in build/obj, for debuggers and profilers, and is stripped where
# it ships. SwiftPM's list of objects is used, not its archive: that keeps the members of sources
# that are gone. The toolchain's tables of Unicode normalisation are left out, 30 KB that only the
# standard library's comparison of Strings would need: see System/ByteEquality.swift.
build/obj/libtelemetry.so.0: $(release)/libtelemetry.a $(replaced) Sources/TelemetryABI/telemetry.map linker/sections.ld linker/order Makefile
	$(LINK) $(hardening) $(library_flags) -o $@ \
	    -Wl,@$(release)/telemetry.product/Objects.LinkFileList $(replaced) -l:libmd.a

# SwiftPM has the compiler name an executable's entry point after its module.
build/obj/telemetry: $(release)/telemetry-cli $(replaced) linker/order Makefile
	$(LINK) $(hardening) -pie -Wl,--defsym=main=telemetry_cli_main -o $@ \
	    -Wl,@$(release)/telemetry-cli.product/Objects.LinkFileList $(replaced) -l:libmd.a

build/lib/libtelemetry.so.0: build/obj/libtelemetry.so.0 | build/lib
	$(STRIP) --strip-unneeded --remove-section=.comment $< -o $@

build/lib/libtelemetry.so: build/lib/libtelemetry.so.0
	ln -sf libtelemetry.so.0 $@

build/bin/telemetry: build/obj/telemetry | build/bin
	$(STRIP) --strip-all --remove-section=.comment $< -o $@

build/include/telemetry.h: include/telemetry.h | build/include
	cp $< $@

build/lib build/bin build/obj build/include build/test-programs:
	mkdir -p $@

# The header: what the compiler says of the exports, the hand-written C types, and the template.
header: build/obj/telemetry.h
	@mkdir -p include
	cp build/obj/telemetry.h include/telemetry.h
	scripts/symbols include/telemetry.h > debian/libtelemetry0.symbols

check-header: build/obj/telemetry.h
	@diff -u include/telemetry.h build/obj/telemetry.h || \
	    { echo 'include/telemetry.h is out of date: run "make header"' >&2; exit 1; }

build/obj/telemetry.h: $(release)/libtelemetry.a FORCE | build/obj
	@$(SWIFT) build --product header-generator --scratch-path .build-debug --quiet
	@.build-debug/debug/header-generator Sources/header-generator/telemetry.h.in \
	    Sources/CSystem/include/telemetry_types.h \
	    $(release)/TelemetryABI.build/include/TelemetryABI-Swift.h '$(version)' > $@

# The binary interface: the symbols of the library with the types of the header, against what programs were built with.
abi_baseline = Sources/TelemetryABI/libtelemetry.so.0.abi

build/obj/libtelemetry.so.0.abi: build/lib/libtelemetry.so.0 build/obj/telemetry.h scripts/abi
	@scripts/abi describe build/lib/libtelemetry.so.0 build/obj/telemetry.h > $@

abi: build/obj/libtelemetry.so.0.abi
	@[ ! -e $(abi_baseline) ] || scripts/abi compare $(abi_baseline) $<
	cp $< $(abi_baseline)

check-abi: build/obj/libtelemetry.so.0.abi
	@scripts/abi compare $(abi_baseline) $<
	@cmp -s $(abi_baseline) $< || { echo 'the binary interface has additions: run "make abi"' >&2; exit 1; }

# Manual and completions: what the header, the helper's own table of commands and docs/ say.
man: build/man/man3/libtelemetry.3 build/man/man1/telemetry.1 build/man/man5/telemetry-manifest.5 build/man/man5/telemetry-own.5 build/man/man5/telemetry-policy.5
completion: build/completion/telemetry.bash build/completion/_telemetry build/completion/telemetry.fish

manual_generator := .build-debug/debug/manual-generator

# SwiftPM leaves a product alone that is up to date, however old it is.
$(manual_generator): $(wildcard Sources/manual-generator/*.swift Sources/GeneratorText/*.swift) Package.swift
	@$(SWIFT) build --product manual-generator --scratch-path .build-debug --quiet
	@touch $@

build/obj/commands.json: build/bin/telemetry
	build/bin/telemetry help --json > $@

# A page for each function: those of functions that are gone go with them.
build/man/man3/libtelemetry.3: include/telemetry.h $(manual_generator) Sources/TelemetryCore/System/Version.swift
	rm -rf build/man/man3
	mkdir -p build/man/man3
	$(manual_generator) functions $< '$(version)' build/man/man3

frame = $(manual_generator) page $< build/obj/commands.json '$(version)' > $@
frame_sources = build/obj/commands.json $(manual_generator) Sources/TelemetryCore/System/Version.swift

build/man/man1/telemetry.1: man/telemetry.1.in docs/cli.md $(frame_sources) | build/man/man1
	$(frame)

build/man/man5/telemetry-%.5: man/telemetry-%.5.in docs/%.md $(frame_sources) | build/man/man5
	$(frame)

build/completion/telemetry.bash build/completion/telemetry.fish: build/completion/telemetry.%: build/obj/commands.json $(manual_generator) | build/completion
	$(manual_generator) completion $* $< > $@

build/completion/_telemetry: build/obj/commands.json $(manual_generator) | build/completion
	$(manual_generator) completion zsh $< > $@

build/man/man1 build/man/man5 build/completion:
	mkdir -p $@

configure = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@BINDIR@|$(BINDIR)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	-e 's|@INCLUDE_FROM_LIB@|$(shell realpath -ms --relative-to=$(LIBDIR) $(INCLUDEDIR))|' -e 's|@VERSION@|$(version)|'

install: build man completion
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(LIBDIR)/pkgconfig $(LIBDIR)/cmake/telemetry $(INCLUDEDIR) $(DATADIR)/telemetry/lnav \
	    $(USERUNITDIR) $(MANDIR)/man1 $(MANDIR)/man3 $(MANDIR)/man5 $(DATADIR)/bash-completion/completions $(ZSHCOMPDIR) $(DATADIR)/fish/vendor_completions.d)
	install -m 755 build/bin/telemetry $(DESTDIR)$(BINDIR)/telemetry
	install -m 644 build/lib/libtelemetry.so.0 $(DESTDIR)$(LIBDIR)/libtelemetry.so.0
	ln -sf libtelemetry.so.0 $(DESTDIR)$(LIBDIR)/libtelemetry.so
	install -m 644 build/include/telemetry.h bindings/cpp/telemetry.hpp $(DESTDIR)$(INCLUDEDIR)
	install -m 644 bindings/shell/telemetry.sh $(DESTDIR)$(DATADIR)/telemetry/telemetry.sh
	install -m 644 install/lnav/telemetry_log.json $(DESTDIR)$(DATADIR)/telemetry/lnav/telemetry_log.json
	$(configure) install/libtelemetry.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/libtelemetry.pc
	$(configure) install/telemetry-config.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/telemetry/telemetry-config.cmake
	$(configure) install/telemetry-config-version.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/telemetry/telemetry-config-version.cmake
	$(configure) install/telemetry-deliver@.service.in > $(DESTDIR)$(USERUNITDIR)/telemetry-deliver@.service
	$(configure) install/telemetry-agent.service.in > $(DESTDIR)$(USERUNITDIR)/telemetry-agent.service
	install -m 644 install/telemetry-deliver@.timer install/telemetry-agent.socket $(DESTDIR)$(USERUNITDIR)
	install -m 644 build/man/man1/*.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 build/man/man3/*.3 $(DESTDIR)$(MANDIR)/man3
	install -m 644 build/man/man5/*.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 build/completion/telemetry.bash $(DESTDIR)$(DATADIR)/bash-completion/completions/telemetry
	install -m 644 build/completion/_telemetry $(DESTDIR)$(ZSHCOMPDIR)/_telemetry
	install -m 644 build/completion/telemetry.fish $(DESTDIR)$(DATADIR)/fish/vendor_completions.d/telemetry.fish

# Every file that install makes for the same directories. What a tool has recorded stays: `telemetry reset`.
uninstall:
	@tree=$$(mktemp -d) && trap 'rm -rf "$$tree"' EXIT && \
	$(MAKE) --no-print-directory install DESTDIR="$$tree" >/dev/null && \
	(cd "$$tree" && find . ! -type d) | sed 's|^\.||' | while IFS= read -r file; do rm -fv "$(DESTDIR)$$file"; done

deb:
	scripts/deb '$(version)'

test-packages: setup
	@$(MAKE) --no-print-directory build
	scripts/test packages

setup:
	scripts/setup

check:
	scripts/check

test: setup
	@$(MAKE) --no-print-directory build
	scripts/test

demo: setup
	@$(MAKE) --no-print-directory build
	scripts/demo

bench: build
	benchmarks/run --no-make

fuzz:
	Tests/fuzz/run $(FUZZ_SECONDS)

sanitize:
	Tests/sanitizers/run

torture: build
	Tests/world/torture/run --seconds '$(TORTURE_SECONDS)' $(if $(TORTURE_SEED),--seed '$(TORTURE_SEED)')

clean:
	rm -rf build .build .build-debug .build-asan .build-tsan .build-fuzz
