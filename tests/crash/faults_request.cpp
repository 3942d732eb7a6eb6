#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "faults.hpp"

namespace unroll::faults {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv((std::string("UNROLL_FAULTS_") + name).c_str());
  return value == nullptr ? "" : value;
}

[[noreturn]] void refuse(const std::string& name, const std::string& value) {
  std::fprintf(stderr, "faults: UNROLL_FAULTS_%s = %s is not known\n", name.c_str(), value.c_str());
  _exit(kExitCode + 1);
}

std::int64_t number(const std::string& name, std::int64_t otherwise) {
  const std::string text = variable(name.c_str());
  if (text.empty()) {
    return otherwise;
  }
  char* end = nullptr;
  const std::int64_t value = std::strtoll(text.c_str(), &end, 10);
  return *end == '\0' ? value : (refuse(name, text), 0);
}

void read_kind(Request& request) {
  struct Known {
    const char* name;
    Kind kind;
    int code;
  };
  constexpr Known kKnown[] = {{"", Kind::none, 0},
                              {"exit", Kind::exit, 0},
                              {"half", Kind::half, 0},
                              {"nosync", Kind::nosync, 0},
                              {"EIO", Kind::error, EIO},
                              {"EROFS", Kind::error, EROFS},
                              {"EDQUOT", Kind::error, EDQUOT},
                              {"ENOSPC", Kind::error, ENOSPC}};
  const std::string name = variable("KIND");
  const auto known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& k) { return k.name == name; });
  if (known == std::end(kKnown)) {
    refuse("KIND", name);
  }
  request.kind = known->kind;
  request.error_code = known->code;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    result.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

}  // namespace

Request read_request() {
  Request request;
  const std::string program = variable("PROGRAM");
  if (std::string_view(program_invocation_short_name).substr(0, program.size()) != program) {
    return request;
  }
  request.folder = variable("FOLDER");
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  request.rank = rank == nullptr ? 0 : std::atoi(rank);
  request.is_other_rank = number("RANK", request.rank) != request.rank;
  request.operations = words(variable("OPS"));
  request.path_part = variable("PATH");
  request.at = number("AT", 0);
  request.count = number("COUNT", INT64_MAX);
  read_kind(request);
  request.mark = variable("MARK");
  request.record = variable("RECORD");
  return request;
}

bool is_inside(const Request& request, std::string_view path) {
  const std::string& folder = request.folder;
  return !folder.empty() && path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool counts(const Request& request, const Operation& operation) {
  const auto& names = request.operations;
  return !request.is_other_rank &&
         (names.empty() || std::find(names.begin(), names.end(), operation.name) != names.end()) &&
         (operation.path.find(request.path_part) != std::string::npos ||
          operation.second_path.find(request.path_part) != std::string::npos);
}

}  // namespace unroll::faults
