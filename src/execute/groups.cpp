#include "execute/groups.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "execute/group_distances.hpp"
#include "unroll/base/text.hpp"

namespace unroll::execute {
namespace {

constexpr std::size_t kRowsOfShard = 4096;

constexpr const char* name_of(plan::MemberKind kind) {
  constexpr const char* kNames[] = {"unlearned", "retrained", "repeat", "order", "init"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool is_kept(const plan::Plan& plan, const plan::Group& group, const store::KeptReader& weights) {
  return std::all_of(group.members.begin(), group.members.end(), [&](const plan::Member& member) {
    return std::all_of(group.steps.begin(), group.steps.end(), [&](std::int64_t step) {
      return weights.holds(store::kept_name(plan.models[member.model].id, step));
    });
  });
}

/// "file digest name,name,...\n" for each file.
std::string text_of(const std::vector<store::KeptFile>& files) {
  std::string text;
  for (const auto& file : files) {
    text += file.name + ' ' + file.digest + ' ' + join(file.names, ",") + '\n';
  }
  return text;
}

std::vector<store::KeptFile> files_of(const std::string& text) {
  std::vector<store::KeptFile> files;
  for (const auto line : split(text, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() == 3) {
      const auto names = split(fields[2], ',');
      files.push_back({std::string(fields[0]), std::string(fields[1]), {names.begin(), names.end()}});
    }
  }
  return files;
}

/// Commits rows of many small groups together.
class RowBatch {
 public:
  explicit RowBatch(store::Writer& writer) : writer_(writer) {}
  void add(std::vector<record::DistanceRow> rows) {
    std::move(rows.begin(), rows.end(), std::back_inserter(record_.distances));
    if (record_.distances.size() >= kRowsOfShard) {
      commit();
    }
  }
  void commit() {
    if (!record_.distances.empty()) {
      writer_.commit(std::span(&record_, 1), {});
      record_.distances.clear();
    }
  }

 private:
  store::Writer& writer_;
  record::TreeRecord record_;
};

}  // namespace

std::vector<record::DistanceRow> group_rows(Context& context, const plan::Group& group, store::KeptReader& weights) {
  const auto& plan = context.plan();
  const auto cell = plan.runs[group.run].cell;
  const bool normalises = context.cell(cell).noise.normalise == config::Normalise::filters;
  const auto& layout = context.network(cell)->layout();
  std::vector<record::DistanceRow> rows;
  for (const auto step : group.steps) {
    std::vector<torch::Tensor> models;
    for (const auto& member : group.members) {
      models.push_back(weights_of(weights.read(store::kept_name(plan.models[member.model].id, step)), layout));
    }
    const auto plain = group_distances(layout, models);
    const auto scaled = normalises ? normalised_distances(layout, models, 1) : std::vector<double>();  // M' is second
    std::size_t pair = 0;
    for (std::size_t a = 0; a < models.size(); ++a) {
      for (std::size_t b = a + 1; b < models.size(); ++b, ++pair) {
        const auto &first = group.members[a], &second = group.members[b];
        record::DistanceRow row;
        row.group_id = group.id;
        row.run_id = plan.runs[group.run].id;
        row.step = step;
        row.id_a = plan.models[first.model].id;
        row.id_b = plan.models[second.model].id;
        row.kind = std::string(name_of(first.kind)) + '/' + name_of(second.kind);
        row.seed_a = first.seed;
        row.seed_b = second.seed;
        if (std::isfinite(plain[pair])) {
          row.distance = plain[pair];
        } else {
          row.status = "diverged";
          row.undefined = "distance=diverged";
        }
        if (!normalises) {
          row.undefined += std::string(row.undefined.empty() ? "" : ";") + "distance_normalised=not_asked";
        } else if (std::isfinite(scaled[pair])) {
          row.distance_normalised = scaled[pair];
        } else {
          row.undefined += std::string(row.undefined.empty() ? "" : ";") + "distance_normalised=diverged";
        }
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

void compare_groups(const mpi::Communicator& world, Context& context, const std::string& folder,
                    const std::vector<bool>& compared, store::Writer& writer) {
  const auto& plan = context.plan();
  if (plan.groups.empty()) {
    return;
  }
  world.barrier();  // every rank's weights are committed
  const auto list = world.broadcast(world.rank() == 0 ? text_of(store::kept_files(folder)) : std::string(), 0);
  store::KeptReader weights(folder, files_of(list));
  RowBatch rows(writer);
  std::unordered_set<std::string> needed;  // by groups that stay open
  std::size_t turn = 0;
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const auto& group = plan.groups[i];
    if (compared[i]) {
      continue;
    }
    if (!is_kept(plan, group, weights)) {
      for (const auto& member : group.members) {
        for (const auto step : plan.models[member.model].steps) {
          needed.insert(store::kept_name(plan.models[member.model].id, step));
        }
      }
    } else if (turn++ % static_cast<std::size_t>(world.size()) == static_cast<std::size_t>(world.rank())) {
      rows.add(group_rows(context, group, weights));
    }
  }
  rows.commit();
  world.barrier();  // every rank's rows are committed
  if (world.rank() == 0) {
    store::remove_kept(folder, needed);
  }
}

}  // namespace unroll::execute
