# make wheels           dist/release/: the source distribution, and wheels of it for x86-64 and aarch64: one for Python 3.11, one
#                       with Python's stable ABI for 3.12 and newer
# make wheel-roots      installs them in empty Debian systems, and runs README's first commands there
# make release-check    builds them again as another user in another folder: they must be the same bytes
# make release          at a clean tag vX.Y.Z: the wheels, an image for each of PEDALS, signatures, lists and checksums
#                       PEDALS="pi-4-usb ..."  BASE=raspios or debian  KEY=an Ed25519 key that signs
#
# On Debian 12 for amd64, as its gcc 12 compiles. Everything else that is linked, and the Python that packs, is unpacked
# from Debian's packages in build/wheels: the bytes do not depend on what else is installed.

WHEELS := build/wheels
RELEASE := dist/release
WHEEL_PACKAGES := cmake flatbuffers-compiler g++-12 g++-12-aarch64-linux-gnu git ninja-build
# The C library of Debian 11 has glibc 2.31.
WHEEL_LIBC := bullseye
WHEEL_PLATFORM := manylinux_2_31
WHEEL_MACHINES := x86_64 aarch64
both = $(1):amd64 $(1):arm64
COMMIT := $(shell git describe --always --dirty --tags 2>/dev/null)

PEDALS ?= $(basename $(notdir $(wildcard hw-profiles/pedals/*.toml)))
BASE ?= raspios
KEY ?=

SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
wheels wheel-roots release release-check: export SOURCE_DATE_EPOCH := $(SOURCE_DATE_EPOCH)

.PHONY: wheels wheel-roots release release-check

wheels: $(WHEELS)/.built-$(COMMIT)
	@ls $(RELEASE)/*.whl $(RELEASE)/*.tar.gz

wheel-roots: $(WHEELS)/.built-$(COMMIT) $(VENV)/.tested-with
	@$(BIN)/python release/try_in_roots.py $(RELEASE) --work $(WHEELS)/roots

release-check: $(WHEELS)/.built-$(COMMIT)
	@$(PYTHON) release/build_again.py $(RELEASE)

# ---- the release ----

release: VERSION = $(patsubst $(RELEASE)/nampedal-%.tar.gz,%,$(wildcard $(RELEASE)/nampedal-*.tar.gz))
release: $(WHEELS)/.at-a-tag $(WHEELS)/.built-$(COMMIT) $(VENV)/.tested-with | $(IMAGE)/.system
	@for pedal in $(PEDALS); do \
	  echo "== building the image for $$pedal"; \
	  $(BIN)/nampedal image build --pedal $$pedal --base $(BASE) $(if $(KEY),--sign $(KEY)) --force \
	    --wheel $(RELEASE)/nampedal-$(VERSION)-cp311-cp311-$(WHEEL_PLATFORM)_aarch64.whl \
	    -o $(RELEASE)/$$pedal-$(VERSION).img || exit; \
	  rm -f $(RELEASE)/$$pedal-$(VERSION).img $(RELEASE)/$$pedal-$(VERSION).img.sig; \
	done
	@$(BIN)/python release/make_release.py $(RELEASE) $(if $(KEY),--key $(KEY)) --native-versions $(WHEELS)/native-versions.toml

.PHONY: $(WHEELS)/.at-a-tag
$(WHEELS)/.at-a-tag:
	@git describe --exact-match --match 'v[0-9]*' >/dev/null || { echo "make release: HEAD has no tag vX.Y.Z: git tag -a vX.Y.Z"; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "make release: there are changes that are not committed: git status"; exit 1; }

# ---- the wheels ----

# What a build gets of this computer's environment: nothing that changes bytes.
WHEEL_BUILD = umask 022; env -i PATH=/usr/bin:/bin HOME=$(CURDIR)/$(WHEELS) LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
  PYTHONPATH=$(CURDIR)/$(WHEELS)/tools PYTHONDONTWRITEBYTECODE=1

# $(1): machine; $(2): Python whose headers it is built with; $(3): what makes it stable, if that is wanted. Both of a
# machine are built in one folder: what of the engine knows no Python is compiled once.
define build_wheel
echo "== building the wheel for $(1), Python $(if $(3),3.12 and newer,$(2))"; \
(cd $(WHEELS)/source && $(WHEEL_BUILD) NAMPEDAL_WHEELS=$(CURDIR)/$(WHEELS) NAMPEDAL_MACHINE=$(1) NAMPEDAL_PYTHON_HEADERS=$(2) \
  CMAKE_TOOLCHAIN_FILE=$(CURDIR)/firmware/cross/wheel.cmake CMAKE_GENERATOR=Ninja \
  SETUPTOOLS_EXT_SUFFIX=.cpython-$(subst .,,$(2))-$(1)-linux-gnu.so \
  $(CURDIR)/$(WHEELS)/bin/python$(2) -c 'import sys; from scikit_build_core.build import build_wheel; \
    build_wheel(sys.argv[1], dict(one.split("=") for one in sys.argv[2:]))' \
  $(CURDIR)/$(RELEASE) build-dir=$(CURDIR)/$(WHEELS)/$(1) env._PYTHON_HOST_PLATFORM=$(WHEEL_PLATFORM)-$(1) $(3)) \
  >$(WHEELS)/$(1)-$(2).log 2>&1 || { tail -n 40 $(WHEELS)/$(1)-$(2).log; exit 1; }
endef

$(WHEELS)/.built-$(COMMIT): $(SOURCES) README.md LICENSE THIRD-PARTY-LICENSES.txt $(wildcard release/*.py) | $(WHEELS)/.sysroot $(WHEELS)/.tools
	@echo "== packing the sources"
	@rm -rf $(RELEASE) $(WHEELS)/source $(WHEELS)/.built-* $(WHEEL_MACHINES:%=$(WHEELS)/%)
	@mkdir -p $(RELEASE) $(WHEELS)/source
	@$(WHEEL_BUILD) GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=$(CURDIR) \
	  $(WHEELS)/bin/python3.11 -c 'from scikit_build_core.build import build_sdist; build_sdist("$(RELEASE)")' >/dev/null
	@tar -xf $(RELEASE)/nampedal-*.tar.gz -C $(WHEELS)/source --strip-components=1
	@$(foreach m,$(WHEEL_MACHINES),$(call build_wheel,$(m),3.11); $(call build_wheel,$(m),3.13,wheel.py-api=cp312);)
	@cd $(RELEASE) && $(WHEEL_BUILD) $(CURDIR)/$(WHEELS)/bin/python3.11 $(CURDIR)/release/check_wheels.py *.whl
	@touch $@

# ---- set-up ----

$(WHEELS)/.system:
	@mkdir -p $(WHEELS)
	@$(call install_packages,$(WHEEL_PACKAGES))
	@touch $@

$(WHEELS)/.python: release/unpack-debian.sh | $(WHEELS)/.system
	@echo "== unpacking Python and libraries of Debian 12 and 13"
	@release/unpack-debian.sh bookworm $(WHEELS)/bookworm python3:amd64 $(call both,libpython3-dev) $(call both,zlib1g-dev) \
	  libflatbuffers-dev:amd64 libkissfft-dev:amd64
	@release/unpack-debian.sh trixie $(WHEELS)/trixie python3:amd64 $(call both,libpython3-dev)
	@mkdir -p $(WHEELS)/bin
	@set -e; for python in bookworm/3.11 trixie/3.13; do \
	  root=$(CURDIR)/$(WHEELS)/$${python%/*}; program=$(WHEELS)/bin/python$${python#*/}; \
	  loader=$$(find $$root -name ld-linux-x86-64.so.2 | head -n 1); \
	  { echo '#!/bin/sh'; \
	    echo "export PYTHONHOME=$$root/usr"; \
	    echo "exec $$loader --library-path $$root/lib/x86_64-linux-gnu:$$root/usr/lib/x86_64-linux-gnu --argv0 \"\$$0\" \
	      $$root/usr/bin/python$${python#*/} \"\$$@\""; } >$$program; \
	  chmod +x $$program; \
	done
	@touch $@

# For the list of what a release contains (release/native_libraries.py): $(1): a library, $(2): its package.
native_version = sed -n 's/^$(2):amd64 \([0-9]*:\)\?\([0-9.]*[0-9]\).*/$(1) = "\2"/p' $(WHEELS)/bookworm/packages.txt
define native_versions
{ $(call native_version,FlatBuffers,libflatbuffers-dev); $(call native_version,KissFFT,libkissfft-dev); \
  $(call native_version,zlib,zlib1g-dev); \
  sed -n 's/^nanobind==\([0-9.]*\).*/nanobind = "\1"/p' release/build-requirements.txt; \
  echo "\"GCC's runtime libraries, libstdc++ and libgcc\" = \"$$(x86_64-linux-gnu-g++-12 -dumpfullversion)\""; }
endef

# Headers and libraries: the C library's of Debian 11, all others' of Debian 12, C++'s those of this computer's gcc 12.
$(WHEELS)/.sysroot: release/unpack-debian.sh release/build-requirements.txt $(WHEELS)/.python
	@echo "== unpacking the C library of Debian 11"
	@release/unpack-debian.sh $(WHEEL_LIBC) $(WHEELS)/sysroot $(call both,libc6-dev) $(call both,libgcc-10-dev)
	@cp -a $(WHEELS)/bookworm/usr/include/python3.* $(WHEELS)/trixie/usr/include/python3.* $(WHEELS)/sysroot/usr/include/
	@cd $(WHEELS)/bookworm/usr/include && cp -a zlib.h zconf.h flatbuffers kissfft ../../../sysroot/usr/include/
	@set -e; cd $(WHEELS); for triplet in $(WHEEL_MACHINES:=-linux-gnu); do \
	  cp -a bookworm/usr/include/$$triplet/python3.* trixie/usr/include/$$triplet/python3.* \
	    sysroot/usr/include/$$triplet/; \
	  cp -a bookworm/usr/lib/$$triplet/libz.a sysroot/usr/lib/$$triplet/; \
	  mkdir -p unwinder/$$triplet; \
	  cp -a sysroot/usr/lib/gcc/$$triplet/10/libgcc_eh.a unwinder/$$triplet/; \
	done
	@ln -s /usr/include/c++ $(WHEELS)/sysroot/usr/include/
	@ln -s /usr/include/x86_64-linux-gnu/c++ $(WHEELS)/sysroot/usr/include/x86_64-linux-gnu/
	@$(call native_versions) >$(WHEELS)/native-versions.toml
	@touch $@

$(WHEELS)/.tools: release/build-requirements.txt | $(BIN)/pip $(WHEELS)/.python
	@echo "== fetching what builds packages"
	@rm -rf $(WHEELS)/tools
	@$(PIP) install --target $(WHEELS)/tools --only-binary=:all: --no-deps -r $<
	@touch $@
