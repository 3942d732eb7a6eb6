#include "summary.hpp"
#include "unroll/base/text.hpp"
#include "unroll/plan/chunk.hpp"

namespace unroll::plan {
namespace {

/// Builds one JSON object, a member a line.
class Object {
 public:
  explicit Object(std::string indent) : indent_(std::move(indent)) {}
  Object& raw(std::string_view name, const std::string& json) {
    text_ += (text_.empty() ? "\n" : ",\n") + indent_ + "  " + json_string(name) + ": " + json;
    return *this;
  }
  Object& integer(std::string_view name, std::int64_t value) { return raw(name, std::to_string(value)); }
  Object& real(std::string_view name, double value) { return raw(name, json_number(value)); }
  Object& text(std::string_view name, std::string_view value) { return raw(name, json_string(value)); }
  [[nodiscard]] std::string str() const { return "{" + text_ + '\n' + indent_ + '}'; }

 private:
  std::string indent_, text_;
};

template <typename Part, typename ToJson>
std::string array(const std::vector<Part>& parts, ToJson to_json) {
  std::vector<std::string> items;
  for (const Part& part : parts) {
    items.push_back(to_json(part));
  }
  return '[' + join(items, ", ") + ']';
}

std::string axis_json(const config::Axis& axis) {
  return Object("    ")
      .text("key", axis.key)
      .raw("values", array(axis.values, [](const std::string& value) { return json_string(value); }))
      .str();
}

std::string data_json(const std::shared_ptr<const dataset::Description>& data) {
  return Object("    ")
      .text("name", data->name)
      .integer("num_train", data->num_train)
      .integer("num_test", data->num_test)
      .integer("num_classes", data->num_classes)
      .raw("shape", '[' + join(data->shape, ", ") + ']')
      .text("content_hash", data->content_hash)
      .str();
}

std::string stages_json(const Summary& summary) {
  return Object("  ")
      .integer("initial_weights", summary.num_starts)
      .integer("pretrainings", summary.num_pretrainings)
      .integer("originals", summary.num_originals)
      .integer("retrained", summary.num_retrained)
      .integer("repeats", summary.num_repeats)
      .str();
}

std::string chunk_json(const ChunkShare& share) {
  return Object("  ")
      .integer("index", share.chunk.index)
      .integer("count", share.chunk.count)
      .integer("num_runs", share.num_runs)
      .integer("num_rows", share.num_measured_rows)
      .integer("num_trees", share.num_trees)
      .integer("num_comparison_groups", share.num_groups)
      .integer("num_pretrainings", share.num_pretrainings)
      .integer("num_shared_pretrainings", share.num_shared_pretrainings)
      .real("core_seconds", share.cost_s)
      .real("core_seconds_of_costliest", share.largest_cost_s)
      .str();
}

}  // namespace

std::string plan_json(const config::Study& study, const Plan& plan, const std::optional<ChunkShare>& share) {
  const Summary summary = summarise(plan);
  const Totals& totals = plan.totals;
  Object object("");
  object.text("study", study.name)
      .text("file", study.file)
      .text("plan_id", plan.id)
      .raw("data", array(plan.descriptions, data_json))
      .integer("num_cells", std::ssize(plan.cells))
      .raw("axes", array(study.axes, axis_json))
      .raw("seeds", '[' + join(plan.seeds, ", ") + ']')
      .integer("num_runs", std::ssize(plan.runs))
      .integer("num_rows", totals.num_measured_rows)
      .raw("stages", stages_json(summary))
      .integer("num_trees", summary.num_originals)
      .integer("max_lanes_of_tree", summary.max_lanes_of_tree)
      .integer("max_steps", summary.max_steps)
      .integer("num_comparison_groups", std::ssize(plan.groups))
      .integer("num_compared_models", std::ssize(plan.models))
      .integer("model_steps_asked", totals.model_steps_asked)
      .integer("model_steps_trained", totals.model_steps_trained)
      .raw("originals_by_pretraining", Object("  ")
                                           .integer("split", totals.num_originals_split)
                                           .integer("retain", totals.num_originals_retain)
                                           .integer("all", totals.num_originals_all)
                                           .integer("none", totals.num_originals_all)
                                           .str())
      .real("flop", totals.flop)
      .real("critical_seconds", summary.critical_s)
      .real("core_seconds", totals.cost_s)
      .integer("lanes_per_pack", totals.lanes_per_pack)
      .real("memory_per_rank_bytes", totals.memory_per_rank_bytes)
      .real("kept_weights_bytes", totals.kept_weights_bytes)
      .real("checkpoint_bytes", totals.checkpoint_bytes)
      .real("comparison_bytes", totals.comparison_bytes)
      .real("comparison_s", totals.comparison_s)
      .real("disk_bytes", totals.disk_bytes);
  if (share) {
    object.raw("chunk", chunk_json(*share));
  }
  return object.str() + '\n';
}

}  // namespace unroll::plan
