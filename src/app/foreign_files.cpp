#include "foreign_files.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/hdf5/walk.hpp"

namespace unroll::app {
namespace {

using config::Settings;

struct Source {
  const char* key;
  std::optional<std::string> (*path)(const Settings& cell);  // nullopt where the cell reads no such file
  std::vector<std::string> datasets;                         // empty: all of the file
};

std::optional<std::string> if_set(const std::string& path) { return path.empty() ? std::nullopt : std::optional(path); }

const std::vector<Source>& sources() {
  static const std::vector<Source> kSources = {
      {"data.path",
       [](const Settings& cell) {
         return cell.data.dataset == config::Dataset::hdf5 ? if_set(cell.data.path) : std::nullopt;
       },
       {"x_train", "y_train", "x_test", "y_test"}},
      {"init.file", [](const Settings& cell) { return if_set(cell.init.file); }, {}},
      {"order.file", [](const Settings& cell) { return if_set(cell.order.file); }, {"order"}},
      {"forget.file", [](const Settings& cell) { return if_set(cell.forget.file); }, {"rows"}},
      {"measure.hessian", [](const Settings& cell) { return if_set(cell.measure.hessian_file); }, {"rows"}}};
  return kSources;
}

}  // namespace

void walk_foreign_files(const config::Study& study) {
  for (const Source& source : sources()) {
    std::set<std::string> walked;
    for (const Settings& cell : study.cells) {
      const std::optional<std::string> path = source.path(cell);
      std::error_code error;
      if (!path || !walked.insert(*path).second || !std::filesystem::is_regular_file(*path, error)) {
        continue;  // what is not there is refused by whoever reads it
      }
      try {
        source.datasets.empty() ? hdf5::walk_arrays(*path) : hdf5::walk_arrays(*path, source.datasets);
      } catch (const UsageError& refusal) {
        throw config::bad_file(study, source.key, cell, refusal);
      }
    }
  }
}

}  // namespace unroll::app
