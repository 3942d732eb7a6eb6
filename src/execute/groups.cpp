#include "execute/groups.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "execute/agree.hpp"
#include "execute/group_distances.hpp"

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

void append_rows(const plan::Plan& plan, const plan::Group& group, std::int64_t step, const std::vector<double>& plain,
                 const std::optional<std::vector<double>>& scaled, std::vector<record::DistanceRow>& rows) {
  std::size_t pair = 0;
  for (std::size_t a = 0; a < group.members.size(); ++a) {
    for (std::size_t b = a + 1; b < group.members.size(); ++b, ++pair) {
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
        row.undefined = "distance=diverged;";
      }
      if (scaled && std::isfinite((*scaled)[pair])) {
        row.distance_normalised = (*scaled)[pair];
      } else {
        row.undefined += scaled ? "distance_normalised=diverged;" : "distance_normalised=not_asked;";
      }
      if (!row.undefined.empty()) {
        row.undefined.pop_back();
      }
      rows.push_back(std::move(row));
    }
  }
}

/// Bytes of a group's weights in double up to which one rank compares it alone.
constexpr double kAloneBytes = 256e6;

bool is_compared_alone(Context& context, const plan::Group& group) {
  const auto num_parameters = context.network(context.plan().runs[group.run].cell)->layout().num_parameters;
  return static_cast<double>(group.members.size()) * 8 * static_cast<double>(num_parameters) <= kAloneBytes;
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

/// Does it; a disk that refuses, or a stop while it is waited for, becomes this rank's wish to stop.
template <typename Action>
void or_stop(StopSource& stop, Action action) {
  try {
    action();
  } catch (const store::FileError& error) {
    stop.request(error.what());
  } catch (const Stopped& stopped) {
    stop.request(stopped.what());
  }
}

}  // namespace

std::vector<record::DistanceRow> group_rows(Context& context, const plan::Group& group, store::KeptReader& weights,
                                            gather::Gatherer& gatherer, const Share& share) {
  const auto cell = context.plan().runs[group.run].cell;
  const auto& layout = context.network(cell)->layout();
  const auto num_models = std::ssize(group.members);
  std::vector<record::DistanceRow> rows;
  for (const auto step : group.steps) {
    const auto read = [&](std::size_t member) {
      const auto& id = context.plan().models[group.members[member].model].id;
      return weights_of(weights.read(store::kept_name(id, step)), layout);
    };
    std::vector<GroupRow> models;
    for (std::size_t member = share.rank; member < group.members.size(); member += share.num_ranks) {
      models.push_back({static_cast<std::int64_t>(member), read(member)});
    }
    const auto plain = group_distances(gatherer, layout, num_models, models);
    std::optional<std::vector<double>> scaled;
    if (context.cell(cell).noise.normalise == config::Normalise::filters) {
      const auto retrained = read(1);
      for (auto& model : models) {
        scale_filters(layout, retrained, model.weights);
      }
      scaled = group_distances(gatherer, layout, num_models, models);
    }
    if (!plain.empty()) {
      append_rows(context.plan(), group, step, plain, scaled, rows);
    }
  }
  return rows;
}

void compare_groups(const mpi::Communicator& world, Context& context, const std::string& folder,
                    const std::vector<bool>& compared, store::Writer& writer, gather::Gatherer& of_all,
                    StopSource& stop) {
  const auto& plan = context.plan();
  if (plan.groups.empty()) {
    return;
  }
  world.barrier();  // every rank's weights are committed
  const auto list = world.broadcast(world.rank() == 0 ? store::text_of(store::kept_files(folder)) : std::string(), 0);
  store::KeptReader weights(folder, store::files_of(list));
  std::vector<const plan::Group*> alone, together;
  std::unordered_set<std::string> needed;  // by groups that stay open
  for (std::size_t i = 0; i < plan.groups.size(); ++i) {
    const auto& group = plan.groups[i];
    if (compared[i]) {
      continue;
    }
    if (is_kept(plan, group, weights)) {
      (is_compared_alone(context, group) ? alone : together).push_back(&group);
      continue;
    }
    for (const auto& member : group.members) {
      for (const auto step : plan.models[member.model].steps) {
        needed.insert(store::kept_name(plan.models[member.model].id, step));
      }
    }
  }
  RowBatch rows(writer);
  const auto rank = static_cast<std::size_t>(world.rank()), num_ranks = static_cast<std::size_t>(world.size());
  for (const auto* group : together) {
    if (is_any_stopped(world, stop)) {
      break;
    }
    auto of_group = group_rows(context, *group, weights, of_all, {rank, num_ranks});
    or_stop(stop, [&] {
      rows.add(std::move(of_group));
      rows.commit();
    });
  }
  const auto of_one = gather::make_local_gatherer({});
  for (std::size_t i = rank; i < alone.size() && !stop.requested(); i += num_ranks) {
    or_stop(stop, [&] { rows.add(group_rows(context, *alone[i], weights, *of_one, {0, 1})); });
  }
  or_stop(stop, [&] { rows.commit(); });
  const bool is_stopped = is_any_stopped(world, stop);  // and every rank's rows are committed
  if (world.rank() == 0 && !is_stopped) {
    writer.check_newest();
    store::remove_kept(folder, needed);
  }
}

}  // namespace unroll::execute
