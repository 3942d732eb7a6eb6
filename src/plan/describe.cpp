#include <algorithm>
#include <array>
#include <cstdio>

#include "facts.hpp"
#include "summary.hpp"
#include "unroll/base/text.hpp"
#include "unroll/base/wording.hpp"
#include "unroll/plan/chunk.hpp"

namespace unroll::plan {
namespace {

std::string format(const char* pattern, double value) {
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return buffer.data();
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) {
    bytes /= 1000;
  }
  return format(unit == 0 ? "%.0f " : "%.1f ", bytes) + kUnits[unit];
}

std::string duration_text(double seconds) {
  if (seconds < 120) {
    return format("%.1f s", seconds);
  }
  if (seconds < 2 * 3600) {
    return format("%.1f min", seconds / 60);
  }
  return seconds < 48 * 3600 ? format("%.1f h", seconds / 3600) : format("%.1f days", seconds / 86400);
}

std::string line(const std::string& name, const std::string& text) {
  return name + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + text + '\n';
}

std::string grid_text(const config::Study& study) {
  std::string text;
  for (const config::Axis& axis : study.axes) {
    text += line("", printable(axis.key + " = " + join(axis.values, ", "), 100));
  }
  return text;
}

std::string seeds_text(const std::vector<std::int64_t>& seeds) {
  const bool is_range = seeds.size() > 1 && seeds.back() - seeds.front() + 1 == std::ssize(seeds);
  return is_range ? std::to_string(seeds.front()) + ".." + std::to_string(seeds.back())
                  : printable(join(seeds, ", "), 60);
}

std::string data_text(const Plan& plan) {
  std::string text;
  for (const auto& data : plan.descriptions) {
    text += line(text.empty() ? "data" : "", data->name + ": " + std::to_string(data->num_train) + " training rows, " +
                                                 std::to_string(data->num_test) + " test rows, " +
                                                 std::to_string(data->num_classes) + " classes");
  }
  return text;
}

std::string sharing_text(const Totals& totals) {
  const double factor = static_cast<double>(totals.model_steps_asked) /
                        static_cast<double>(std::max<std::int64_t>(totals.model_steps_trained, 1));
  return std::to_string(totals.model_steps_trained) + " model steps trained for " +
         std::to_string(totals.model_steps_asked) + " asked (each run by itself): " + format("%.1f", factor) +
         " times fewer";
}

std::string groups_text(const Plan& plan) {
  if (plan.groups.empty()) {
    return line("groups", "0: pairs are measured inside their tree");
  }
  std::size_t most = 0;
  for (const Group& group : plan.groups) {
    most = std::max(most, group.members.size());
  }
  return line("groups", std::to_string(plan.groups.size()) + " for noise floors, of up to " + std::to_string(most) +
                            " models; until they are compared, weights of " + std::to_string(plan.models.size())) +
         line("", "models wait in DIR/weights/kept: " + bytes_text(plan.totals.kept_weights_bytes)) +
         line("", "comparing takes up to " + bytes_text(plan.totals.comparison_bytes) +
                      " of memory on one rank; more ranks share it");
}

std::string chunk_text(const Plan& plan, const ChunkShare& share) {
  std::string text =
      line("chunk", std::to_string(share.chunk.index) + " of " + std::to_string(share.chunk.count) + ": " +
                        std::to_string(share.num_runs) + " of " + std::to_string(plan.runs.size()) + " runs, " +
                        counted(share.num_measured_rows, "row") + ", " + counted(share.num_trees, "tree") + ", " +
                        counted(share.num_groups, "group"));
  text += line("", counted(share.num_pretrainings, "pretraining") + ", of which " +
                       std::to_string(share.num_shared_pretrainings) + " that other chunks train too");
  return text + line("", "about " + duration_text(share.cost_s) + " on one core; the costliest chunk " +
                             duration_text(share.largest_cost_s));
}

}  // namespace

Summary summarise(const Plan& plan) {
  Summary summary;
  summary.num_starts = std::ssize(plan.pretrainings);
  summary.num_originals = std::ssize(plan.trees);
  for (const Item& item : plan.items) {
    summary.num_pretrainings += item.kind == ItemKind::pretraining;
    summary.num_repeats += item.kind == ItemKind::repeat;
    summary.critical_s = std::max(summary.critical_s, item.critical_s);
    if (item.kind == ItemKind::tree) {
      summary.num_retrained += item.num_lanes - num_trunk_lanes(plan, plan.trees[item.index]);
      summary.max_lanes_of_tree = std::max(summary.max_lanes_of_tree, item.num_lanes);
      summary.max_steps = std::max(summary.max_steps, plan.trees[item.index].num_steps);
    }
  }
  return summary;
}

std::string describe_plan(const config::Study& study, const Plan& plan, const std::optional<ChunkShare>& share) {
  const Summary summary = summarise(plan);
  const Totals& totals = plan.totals;
  std::string text = line("study", study.name + " (" + printable(study.file, 200) + ")") + data_text(plan);
  text += line("cells", std::to_string(plan.cells.size()) + (study.axes.empty() ? "" : ", from the axes"));
  text += grid_text(study);
  text += line("seeds", std::to_string(plan.seeds.size()) + ": " + seeds_text(plan.seeds));
  text += line("runs", std::to_string(plan.runs.size()) + " pairs (M', M''), " +
                           counted(totals.num_measured_rows, "row") + " (a pair at a measured step)");
  text += line("stages", counted(summary.num_pretrainings, "pretraining") + " (" + std::to_string(summary.num_starts) +
                             " w_0" + "), " + std::to_string(summary.num_originals) + " M, " +
                             std::to_string(summary.num_retrained) + " M', " + counted(summary.num_repeats, "repeat") +
                             " of M");
  text += line("trees", std::to_string(summary.num_originals) + ", of up to " +
                            counted(summary.max_lanes_of_tree, "lane") + " and " + counted(summary.max_steps, "step"));
  text += groups_text(plan);
  text += line("sharing", sharing_text(totals));
  text += line("w_0 from", "split: " + std::to_string(totals.num_originals_split) +
                               " M, retain: " + std::to_string(totals.num_originals_retain) + " M, all or none: " +
                               std::to_string(totals.num_originals_all) + " M (what each pretrain.on would train)");
  text += line("cost", format("%.3g", totals.flop) + " flop: about " + duration_text(totals.cost_s) +
                           " on one core like ours (src/plan/rates.hpp); longest chain " +
                           duration_text(summary.critical_s));
  text += line("memory", "about " + bytes_text(totals.memory_per_rank_bytes) + " a rank, with packs of " +
                             counted(totals.lanes_per_pack, "lane"));
  text += line("disk", "about " + bytes_text(totals.disk_bytes) +
                           (totals.checkpoint_bytes > 0
                                ? "; a rank's checkpoint (run.checkpoint) up to " + bytes_text(totals.checkpoint_bytes)
                                : ""));
  text += share ? chunk_text(plan, *share) : "";
  text += line("plan id", plan.id);
  text +=
      line("words", "M is trained on all data from w_0, M' again without the forget set, M'' is M made to forget it;");
  text += line("", "a tree is an M with all that forks from it, a lane a model that trains side by side with others");
  return text;
}

}  // namespace unroll::plan
