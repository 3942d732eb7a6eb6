#include "read.hpp"
#include "unroll/base/error.hpp"
#include "unroll/hdf5/tables.hpp"

namespace unroll::hdf5 {
namespace {

template <typename Value>
std::vector<Value> read_values(const Dataset& dataset, hid_t memory_type) {
  std::vector<Value> values(dataset.num_elements());
  if (!values.empty()) {
    check(H5Dread(dataset.handle.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  }
  return values;
}

bool is_library_attribute(const std::string& name) {
  return name == "CLASS" || name == "NAME" || name == "DIMENSION_LIST" || name == "REFERENCE_LIST" || name == "units" ||
         name == "long_name";
}

TableColumn read_column(const ReadFile& file, hid_t group, const std::string& name) {
  if (member_kind(group, name) != MemberKind::dataset) {
    throw Error("'" + name + "' is not a column");
  }
  const Dataset dataset = open_dataset(file, group, name);
  if (dataset.shape.size() != 1 || (dataset.type_class != H5T_STRING && dataset.element_bytes > 8)) {
    throw Error("column '" + name + "' must be one-dimensional, of integers, reals or fixed-length text");
  }
  TableColumn column;
  column.name = name;
  if (dataset.type_class == H5T_INTEGER) {
    column.values = read_values<std::int64_t>(dataset, H5T_NATIVE_INT64);
  } else if (dataset.type_class == H5T_FLOAT) {
    column.values = read_values<double>(dataset, H5T_NATIVE_DOUBLE);
  } else {
    column.values = read_texts(dataset);
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

Table read_table(const ReadFile& file, const std::string& name, const ColumnFilter& is_wanted) {
  const ObjectHandle group(check(H5Gopen2(file.id(), name.c_str(), H5P_DEFAULT)));
  Table table;
  table.name = name;
  table.long_name = read_text_attribute(group.get(), "long_name");
  for (const std::string& column : member_names(group.get())) {
    if (column != "row" && is_wanted(name, column)) {
      table.columns.push_back(read_column(file, group.get(), column));
      if (num_rows(table.columns.back()) != table.num_rows()) {
        throw Error("column '" + column + "' of table '" + name + "' has another length than the first");
      }
    }
  }
  return table;
}

std::string read_whole_text(const ReadFile& file, const std::string& name) {
  const Dataset dataset = open_dataset(file, file.id(), name);
  if (!dataset.shape.empty() || dataset.type_class != H5T_STRING) {
    throw Error("dataset '" + name + "' must be one fixed-length text");
  }
  return read_texts(dataset).front();
}

bool everything(std::string_view, std::string_view) { return true; }

TableFile read_file(const ReadFile& file, const ColumnFilter& is_wanted) {
  try {
    TableFile result;
    for (const std::string& name : attribute_names(file.id())) {
      result.attributes[name] = read_text_attribute(file.id(), name);
    }
    for (const std::string& name : member_names(file.id())) {
      if (member_kind(file.id(), name) == MemberKind::group) {
        result.tables.push_back(read_table(file, name, is_wanted));
      } else {
        result.texts[name] = read_whole_text(file, name);
      }
    }
    return result;
  } catch (const Error& error) {
    throw UsageError(file.name() + ": " + error.what());
  }
}

}  // namespace

TableFile read_tables(const std::string& path) { return read_file(ReadFile(path), everything); }

TableFile read_tables(const std::string& path, const ColumnFilter& is_wanted) {
  return read_file(ReadFile(path), is_wanted);
}

TableFile tables_from_image(const std::vector<std::byte>& image, const std::string& name) {
  return read_file(ReadFile(image, name), everything);
}

}  // namespace unroll::hdf5
