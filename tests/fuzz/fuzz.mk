# make fuzz                odd input for every reader of what others send, ten minutes in all; fails if anything is found
# make fuzz MINUTES=60     for longer;  ONLY="preset stomp": not for all
#
# stomp and chain are the engine, driven by libFuzzer, with the sanitizers on. What was found is in build/fuzz/findings, and
# what has been reached so far in build/fuzz/corpus.

FUZZ := build/fuzz
ONLY ?=

.PHONY: fuzz

fuzz: MINUTES ?= 10
fuzz: $(FUZZ)/.built $(VENV)/.tested-with
	@echo "== fuzzing for $(MINUTES) minutes"
	@env PYTHONPATH=tests $(BIN)/python -m fuzz run --minutes $(MINUTES) $(ONLY:%=--only %)

$(FUZZ)/.built: $(SOURCES) $(wildcard tests/fuzz/*.cpp tests/fuzz/*.h) | $(VENV)/.builds
	@$(call install_packages,$(CLANG_PACKAGES))
	@echo "== building the engine with libFuzzer"
	@cmake -S . -B $(FUZZ)/build -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release -DNAMPEDAL_PYTHON=OFF \
	  -DNAMPEDAL_FUZZ=ON -DNAMPEDAL_SANITIZE=address,undefined,float-cast-overflow,fuzzer-no-link >/dev/null
	@cmake --build $(FUZZ)/build --target fuzz_stomp fuzz_chain >/dev/null
	@touch $@
