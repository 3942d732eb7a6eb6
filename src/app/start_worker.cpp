#include "start_worker.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "libtorch.hpp"
#include "unroll/base/error.hpp"

namespace unroll::app {
namespace {

std::string worker_path() {
  const std::filesystem::path worker =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("unroll-worker");
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

void start_worker(const std::vector<std::string>& arguments) {
  const std::string worker = worker_path();
  prepend_library_path(find_libtorch().folder + "/lib");
  replace_process(worker, arguments);
}

}  // namespace unroll::app
