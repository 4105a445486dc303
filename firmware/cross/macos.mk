# make engine-macos    does the engine compile and link for Macs, with Apple's and Intel's processors? By zig, which
#                      brings macOS' headers and a linker; nothing can be run here

MACOS := build/macos
MACOS_CPUS := arm64 x86_64
ZIG := ziglang==0.17.1

.PHONY: engine-macos $(addprefix engine-macos-,$(MACOS_CPUS))

engine-macos: $(addprefix engine-macos-,$(MACOS_CPUS))

$(addprefix engine-macos-,$(MACOS_CPUS)): engine-macos-%: $(MACOS)/.zig
	@echo "== building the engine for macOS, $*"
	@env NAMPEDAL_MACOS=$* NAMPEDAL_ZIG=$(CURDIR)/$(MACOS)/zig-$* NAMPEDAL_HEADERS=$(CURDIR)/$(MACOS)/headers \
	  cmake -S . -B $(MACOS)/$* -G Ninja -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/firmware/cross/macos.cmake \
	  -DZLIB_LIBRARY=$(CURDIR)/$(MACOS)/headers/lib/libz.tbd -DNAMPEDAL_PYTHON=OFF -DNAMPEDAL_LIBRARY=ON \
	  -DNAMPEDAL_PROBES=ON -DNAMPEDAL_WERROR=ON >/dev/null
	@cmake --build $(MACOS)/$*

# zig has no libz of macOS, but a description of what a library exports is enough to link.
$(MACOS)/.zig: | build/.system $(BIN)/pip
	@echo "== unpacking a compiler for macOS"
	@mkdir -p $(MACOS)/headers/include $(MACOS)/headers/lib
	@$(PIP) install --upgrade --target $(MACOS)/package '$(ZIG)'
	@ln -sfn /usr/include/kissfft $(MACOS)/headers/include/kissfft
	@ln -sfn /usr/include/flatbuffers $(MACOS)/headers/include/flatbuffers
	@cp /usr/include/zlib.h /usr/include/zconf.h $(MACOS)/headers/include/
	@printf '%s\n' '--- !tapi-tbd' 'tbd-version: 4' 'targets: [ x86_64-macos, arm64-macos ]' \
	  "install-name: '/usr/lib/libz.1.dylib'" 'exports:' '  - targets: [ x86_64-macos, arm64-macos ]' \
	  '    symbols: [ _crc32 ]' '...' > $(MACOS)/headers/lib/libz.tbd
	@for cpu in $(MACOS_CPUS); do \
	  mkdir -p $(MACOS)/zig-$$cpu; \
	  target=$$(echo $$cpu | sed s/arm64/aarch64/)-macos; \
	  for tool in "c++ -target $$target" ar ranlib; do \
	    printf '#!/bin/sh\nZIG_GLOBAL_CACHE_DIR=%s exec %s %s "$$@"\n' $(CURDIR)/$(MACOS)/cache \
	      $(CURDIR)/$(MACOS)/package/ziglang/zig "$$tool" > $(MACOS)/zig-$$cpu/$${tool%% *}; \
	    chmod +x $(MACOS)/zig-$$cpu/$${tool%% *}; \
	  done; \
	done
	@touch $@
