#pragma once
// Rows and arrays in an archive, by the tables of record/rows.hpp.
#include <span>
#include <utility>
#include <vector>

#include "unroll/base/archive.hpp"
#include "unroll/hdf5/arrays.hpp"
#include "unroll/record/rows.hpp"

namespace unroll::execute {

template <typename Row>
void transfer_rows(Archive& archive, std::vector<Row>& rows, std::span<const record::Column<Row>> columns) {
  std::size_t count = rows.size();
  archive.size(count, columns.size());
  rows.resize(count);
  for (Row& row : rows) {
    for (const auto& column : columns) {
      std::visit(
          [&](auto get) {
            auto value = get(row);
            archive(value);
            column.set(row, record::Value(std::move(value)));
          },
          column.get);
    }
  }
}

inline void transfer_arrays(Archive& archive, std::vector<hdf5::Array>& arrays) {
  std::size_t count = arrays.size();
  archive.size(count, 1);
  arrays.resize(count);
  for (hdf5::Array& array : arrays) {
    archive(array.name, array.type, array.shape, array.bytes);
  }
}

}  // namespace unroll::execute
