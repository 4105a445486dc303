# make wheel-aarch64   dist/*_aarch64.whl, for a Raspberry Pi with the Python that runs here (3.11: Raspberry Pi OS
#                      bookworm, 3.13: trixie)
# make test-aarch64    the engine's tests on it, emulated: cortex-a53 (Zero 2 W, 3), a72 (4), a76 (5); and how many
#                      instructions a sample takes
#
# Nothing is installed for arm64: headers, libraries and Python are unpacked in build/aarch64.

CROSS := build/aarch64
CROSS_PACKAGES := g++-aarch64-linux-gnu gcc mmdebstrap qemu-user
PY := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
SUITE := $(patsubst 3.13,trixie,$(patsubst 3.11,bookworm,$(PY)))
SYSROOT_PACKAGES := libc6-dev,libflatbuffers-dev,libkissfft-dev,libpython3-dev,libstdc++6,python3,zlib1g-dev
PLATFORMS := linux_aarch64 $(foreach v,2_17 2_26 2_27 2_28,manylinux_$(v)_aarch64) manylinux2014_aarch64

.PHONY: wheel-aarch64 test-aarch64

wheel-aarch64: $(CROSS)/.wheel
	@ls dist/*_aarch64.whl

test-aarch64: $(CROSS)/.site $(CROSS)/.bench $(VENV)/.tested-with
	@echo "== counting instructions"
	@$(BIN)/pytest tests/aarch64
	@echo "== running the engine's tests, emulated"
	@$(MAKE) --no-print-directory -j2 $(CROSS)/tested-a53 $(CROSS)/tested-a72-a76

# One core has all the tests, the others what could differ: which instructions a CPU has. Long audio is tested where it
# is fast.
EMULATED = env NAMPEDAL_TEST_FRAMES=24000 OPENBLAS_NUM_THREADS=1 PYTHONHOME=$(CROSS)/root/usr PYTHONPATH=$(CROSS)/site \
  qemu-aarch64 -L $(CROSS)/root
PYTEST = $(CROSS)/root/usr/bin/python$(PY) -m pytest -q -p no:cacheprovider -o faulthandler_timeout=0 tests/firmware/engine/test_inference.py

.PHONY: $(CROSS)/tested-a53 $(CROSS)/tested-a72-a76
$(CROSS)/tested-a53:
	@$(EMULATED) -cpu cortex-a53 $(PYTEST)
$(CROSS)/tested-a72-a76:
	@for cpu in a72 a76; do $(EMULATED) -cpu cortex-$$cpu $(PYTEST) -k 'neuralampmodelercore or whatever or tanh' || exit; done

# ---- set-up ----

$(CROSS)/.system:
	@mkdir -p $(CROSS)
	@$(call install_packages,$(CROSS_PACKAGES))
	@touch $@

$(CROSS)/.root: | $(CROSS)/.system
	@test "$(SUITE)" != "$(PY)" || { echo "Python $(PY) is on no Raspberry Pi OS: use PYTHON=python3.11 or python3.13"; exit 1; }
	@echo "== unpacking an arm64 Debian $(SUITE) in $(CROSS)/root"
	@rm -rf $(CROSS)/root
	@mmdebstrap --quiet --arch=arm64 --variant=extract --aptopt='APT::Install-Recommends "false"' \
	  --include=$(SYSROOT_PACKAGES) $(SUITE) $(CROSS)/root
	@touch $@

$(CROSS)/.wheel: $(SOURCES) firmware/cross/aarch64.cmake | $(CROSS)/.root $(VENV)/.builds
	@echo "== building the wheel for aarch64"
	@rm -f dist/*_aarch64.whl
	@NAMPEDAL_SYSROOT=$(CURDIR)/$(CROSS)/root CMAKE_TOOLCHAIN_FILE=$(CURDIR)/firmware/cross/aarch64.cmake \
	  CMAKE_GENERATOR=Ninja _PYTHON_HOST_PLATFORM=linux-aarch64 \
	  SETUPTOOLS_EXT_SUFFIX=.cpython-$(subst .,,$(PY))-aarch64-linux-gnu.so \
	  $(PIP) wheel --no-build-isolation --no-deps -w dist .
	@touch $@

$(CROSS)/.site: $(CROSS)/.wheel
	@echo "== unpacking it, and what its tests need"
	@rm -rf $(CROSS)/site
	@$(PIP) install --target $(CROSS)/site --only-binary=:all: $(addprefix --platform=,$(PLATFORMS)) \
	  dist/*_aarch64.whl 'pytest>=8' 'hypothesis>=6'
	@touch $@

$(CROSS)/.bench: $(SOURCES) bench/play.cpp bench/qemu_blocks.c firmware/cross/aarch64.cmake | $(CROSS)/.root
	@echo "== building what counts instructions"
	@cmake -S . -B $(CROSS)/bench -G Ninja -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/firmware/cross/aarch64.cmake \
	  -DNAMPEDAL_SYSROOT=$(CURDIR)/$(CROSS)/root -DNAMPEDAL_PYTHON=OFF -DNAMPEDAL_PROBES=ON -DNAMPEDAL_WERROR=ON >/dev/null
	@cmake --build $(CROSS)/bench --target play allocation_probe >/dev/null
	@version=$$(qemu-aarch64 --version | sed -n 's/.*version \([0-9]*\).*/\1/p'); \
	  gcc -O2 -Wall -Werror -shared -fPIC -DPLUGIN_VERSION=$$([ $$version -lt 9 ] && echo 1 || echo 2) \
	  -o $(CROSS)/qemu_blocks.so bench/qemu_blocks.c
	@touch $@
