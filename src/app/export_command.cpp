#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "command_line.hpp"
#include "commands.hpp"
#include "file_commands.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/export.hpp"

namespace unroll::app {
namespace {

const Syntax kSyntax{
    .command = "export", .words = {"FILE"}, .flags = {}, .values = {"--format", "--table", "--output"}};

store::ExportFormat format_of(const std::string& text) {
  if (text == "csv") {
    return store::ExportFormat::csv;
  }
  if (text == "jsonl") {
    return store::ExportFormat::jsonl;
  }
  throw UsageError("--format = " + printable(text) +
                   ": must be csv or jsonl (parquet: python3 reads results.h5 with h5py and pandas)");
}

// Writes PATH as a whole: under another name beside it, which is renamed at the end.
void write_file(const std::string& path, const std::function<void(std::ostream&)>& write) {
  const std::filesystem::path whole(path);
  const std::string temporary =
      (whole.parent_path() / (".tmp-" + std::to_string(getpid()) + "-" + whole.filename().string())).string();
  const auto give_up = [&](const std::string& why) {
    std::filesystem::remove(temporary);
    throw UsageError("--output = " + printable(path, 200) + ": cannot be written: " + why);
  };
  errno = 0;
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  if (!file) {
    throw UsageError("--output = " + printable(path, 200) + ": cannot be written: " + std::strerror(errno));
  }
  try {
    write(file);
  } catch (...) {
    std::filesystem::remove(temporary);
    throw;
  }
  file.close();
  if (!file) {
    give_up(std::strerror(errno));
  }
  std::error_code error;
  std::filesystem::rename(temporary, whole, error);
  if (error) {
    give_up(error.message());
  }
}

}  // namespace

int run_export(const std::vector<std::string>& arguments) {
  const Parsed parsed = parse(kSyntax, arguments);
  const std::string given = parsed.words[0];
  const auto format = format_of(parsed.one(kSyntax, "--format"));
  const std::string table = parsed.all("--table").empty() ? "pairs" : parsed.one(kSyntax, "--table");
  std::error_code error;
  const std::string path = std::filesystem::is_directory(given, error) ? given + "/results.h5" : given;
  if (!std::filesystem::exists(path, error)) {
    throw UsageError(path + ": is not there; give a results.h5, a telemetry.h5, or the --output of a study");
  }
  if (parsed.all("--output").empty()) {
    std::ios::sync_with_stdio(false);
    store::export_table(path, table, format, std::cout);
  } else {
    write_file(parsed.one(kSyntax, "--output"),
               [&](std::ostream& out) { store::export_table(path, table, format, out); });
  }
  return kExitComplete;
}

}  // namespace unroll::app
