#include "litert/library.h"

#ifdef _WIN32
#include <windows.h>

#include <filesystem>
#include <system_error>
#else
#include <dlfcn.h>
#endif

#include "dsp/setup/errors.h"

namespace nampedal::litert {

namespace {

// A library that stays loaded. open: nullptr where it can't be, and why() says why.
#ifdef _WIN32
void* open(const std::string& path) {
  const auto whole = std::filesystem::absolute(std::u8string(path.begin(), path.end()));
  // Libraries that it needs are looked for beside it.
  return ::LoadLibraryExW(whole.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
}

std::string why() { return std::system_category().message(static_cast<int>(::GetLastError())); }

void* look_up(void* library, const char* name) {
  return reinterpret_cast<void*>(::GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void* open(const std::string& path) { return ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); }

std::string why() {
  const char* said = ::dlerror();
  return said == nullptr ? "no reason given" : said;
}

void* look_up(void* library, const char* name) { return ::dlsym(library, name); }
#endif

class Symbols {
 public:
  explicit Symbols(const std::string& path) : path_(path), handle_(open(path)) {
    if (handle_ == nullptr) {
      throw Error(Mistake::kLiteRtMissing, path + ": LiteRT's library can't be loaded: " + why());
    }
  }

  void require(const char* name) const { find(name); }

  template <class Function>
  void bind(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(find(name));
  }

 private:
  void* find(const char* name) const {
    void* symbol = look_up(handle_, name);
    if (symbol == nullptr) {
      throw Error(Mistake::kLiteRtVersion,
                  path_ + ": has no function " + name + "; LiteRT " + kVersion + " has: use that version");
    }
    return symbol;
  }

  const std::string& path_;
  void* handle_;
};

}  // namespace

Api open_library(const std::string& path) {
  const Symbols symbols(path);
  // New in this version, and not used: whatever lacks it is older.
  symbols.require("LiteRtCompiledModelIsNonCpuFullyAccelerated");
  Api api{};
  symbols.bind(api.create_environment, "LiteRtCreateEnvironment");
  symbols.bind(api.destroy_environment, "LiteRtDestroyEnvironment");
  symbols.bind(api.create_model_from_buffer, "LiteRtCreateModelFromBuffer");
  symbols.bind(api.destroy_model, "LiteRtDestroyModel");
  symbols.bind(api.get_model_signature, "LiteRtGetModelSignature");
  symbols.bind(api.get_num_signature_inputs, "LiteRtGetNumSignatureInputs");
  symbols.bind(api.get_num_signature_outputs, "LiteRtGetNumSignatureOutputs");
  symbols.bind(api.get_signature_input_tensor, "LiteRtGetSignatureInputTensorByIndex");
  symbols.bind(api.get_signature_output_tensor, "LiteRtGetSignatureOutputTensorByIndex");
  symbols.bind(api.get_ranked_tensor_type, "LiteRtGetRankedTensorType");
  symbols.bind(api.create_options, "LiteRtCreateOptions");
  symbols.bind(api.destroy_options, "LiteRtDestroyOptions");
  symbols.bind(api.set_hardware_accelerators, "LiteRtSetOptionsHardwareAccelerators");
  symbols.bind(api.create_opaque_options, "LiteRtCreateOpaqueOptions");
  symbols.bind(api.add_opaque_options, "LiteRtAddOpaqueOptions");
  symbols.bind(api.create_compiled_model, "LiteRtCreateCompiledModel");
  symbols.bind(api.destroy_compiled_model, "LiteRtDestroyCompiledModel");
  symbols.bind(api.get_input_tensor_layout, "LiteRtGetCompiledModelInputTensorLayout");
  symbols.bind(api.resize_input_tensor, "LiteRtCompiledModelResizeInputTensor");
  symbols.bind(api.get_output_tensor_layouts, "LiteRtGetCompiledModelOutputTensorLayouts");
  symbols.bind(api.run_compiled_model, "LiteRtRunCompiledModel");
  symbols.bind(api.create_tensor_buffer_from_host_memory, "LiteRtCreateTensorBufferFromHostMemory");
  symbols.bind(api.destroy_tensor_buffer, "LiteRtDestroyTensorBuffer");
  return api;
}

}  // namespace nampedal::litert
