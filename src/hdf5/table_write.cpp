#include <hdf5_hl.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "library.hpp"
#include "unroll/base/error.hpp"
#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {
namespace {

constexpr std::size_t kCompressFromBytes = 64 * 1024;
constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr unsigned kDeflateLevel = 1;  // level 4 leaves 4 % less

// A column as HDF5 takes it.
struct Flat {
  TypeHandle type;
  std::size_t element_bytes = 0;
  std::vector<char> text;  // only for text
  const void* data = nullptr;
};

Flat flatten_texts(const TableColumn& column, const std::vector<std::string>& texts) {
  Flat flat;
  flat.element_bytes = std::max<std::size_t>(column.text_size, 1);
  flat.type = text_type(flat.element_bytes);
  flat.text.assign(texts.size() * flat.element_bytes, '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > flat.element_bytes || texts[i].find('\0') != std::string::npos) {
      throw Error("column '" + column.name + "' takes texts of at most " + std::to_string(flat.element_bytes) +
                  " bytes without zero bytes, not '" + texts[i].substr(0, 80) + "'");
    }
    std::memcpy(flat.text.data() + i * flat.element_bytes, texts[i].data(), texts[i].size());
  }
  flat.data = flat.text.data();
  return flat;
}

Flat flatten(const TableColumn& column) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    return flatten_texts(column, *texts);
  }
  Flat flat;
  flat.element_bytes = 8;
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    flat.type = TypeHandle(check(H5Tcopy(H5T_STD_I64LE)));
    flat.data = integers->data();
  } else {
    flat.type = TypeHandle(check(H5Tcopy(H5T_IEEE_F64LE)));
    flat.data = std::get<std::vector<double>>(column.values).data();
  }
  return flat;
}

hid_t memory_type(const TableColumn& column, const Flat& flat) {
  if (std::holds_alternative<std::vector<std::int64_t>>(column.values)) {
    return H5T_NATIVE_INT64;
  }
  return std::holds_alternative<std::vector<double>>(column.values) ? H5T_NATIVE_DOUBLE : flat.type.get();
}

ListHandle storage(std::size_t rows, std::size_t element_bytes) {
  ListHandle list = dataset_properties();
  if (rows * element_bytes >= kCompressFromBytes) {
    const hsize_t chunk = std::min(rows, std::max<std::size_t>(kChunkBytes / element_bytes, 1));
    check(H5Pset_chunk(list.get(), 1, &chunk));
    check(H5Pset_shuffle(list.get()));
    check(H5Pset_deflate(list.get(), kDeflateLevel));
  }
  return list;
}

ObjectHandle write_column(hid_t group, const TableColumn& column) {
  check_name(column.name);
  const Flat flat = flatten(column);
  const hsize_t rows = num_rows(column);
  const SpaceHandle space(check(H5Screate_simple(1, &rows, nullptr)));
  const ListHandle properties = storage(rows, flat.element_bytes);
  ObjectHandle dataset(check(H5Dcreate2(group, column.name.c_str(), flat.type.get(), space.get(), H5P_DEFAULT,
                                        properties.get(), H5P_DEFAULT)));
  if (rows > 0) {
    check(H5Dwrite(dataset.get(), memory_type(column, flat), H5S_ALL, H5S_ALL, H5P_DEFAULT, flat.data));
  }
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

TableColumn row_column(std::size_t rows) {
  std::vector<std::int64_t> index(rows);
  std::iota(index.begin(), index.end(), 0);
  return {"row", std::move(index), "1", "row of this table", 0, {}};
}

void write_table(hid_t file, const Table& table) {
  check_name(table.name);
  const ListHandle properties = group_properties();
  const ObjectHandle group(check(H5Gcreate2(file, table.name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT)));
  if (!table.long_name.empty()) {
    write_attribute(group.get(), "long_name", table.long_name);
  }
  ObjectHandle scale;
  if (table.has_scale) {
    scale = write_column(group.get(), row_column(table.num_rows()));
    check(H5DSset_scale(scale.get(), "row"));
  }
  for (const TableColumn& column : table.columns) {
    if (num_rows(column) != table.num_rows() || column.name == "row") {
      throw Error("table '" + table.name + "': column '" + column.name + "' has another length or a reserved name");
    }
    const ObjectHandle dataset = write_column(group.get(), column);
    if (table.has_scale) {
      check(H5DSattach_scale(dataset.get(), scale.get(), 0));
    }
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

}  // namespace

std::size_t num_rows(const TableColumn& column) {
  return std::visit([](const auto& values) { return values.size(); }, column.values);
}

std::size_t Table::num_rows() const { return columns.empty() ? 0 : hdf5::num_rows(columns.front()); }

const TableColumn* Table::find(std::string_view column) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

const Table* TableFile::find(std::string_view table) const {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const auto& one) { return one.name == table; });
  return found == tables.end() ? nullptr : &*found;
}

std::vector<std::byte> to_image(const TableFile& file) {
  set_up();
  const MemoryFile memory;
  for (const auto& [name, text] : file.attributes) {
    write_attribute(memory.id(), name, text);
  }
  for (const auto& [name, text] : file.texts) {
    write_text(memory.id(), name, text);
  }
  for (const Table& table : file.tables) {
    write_table(memory.id(), table);
  }
  return memory.image();
}

}  // namespace unroll::hdf5
