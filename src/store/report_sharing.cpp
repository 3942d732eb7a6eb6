#include "report_sharing.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "report_text.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/hdf5/walk.hpp"

namespace unroll::store {
namespace {

constexpr std::size_t kIndent = 13;

std::string attribute(const hdf5::TableFile& file, const char* name) {
  const auto found = file.attributes.find(name);
  return found == file.attributes.end() ? std::string() : found->second;
}

template <typename Value>
std::vector<Value> column(const hdf5::Table& items, const char* name) {
  const hdf5::TableColumn* found = items.find(name);
  const auto* values = found == nullptr ? nullptr : std::get_if<std::vector<Value>>(&found->values);
  return values == nullptr ? std::vector<Value>() : *values;
}

template <typename Value>
Value sum(const hdf5::Table& items, const char* name) {
  const auto values = column<Value>(items, name);
  return std::accumulate(values.begin(), values.end(), Value{});
}

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  char text[128];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string line(const std::string& name, const std::string& text, std::size_t width) {
  return wrapped(name + std::string(kIndent - name.size(), ' ') + text, width, kIndent);
}

/// Trees whose M was trained more than once: in parts on several ranks, or again after a kill.
std::string copies_text(const hdf5::Table& items) {
  const auto ids = column<std::string>(items, "item_id");
  const auto kinds = column<std::string>(items, "kind");
  std::map<std::string, std::int64_t> trained;
  for (std::size_t i = 0; i < std::min(ids.size(), kinds.size()); ++i) {
    trained[ids[i]] += kinds[i] == "tree" ? 1 : 0;
  }
  std::int64_t num_trees = 0, num_copies = 0;
  for (const auto& [id, count] : trained) {
    num_trees += count > 1 ? 1 : 0;
    num_copies += count > 1 ? count - 1 : 0;
  }
  return num_trees == 0 ? "none: each M was trained once"
                        : std::to_string(num_copies) + " of the M of " + std::to_string(num_trees) +
                              (num_trees == 1 ? " tree" : " trees") + ", which ranks took in parts";
}

std::string steps_text(const hdf5::TableFile& file, const hdf5::Table& items, bool is_complete) {
  const std::int64_t trained = sum<std::int64_t>(items, "model_steps");
  const std::int64_t cached = sum<std::int64_t>(items, "cached_steps");
  const std::string asked = attribute(file, "model_steps_asked");
  const double fewer = parse_real(asked).value_or(0) / static_cast<double>(std::max<std::int64_t>(trained, 1));
  return asked + " asked (each run by itself), " + std::to_string(trained) + " trained" +
         (is_complete && trained > 0 ? format(": %.1f times fewer", fewer) : std::string()) + "; " +
         std::to_string(cached) + " taken from the cache; " + attribute(file, "model_steps_planned") + " planned";
}

}  // namespace

std::string sharing_text(const std::string& results_path, const Results& results, std::size_t width) {
  const std::filesystem::path path = std::filesystem::path(results_path).parent_path() / "telemetry.h5";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return "";
  }
  hdf5::walk_tables(path.string());
  const hdf5::TableFile file = hdf5::read_tables(path.string());
  const hdf5::Table* items = file.find("items");
  if (attribute(file, "plan_id") != attribute(results.file(), "plan_id") || items == nullptr) {
    return "";
  }
  const auto& statuses = results.texts("runs", "status");
  const bool is_complete = std::none_of(statuses.begin(), statuses.end(), [](const std::string& status) {
    return status == "missing" || status == "failed";
  });
  return line("model steps:", steps_text(file, *items, is_complete), width) +
         line("copies:", copies_text(*items), width) +
         line("rank time:",
              format("%.3g s training, %.3g s curvature, %.3g s other measures", sum<double>(*items, "train_s"),
                     sum<double>(*items, "curvature_s"), sum<double>(*items, "measure_s")),
              width);
}

}  // namespace unroll::store
