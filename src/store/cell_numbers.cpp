#include "cell_numbers.hpp"

namespace unroll::store {

CellNumbers::CellNumbers(const plan::Plan& plan) : plan_(plan) {}

std::int64_t CellNumbers::number(const std::string& run_id, std::int64_t otherwise) const {
  if (of_run_.empty()) {
    for (const plan::Run& run : plan_.runs) {
      of_run_.emplace(run.id, static_cast<std::int64_t>(run.cell));
    }
  }
  const auto cell = of_run_.find(run_id);
  return cell == of_run_.end() ? otherwise : cell->second;
}

void CellNumbers::correct(Shard& shard) const {
  if (shard.origin.plan_id == plan_.id) {
    return;
  }
  const auto set = [&](auto& rows) {
    for (auto& row : rows) {
      row.cell = number(row.run_id, row.cell);
    }
  };
  set(shard.rows.runs);
  set(shard.rows.pairs);
}

void CellNumbers::correct(hdf5::TableFile& shard) const {
  const auto plan_id = shard.attributes.find("plan_id");
  if (plan_id != shard.attributes.end() && plan_id->second == plan_.id) {
    return;
  }
  for (hdf5::Table& table : shard.tables) {
    const hdf5::TableColumn* runs = table.find("run_id");
    const hdf5::TableColumn* cells = table.find("cell");
    if (runs == nullptr || cells == nullptr) {
      continue;
    }
    const auto& ids = std::get<std::vector<std::string>>(runs->values);
    auto numbers = std::get<std::vector<std::int64_t>>(cells->values);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = number(ids[i], numbers[i]);
    }
    table.columns[static_cast<std::size_t>(cells - table.columns.data())].values = std::move(numbers);
  }
}

}  // namespace unroll::store
