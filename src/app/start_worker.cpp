#include "start_worker.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "libtorch.hpp"
#include "unroll/base/error.hpp"

namespace unroll::app {
namespace {

/// What a driver installs.
bool has_driver() {
  void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (library != nullptr) {
    dlclose(library);
  }
  return library != nullptr;
}

std::string worker_path(config::Device device) {
  const auto beside = [](const char* name) {
    return std::filesystem::read_symlink("/proc/self/exe").replace_filename(name);
  };
  const auto with_cuda = beside("unroll-worker-cuda"), worker = beside("unroll-worker");
  if (device == config::Device::cuda && !std::filesystem::exists(with_cuda)) {
    throw UsageError(
        "run.device = cuda: " + with_cuda.string() +
        " is not there: this is a build without CUDA; build it with a LibTorch for CUDA, or set run.device = "
        "cpu");
  }
  if (device != config::Device::cpu && std::filesystem::exists(with_cuda) && has_driver()) {
    return with_cuda.string();
  }
  if (!std::filesystem::exists(worker)) {
    throw UsageError(worker.string() +
                     ": is not there: this is a build without LibTorch, which can plan, merge and "
                     "report; build it with jobs/setup.sh, or with -DUNROLL_WITH_TORCH=ON");
  }
  return worker.string();
}

void prepend_library_path(const std::string& folder) {
  const char* before = std::getenv("LD_LIBRARY_PATH");
  const std::string path = before == nullptr || *before == '\0' ? folder : folder + ":" + before;
  setenv("LD_LIBRARY_PATH", path.c_str(), 1);
}

/// Where a wheel keeps CUDA's and NCCL's libraries, which unroll-worker-cuda links beside LibTorch's own.
std::vector<std::string> cuda_folders(const std::string& torch_folder) {
  std::vector<std::string> folders;
  std::error_code error;
  const auto packages = std::filesystem::path(torch_folder).parent_path() / "nvidia";
  for (const auto& package : std::filesystem::directory_iterator(packages, error)) {
    const auto name = package.path().filename().string();
    if (name == "nccl" || name == "cuda_runtime" || name.starts_with("cu1")) {
      folders.push_back((package.path() / "lib").string());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

[[noreturn]] void replace_process(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  std::string name = program;
  std::vector<std::string> copies = arguments;
  argv.push_back(name.data());
  for (std::string& argument : copies) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  throw Error(program + ": cannot be started: " + std::generic_category().message(errno));
}

}  // namespace

void start_worker(const std::vector<std::string>& arguments, config::Device device) {
  const std::string worker = worker_path(device);
  const std::string folder = find_libtorch().folder;
  if (worker.ends_with("-cuda")) {
    for (const auto& library : cuda_folders(folder)) {
      prepend_library_path(library);
    }
  }
  prepend_library_path(folder + "/lib");
  replace_process(worker, arguments);
}

}  // namespace unroll::app
