#include "libtorch.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

// What the build used; empty in a build without LibTorch.
#ifndef UNROLL_BUILD_TORCH_FOLDER
#define UNROLL_BUILD_TORCH_FOLDER ""
#define UNROLL_BUILD_TORCH_VERSION ""
#endif

namespace unroll::app {
namespace {

/// "2.11.0" of "2.11.0+cu130": builds of one release for other devices have the same interface.
std::string release(const std::string& version) { return version.substr(0, version.find('+')); }

std::string version_in(const std::string& folder) {
  std::ifstream python(folder + "/version.py");
  for (std::string line; std::getline(python, line);) {
    if (line.starts_with("__version__")) {
      const std::size_t open = line.find_first_of("'\"");
      const std::size_t close = line.find_last_of("'\"");
      return open < close ? line.substr(open + 1, close - open - 1) : "";
    }
  }
  std::ifstream archive(folder + "/build-version");
  std::string version;
  archive >> version;
  return version;
}

/// The folder of the torch wheel beside python3, found without importing it; empty when there is none.
std::string wheel_folder() {
  constexpr const char* kCommand =
      "python3 -c \"import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])\" "
      "2>/dev/null </dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(kCommand, "r"), pclose);
  std::string output;
  std::array<char, 4096> part{};
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe.get()) != nullptr) {
    output += part.data();
  }
  return std::string(trim(output));
}

bool fits(const LibTorch& libtorch) {
  return libtorch.version.empty() || release(libtorch.version) == release(UNROLL_BUILD_TORCH_VERSION);
}

std::string wanted() { return std::string("unroll-worker was built with ") + UNROLL_BUILD_TORCH_VERSION; }

LibTorch from_environment(const std::string& folder) {
  const std::optional<LibTorch> libtorch = libtorch_in(folder);
  if (!libtorch) {
    throw UsageError("UNROLL_TORCH = " + printable(folder, 200) +
                     ": holds no lib/libtorch_cpu.so; give the folder of LibTorch (of a wheel: site-packages/torch)");
  }
  if (!fits(*libtorch)) {
    throw UsageError("UNROLL_TORCH = " + printable(folder, 200) + ": is LibTorch " + libtorch->version + ", but " +
                     wanted() + "; give that one, or build again");
  }
  return *libtorch;
}

}  // namespace

std::optional<LibTorch> libtorch_in(const std::string& folder) {
  if (folder.empty() || !std::filesystem::exists(folder + "/lib/libtorch_cpu.so")) {
    return std::nullopt;
  }
  return LibTorch{folder, version_in(folder)};
}

LibTorch find_libtorch() {
  if (const char* folder = std::getenv("UNROLL_TORCH"); folder != nullptr && *folder != '\0') {
    return from_environment(folder);
  }
  std::vector<std::string> misfits;
  for (const std::string& folder : {wheel_folder(), std::string(UNROLL_BUILD_TORCH_FOLDER)}) {
    const std::optional<LibTorch> libtorch = libtorch_in(folder);
    if (libtorch && fits(*libtorch)) {
      return *libtorch;
    }
    if (libtorch) {
      misfits.push_back(libtorch->version + " in " + libtorch->folder);
    }
  }
  throw UsageError("LibTorch was not found: " + wanted() +
                   (misfits.empty() ? std::string() : " (found: " + join(misfits, ", ") + ")") +
                   "; activate the environment that holds it, or set UNROLL_TORCH to its folder (of a wheel: "
                   "site-packages/torch)");
}

}  // namespace unroll::app
