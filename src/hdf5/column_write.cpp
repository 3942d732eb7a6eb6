#include "column_write.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>

#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

constexpr std::size_t kCompressFromBytes = 64 * 1024;
constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::size_t kChunksOfSlab = 16;
constexpr unsigned kDeflateLevel = 1;  // level 4 leaves 4 % less
constexpr double kWorthDeflating = 0.8;
constexpr std::size_t kSampledValues = 4096;

/// What shuffle and deflate would leave of numbers, at best: the entropy of each of their bytes over a sample. Random
/// mantissas cost seconds a million rows, and stay as long as they are.
template <typename Value>
bool is_compressible(std::span<const Value> values) {
  const std::size_t stride = std::max<std::size_t>(values.size() / kSampledValues, 1);
  std::array<std::array<std::uint32_t, 256>, sizeof(Value)> counts{};
  double num_sampled = 0;
  for (std::size_t i = 0; i < values.size(); i += stride) {
    std::array<unsigned char, sizeof(Value)> bytes{};
    std::memcpy(bytes.data(), &values[i], sizeof(Value));
    for (std::size_t plane = 0; plane < sizeof(Value); ++plane) {
      ++counts[plane][bytes[plane]];
    }
    ++num_sampled;
  }
  double bits = 0;
  for (const auto& plane : counts) {
    for (const std::uint32_t count : plane) {
      bits -= count == 0 ? 0 : count / num_sampled * std::log2(count / num_sampled);
    }
  }
  return bits < kWorthDeflating * 8 * sizeof(Value);
}

template <typename Value>
ColumnSource number_source(const std::vector<Value>& values, hid_t file_type, hid_t memory_type) {
  return {TypeHandle(check(H5Tcopy(file_type))),
          TypeHandle(check(H5Tcopy(memory_type))),
          sizeof(Value),
          values.size(),
          is_compressible(std::span<const Value>(values)),
          [&values](std::size_t begin, std::size_t) { return static_cast<const void*>(values.data() + begin); }};
}

ListHandle storage(const ColumnSource& source) {
  ListHandle list = dataset_properties();
  if (source.num_rows * source.element_bytes >= kCompressFromBytes && source.is_worth_deflating) {
    const hsize_t chunk = std::min(source.num_rows, std::max<std::size_t>(kChunkBytes / source.element_bytes, 1));
    check(H5Pset_chunk(list.get(), 1, &chunk));
    if (source.element_bytes <= sizeof(double)) {  // texts repeat from row to row, not byte by byte
      check(H5Pset_shuffle(list.get()));
    }
    check(H5Pset_deflate(list.get(), kDeflateLevel));
  }
  return list;
}

/// Whole chunks at a time.
void write_rows(hid_t dataset, hid_t space, const ColumnSource& source) {
  const std::size_t slab = kChunksOfSlab * std::max<std::size_t>(kChunkBytes / source.element_bytes, 1);
  for (std::size_t begin = 0; begin < source.num_rows; begin += slab) {
    const hsize_t start = begin, count = std::min(slab, source.num_rows - begin);
    const SpaceHandle memory(check(H5Screate_simple(1, &count, nullptr)));
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr));
    check(H5Dwrite(dataset, source.memory_type.get(), memory.get(), space, H5P_DEFAULT, source.rows(begin, count)));
  }
}

void fill_text(const std::string& column, const std::string& text, std::size_t size, char* out) {
  if (text.size() > size || text.find('\0') != std::string::npos) {
    throw Error("column '" + column + "' takes texts of at most " + std::to_string(size) +
                " bytes without zero bytes, not '" + text.substr(0, 80) + "'");
  }
  std::memcpy(out, text.data(), text.size());
}

}  // namespace

ColumnSource text_source(const std::string& column, std::size_t text_size, std::size_t num_rows,
                         std::function<const std::string&(std::size_t row)> text) {
  const std::size_t size = std::max<std::size_t>(text_size, 1);
  const auto buffer = std::make_shared<std::vector<char>>();
  return {text_type(size),
          text_type(size),
          size,
          num_rows,
          true,
          [column, size, buffer, text = std::move(text)](std::size_t begin, std::size_t count) {
            buffer->assign(count * size, '\0');
            for (std::size_t i = 0; i < count; ++i) {
              fill_text(column, text(begin + i), size, buffer->data() + i * size);
            }
            return static_cast<const void*>(buffer->data());
          }};
}

ColumnSource source_of(const TableColumn& column) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    return text_source(column.name, column.text_size, texts->size(),
                       [texts](std::size_t row) -> const std::string& { return (*texts)[row]; });
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    return number_source(*integers, H5T_STD_I64LE, H5T_NATIVE_INT64);
  }
  return number_source(std::get<std::vector<double>>(column.values), H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE);
}

ObjectHandle write_column(hid_t group, const TableColumn& column, const ColumnSource& source) {
  check_name(column.name);
  const hsize_t rows = source.num_rows;
  const SpaceHandle space(check(H5Screate_simple(1, &rows, nullptr)));
  const ListHandle properties = storage(source);
  ObjectHandle dataset(check(H5Dcreate2(group, column.name.c_str(), source.file_type.get(), space.get(), H5P_DEFAULT,
                                        properties.get(), H5P_DEFAULT)));
  write_rows(dataset.get(), space.get(), source);
  if (!column.units.empty()) {
    write_attribute(dataset.get(), "units", column.units);
  }
  if (!column.long_name.empty()) {
    write_attribute(dataset.get(), "long_name", column.long_name);
  }
  for (const auto& [name, text] : column.attributes) {
    write_attribute(dataset.get(), name, text);
  }
  return dataset;
}

TableGroup make_table(hid_t file, const std::string& name, const std::string& long_name, std::size_t num_rows,
                      bool has_scale) {
  check_name(name);
  const ListHandle properties = group_properties();
  TableGroup table{ObjectHandle(check(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT))), {}};
  if (!long_name.empty()) {
    write_attribute(table.group.get(), "long_name", long_name);
  }
  if (has_scale) {
    std::vector<std::int64_t> index(num_rows);
    std::iota(index.begin(), index.end(), 0);
    const TableColumn row{"row", std::move(index), "1", "row of this table", 0, {}};
    table.scale = write_column(table.group.get(), row, source_of(row));
    check(H5DSset_scale(table.scale.get(), "row"));
  }
  return table;
}

void add_column(const TableGroup& table, const std::string& table_name, std::size_t num_rows, const TableColumn& column,
                const ColumnSource& source) {
  if (source.num_rows != num_rows || column.name == "row") {
    throw Error("table '" + table_name + "': column '" + column.name + "' has another length or a reserved name");
  }
  const ObjectHandle dataset = write_column(table.group.get(), column, source);
  if (table.scale) {
    check(H5DSattach_scale(dataset.get(), table.scale.get(), 0));
  }
}

void write_text(hid_t file, const std::string& name, const std::string& text) {
  check_name(name);
  const TypeHandle type = text_type(text.size());
  const SpaceHandle space(check(H5Screate(H5S_SCALAR)));
  const ListHandle properties = dataset_properties();
  const ObjectHandle dataset(
      check(H5Dcreate2(file, name.c_str(), type.get(), space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT)));
  check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()));
}

}  // namespace unroll::hdf5
