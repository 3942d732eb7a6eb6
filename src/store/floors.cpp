#include "floors.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "unroll/config/keys.hpp"

namespace unroll::store {
namespace {

enum Family { kRepeats, kOrders, kInits, kNumFamilies };
constexpr plan::MemberKind kMemberKinds[] = {plan::MemberKind::repeat, plan::MemberKind::order, plan::MemberKind::init};
constexpr std::string_view kFamilyKeys[] = {"noise.repeats", "noise.orders", "noise.inits"};
constexpr const char* kFamilyColumns[] = {"floor_repeat", "floor_order", "floor_init"};

/// What a floor is taken over: M' and its retrains of one kind. A skipped step leaves its examples in M', so with
/// forget.kind = step M' is none of those that forget them in other orders.
std::vector<std::size_t> members_of(const plan::Plan& plan, const plan::Group& group, Family family) {
  const bool skips_step = plan.cells[plan.runs[group.run].cell].forget.kind == config::ForgetKind::step;
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    const plan::MemberKind kind = group.members[i].kind;
    const bool is_own = kind == plan::MemberKind::retrained && !(family == kOrders && skips_step);
    if (is_own || kind == kMemberKinds[family]) {
      members.push_back(i);
    }
  }
  return members;
}

class Floors {
 public:
  Floors(const plan::Plan& plan, const Collected& collected) : plan_(plan), collected_(collected) {
    for (const plan::Group& group : plan.groups) {
      group_of_run_[group.run] = &group;
    }
  }

  record::FloorRow row(std::size_t run, const PlacedPair& pair);

 private:
  void add_ulp(const plan::Run& run, record::FloorRow& row);
  void add_families(const plan::Run& run, const plan::Group* group, record::FloorRow& row);
  Floor family_floor(const plan::Group& group, const std::vector<record::DistanceRow>& rows, std::int64_t step,
                     Family family, std::int64_t& num_models) const;
  static void judge(const PlacedPair& pair, record::FloorRow& row);
  static void explain(record::FloorRow& row, const std::string& column, const std::string& reason) {
    row.undefined += (row.undefined.empty() ? "" : ";") + column + '=' + reason;
  }

  const plan::Plan& plan_;
  const Collected& collected_;
  std::unordered_map<std::size_t, const plan::Group*> group_of_run_;
};

void Floors::add_ulp(const plan::Run& run, record::FloorRow& row) {
  if (!plan_.cells[run.cell].noise.ulp) {
    return explain(row, "floor_ulp", "not_asked");
  }
  const auto twin = collected_.twins.find(plan_.trees[run.tree].id);
  const auto at_step = twin == collected_.twins.end() ? Twin::const_iterator{} : twin->second.find(row.step);
  if (twin == collected_.twins.end() || at_step == twin->second.end()) {
    return explain(row, "floor_ulp", "not_compared");
  }
  row.floor_ulp = at_step->second.distance;
  if (std::isnan(row.floor_ulp)) {
    explain(row, "floor_ulp", "diverged");
  }
}

Floor Floors::family_floor(const plan::Group& group, const std::vector<record::DistanceRow>& rows, std::int64_t step,
                           Family family, std::int64_t& num_models) const {
  const std::vector<std::size_t> members = members_of(plan_, group, family);
  const auto place_of = [&](const std::string& id) {
    const auto found = std::find_if(members.begin(), members.end(), [&](std::size_t member) {
      return plan_.models[group.members[member].model].id == id;
    });
    return static_cast<std::size_t>(found - members.begin());
  };
  std::vector<ModelPair> pairs;
  for (const record::DistanceRow& row : rows) {
    if (row.step == step) {
      const ModelPair pair{place_of(row.id_a), place_of(row.id_b), row.distance};
      if (pair.a < members.size() && pair.b < members.size()) {
        pairs.push_back(pair);
      }
    }
  }
  num_models = std::ssize(members);
  return floor_of(members.size(), std::move(pairs), std::stoull(group.id.substr(0, 16), nullptr, 16));
}

void Floors::add_families(const plan::Run& run, const plan::Group* group, record::FloorRow& row) {
  const config::Settings& cell = plan_.cells[run.cell];
  const bool is_set[] = {cell.noise.repeats > 0, !cell.noise.orders.empty(), !cell.noise.inits.empty()};
  const bool is_step = group != nullptr && std::binary_search(group->steps.begin(), group->steps.end(), row.step);
  const auto rows = is_step ? collected_.groups.find(group->id) : collected_.groups.end();
  row.group_id = is_step ? group->id : "";
  for (const Family family : {kRepeats, kOrders, kInits}) {
    const char* column = kFamilyColumns[family];
    if (!is_set[family] || !config::find_key(kFamilyKeys[family])->acts.holds(cell)) {
      explain(row, column, "not_asked");
    } else if (!is_step) {
      explain(row, column, "last_step_only");
    } else if (rows == collected_.groups.end()) {
      explain(row, column, "not_compared");
    } else {
      std::int64_t num_models = 0;
      const Floor floor = family_floor(*group, rows->second, row.step, family, num_models);
      if (num_models < 2) {
        explain(row, column, "too_few_models");
      } else if (std::isnan(floor.median)) {
        explain(row, column, "diverged");
      } else if (num_models < 3 && family != kRepeats) {
        explain(row, std::string(column) + "_interval", "too_few_models");
      }
      if (family == kRepeats) {
        row.floor_repeat = floor.median;
      } else if (family == kOrders) {
        row.floor_order = floor.median;
        row.floor_order_low = floor.low;
        row.floor_order_high = floor.high;
        row.num_orders = num_models;
      } else {
        row.floor_init = floor.median;
        row.floor_init_low = floor.low;
        row.floor_init_high = floor.high;
        row.num_inits = num_models;
      }
    }
  }
}

void Floors::judge(const PlacedPair& pair, record::FloorRow& row) {
  row.verification_error = pair.verification_error;
  const auto ratio = [&](const char* column, double floor) {
    if (floor > 0 && !std::isnan(row.verification_error)) {
      return row.verification_error / floor;
    }
    if (floor == 0) {
      explain(row, column, "zero_denominator");
    }
    return record::kUndefined;  // the floor or the error is undefined, and says why
  };
  row.ratio_ulp = ratio("ratio_ulp", row.floor_ulp);
  row.ratio_order = ratio("ratio_order", row.floor_order);
  if (std::isnan(row.verification_error)) {
    explain(row, "verification_error", "diverged");
  }
  if (pair.status != "ok") {
    row.status = pair.status;
  } else if (std::isnan(row.floor_ulp)) {
    row.status = "no_floor";
  } else {
    row.status = row.verification_error < kFloorFactor * row.floor_ulp ? "below_floor" : "ok";
  }
}

record::FloorRow Floors::row(std::size_t index, const PlacedPair& pair) {
  const plan::Run& run = plan_.runs[index];
  record::FloorRow row;
  row.run_id = run.id;
  row.cell = static_cast<std::int64_t>(run.cell);
  row.seed = plan_.seeds[run.seed];
  row.step = pair.step;
  const auto group = group_of_run_.find(index);
  add_ulp(run, row);
  add_families(run, group == group_of_run_.end() ? nullptr : group->second, row);
  judge(pair, row);
  return row;
}

}  // namespace

std::vector<record::FloorRow> floor_rows(const plan::Plan& plan, const Collected& collected) {
  std::vector<record::FloorRow> rows;
  const bool has_twins =
      std::any_of(plan.cells.begin(), plan.cells.end(), [](const auto& cell) { return cell.noise.ulp; });
  if (plan.groups.empty() && !has_twins) {
    return rows;
  }
  Floors floors(plan, collected);
  for (std::size_t run = 0; run < plan.runs.size(); ++run) {
    const auto found = collected.runs.find(plan.runs[run].id);
    if (found != collected.runs.end()) {
      for (const PlacedPair& pair : found->second.pairs) {
        rows.push_back(floors.row(run, pair));
      }
    }
  }
  return rows;
}

}  // namespace unroll::store
