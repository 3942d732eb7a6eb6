#include "table_read.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "unroll/base/error.hpp"

namespace unroll::hdf5 {
namespace {

bool is_library_attribute(const std::string& name) {
  constexpr std::array<std::string_view, 6> kNames = {"CLASS",          "NAME",  "DIMENSION_LIST",
                                                      "REFERENCE_LIST", "units", "long_name"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// The file's space with only these rows selected.
SpaceHandle select_rows(const Dataset& dataset, std::size_t first_row, std::size_t num_rows) {
  SpaceHandle space(check(H5Dget_space(dataset.handle.get())));
  const hsize_t start = first_row, count = num_rows;
  check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr));
  return space;
}

void read_into(const Dataset& dataset, hid_t memory_type, std::size_t first_row, std::size_t num_rows, void* out) {
  if (num_rows == 0) {
    return;
  }
  const hsize_t count = num_rows;
  const SpaceHandle from = select_rows(dataset, first_row, num_rows);
  const SpaceHandle to(check(H5Screate_simple(1, &count, nullptr)));
  check(H5Dread(dataset.handle.get(), memory_type, to.get(), from.get(), H5P_DEFAULT, out));
}

template <typename Value>
std::vector<Value> read_numbers(const Dataset& dataset, hid_t memory_type, std::size_t first, std::size_t count) {
  std::vector<Value> values(count);
  read_into(dataset, memory_type, first, count, values.data());
  return values;
}

Table read_table(const ReadFile& file, const std::string& name, const ColumnFilter& is_wanted,
                 const OnColumn& on_column) {
  const ObjectHandle group(check(H5Gopen2(file.id(), name.c_str(), H5P_DEFAULT)));
  Table table;
  table.name = name;
  table.long_name = read_text_attribute(group.get(), "long_name");
  table.has_scale = false;
  std::optional<std::int64_t> num_rows;
  for (const std::string& column : member_names(group.get())) {
    const bool is_scale = column == "row";
    if (!is_scale && !is_wanted(name, column)) {
      continue;
    }
    const Dataset dataset = open_column(group.get(), file, column);
    if (dataset.shape[0] != num_rows.value_or(dataset.shape[0])) {
      throw Error("column '" + column + "' of table '" + name + "' has another length than the first");
    }
    num_rows = dataset.shape[0];
    table.has_scale = table.has_scale || is_scale;
    if (!is_scale) {
      table.columns.push_back(describe_column(dataset, column));
      file.declare(dataset, column);
      on_column(dataset, name, table.columns.back());
    }
  }
  return table;
}

std::string read_whole_text(const ReadFile& file, const std::string& name) {
  const Dataset dataset = open_dataset(file, file.id(), name);
  if (!dataset.shape.empty() || dataset.type_class != H5T_STRING) {
    throw Error("dataset '" + name + "' must be one fixed-length text");
  }
  file.declare(dataset, name);
  return read_texts(dataset).front();
}

bool everything(std::string_view, std::string_view) { return true; }

TableFile read_all(const ReadFile& file, const ColumnFilter& is_wanted) {
  return read_header(file, is_wanted, [](const Dataset& dataset, const std::string&, TableColumn& column) {
    column.values = read_rows(dataset, 0, dataset.num_elements());
  });
}

}  // namespace

Dataset open_column(hid_t group, const ReadFile& file, const std::string& name) {
  if (member_kind(group, name) != MemberKind::dataset) {
    throw Error("'" + name + "' is not a column");
  }
  Dataset dataset = open_dataset(file, group, name);
  if (dataset.shape.size() != 1) {
    throw Error("column '" + name + "' must be one-dimensional, of integers, reals or fixed-length text");
  }
  return dataset;
}

TableColumn describe_column(const Dataset& dataset, const std::string& name) {
  TableColumn column;
  column.name = name;
  if (dataset.type_class == H5T_INTEGER) {
    column.values = std::vector<std::int64_t>();
  } else if (dataset.type_class == H5T_FLOAT) {
    column.values = std::vector<double>();
  } else {
    column.values = std::vector<std::string>();
    column.text_size = dataset.element_bytes;
  }
  const hid_t id = dataset.handle.get();
  column.units = read_text_attribute(id, "units");
  column.long_name = read_text_attribute(id, "long_name");
  for (const std::string& attribute : attribute_names(id)) {
    if (!is_library_attribute(attribute)) {
      column.attributes[attribute] = read_text_attribute(id, attribute);
    }
  }
  return column;
}

ColumnValues read_rows(const Dataset& dataset, std::size_t first_row, std::size_t num_rows) {
  if (dataset.type_class == H5T_INTEGER) {
    return read_numbers<std::int64_t>(dataset, H5T_NATIVE_INT64, first_row, num_rows);
  }
  if (dataset.type_class == H5T_FLOAT) {
    return read_numbers<double>(dataset, H5T_NATIVE_DOUBLE, first_row, num_rows);
  }
  std::vector<char> text(num_rows * dataset.element_bytes);
  const TypeHandle memory = memory_text_type(dataset);
  read_into(dataset, memory.get(), first_row, num_rows, text.data());
  return texts_of(text, dataset.element_bytes);
}

std::vector<std::byte> read_row_bytes(const Dataset& dataset, std::size_t first_row, std::size_t num_rows) {
  const bool is_text = dataset.type_class == H5T_STRING;
  std::vector<std::byte> bytes(num_rows * (is_text ? dataset.element_bytes : sizeof(std::int64_t)));
  const TypeHandle text = is_text ? memory_text_type(dataset) : TypeHandle();
  const hid_t number = dataset.type_class == H5T_INTEGER ? H5T_STD_I64LE : H5T_IEEE_F64LE;
  read_into(dataset, is_text ? text.get() : number, first_row, num_rows, bytes.data());
  return bytes;
}

TableFile read_header(const ReadFile& file, const ColumnFilter& is_wanted, const OnColumn& on_column) {
  try {
    TableFile result;
    for (const std::string& name : attribute_names(file.id())) {
      result.attributes[name] = read_text_attribute(file.id(), name);
    }
    for (const std::string& name : member_names(file.id())) {
      if (member_kind(file.id(), name) == MemberKind::group) {
        result.tables.push_back(read_table(file, name, is_wanted, on_column));
      } else {
        result.texts[name] = read_whole_text(file, name);
      }
    }
    return result;
  } catch (const Error& error) {
    throw UsageError(file.name() + ": " + error.what());
  }
}

TableFile read_tables(const std::string& path) { return read_all(ReadFile(path), everything); }

TableFile read_tables(const std::string& path, const ColumnFilter& is_wanted) {
  return read_all(ReadFile(path), is_wanted);
}

TableFile tables_from_image(const std::vector<std::byte>& image, const std::string& name) {
  return read_all(ReadFile(image, name), everything);
}

TableFile tables_from_image(const std::vector<std::byte>& image, const std::string& name,
                            const ColumnFilter& is_wanted) {
  return read_all(ReadFile(image, name), is_wanted);
}

}  // namespace unroll::hdf5
