# make demo    set everything up, convert the demo capture, play the riff through it
# make test    set everything up, check the style, run the tests
# make test-long    the tests that take tens of seconds each: the documents' commands, fuzzing, soaking, figures
# make test-clang    the engine and its probes as clang builds them, by the tests that run them
# make soak MINUTES=30    everything that comes and goes, all at once, while the pedal plays
# make fuzz    odd input for all that reads files of others, for ten minutes: tests/fuzz/fuzz.mk
# make site    the site of the documents, strictly, in build/site
# make lint    the style alone;  make clean    take away what make made
# make wheel-aarch64, make test-aarch64    for the Raspberry Pi: firmware/cross/aarch64.mk
# make wheels, make release    what is published: release/wheels.mk
# make engine-windows, make test-windows, make engine-macos    for other computers: firmware/cross/
#
# Set-up is done once: system packages by apt, a virtual environment in .venv, the build in build/.

PYTHON ?= python3
# How long make soak takes.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

PACKAGES := cmake flatbuffers-compiler g++ libflatbuffers-dev libkissfft-dev libsndfile1 make ninja-build python3-dev python3-venv zlib1g-dev
# What the tests need beside that: both sound servers, a mixer and its library, what checks units, what makes, reads and signs
# images, what joins networks, a browser.
TEST_PACKAGES := alsa-utils bmap-tools chromium cpio device-tree-compiler dosfstools e2fsprogs fdisk jackd2 libasound2-dev mtools \
  openssh-client pipewire pipewire-jack squashfs-tools systemd wireless-regdb wpasupplicant zstd
SOURCES := $(shell find CMakeLists.txt pyproject.toml board converter firmware hw-profiles systemd -type f -not -name '*.pyc')
CXX_FILES := $(shell find bench board firmware tests -name '*.cpp' -o -name '*.h' -o -name '*.ino')

CLANG_PACKAGES := clang libclang-rt-dev
# Those of tests that build the engine: with CXX set, each builds with that compiler, in a folder of its own.
CLANG_TESTS := $(addprefix tests/firmware/engine/test_,library.py neon_tiles.py races.py realtime.py)

# What runs on this computer, without an emulator. Many tests wait for sound: three workers keep two cores busy.
EMULATED_TESTS := aarch64 image windows
PYTEST_HERE := $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(EMULATED_TESTS:%=--ignore=tests/%)

.PHONY: demo test test-long test-clang soak lint site clean
.DELETE_ON_ERROR:

test: $(VENV)/.tested-with lint
	@echo "== running the tests"
	@$(PYTEST_HERE) -m "not long"

test-long: $(VENV)/.tested-with
	@echo "== running the long tests"
	@$(PYTEST_HERE) -m long

test-clang: $(VENV)/.tested-with
	@$(call install_packages,$(CLANG_PACKAGES))
	@echo "== running the tests that build the engine, with clang"
	@env CXX=clang++ $(BIN)/pytest $(CLANG_TESTS)

soak: MINUTES ?= 30
soak: $(VENV)/.tested-with
	@echo "== playing for $(MINUTES) minutes while everything comes and goes"
	@$(BIN)/python bench/soak.py --minutes $(MINUTES)

lint: $(VENV)/.tested-with
	@echo "== checking the style"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/clang-format --dry-run -Werror $(CXX_FILES)

site: $(VENV)/.site-with
	@echo "== building the site"
	@env NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open build/site/index.html."

demo: demo/out/overdriven-amp.stomp demo/out/riff-overdriven.wav
	@echo "== what it is"
	@$(BIN)/nampedal inspect demo/out/overdriven-amp.stomp
	@echo
	@echo "Listen: demo/riff.wav is the dry guitar, demo/out/riff-overdriven.wav the same through the artifact."

demo/out/overdriven-amp.stomp: demo/overdriven-amp.nam $(VENV)/.built
	@echo "== converting the demo capture"
	@mkdir -p demo/out
	@$(BIN)/nampedal convert demo/overdriven-amp.nam -o $@ --force

demo/out/riff-overdriven.wav: demo/out/overdriven-amp.stomp demo/riff.wav
	@echo "== playing the riff through it"
	@$(BIN)/nampedal render demo/out/overdriven-amp.stomp demo/riff.wav $@ --force

# ---- set-up ----

# What of $(1) is not there, by apt.
define install_packages
if ! command -v dpkg-query >/dev/null; then \
  echo "This is no Debian or Raspberry Pi OS: install what these hold yourself: $(1)"; \
else \
  missing=; \
  for p in $(1); do \
    dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
  done; \
  if [ -n "$$missing" ]; then \
    echo "== installing$$missing"; \
    root=; [ "$$(id -u)" = 0 ] || root=sudo; \
    $$root apt-get update -qq && \
    $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
  fi; \
fi
endef

build/.system:
	@echo "== looking for system packages"
	@mkdir -p build
	@$(call install_packages,$(PACKAGES))
	@touch $@

$(BIN)/pip: | build/.system
	@echo "== making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# What builds nampedal, as pyproject.toml asks for it.
$(VENV)/.builds: pyproject.toml | $(BIN)/pip
	@$(PIP) install $$($(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')
	@touch $@

$(VENV)/.built: $(SOURCES) | $(VENV)/.builds
	@echo "== building nampedal"
	@$(PIP) install --no-build-isolation .
	@touch $@

$(VENV)/.tested-with: $(VENV)/.built
	@echo "== installing what the tests need"
	@$(call install_packages,$(TEST_PACKAGES))
	@$(PIP) install --no-build-isolation '.[dev]'
	@touch $@

$(VENV)/.site-with: $(VENV)/.built
	@echo "== installing what the site needs"
	@$(PIP) install --no-build-isolation '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) build dist demo/out .mypy_cache .pytest_cache .ruff_cache .hypothesis

include firmware/cross/aarch64.mk
include firmware/cross/macos.mk
include firmware/cross/windows.mk
include board/image/image.mk
include release/wheels.mk
include tests/fuzz/fuzz.mk
