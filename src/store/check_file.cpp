#include <algorithm>
#include <filesystem>

#include "check_findings.hpp"
#include "check_rows.hpp"
#include "column_check.hpp"
#include "schema.hpp"
#include "shard.hpp"
#include "unroll/base/child.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::store {
namespace {

constexpr const char* kRemedy = "; write it again with unroll merge, or fetch it again";
constexpr std::size_t kMaxText = 500;

// What PATH.sha256 says, where there is one.
void check_beside(const std::string& path, std::vector<Finding>& findings) {
  std::error_code error;
  const auto said = read_file(path + ".sha256");
  if (!said && std::filesystem::exists(path + ".sha256", error)) {
    findings.push_back({Severity::problem, path + ".sha256: cannot be read" + kRemedy});
  }
  if (said && std::string_view(reinterpret_cast<const char*>(said->data()), said->size()) !=
                  digest_line(path, file_digest(path))) {
    findings.push_back(
        {Severity::problem, path + ": is not the file that " + path + ".sha256 was written for" + kRemedy});
  }
}

std::vector<Finding> find_in_file(const std::string& path) {
  const hdf5::TableReader reader(path);
  const FileKind kind = kind_of(reader.header(), path);
  std::vector<std::string> problems = schema_problems(reader.header(), kind);
  const bool is_schema_good = problems.empty();
  for (const hdf5::Table& table : reader.header().tables) {
    for (const hdf5::TableColumn& column : table.columns) {
      std::string problem = column_problem(reader, table, column);
      if (!problem.empty() && column.attributes.contains("sha256")) {
        problems.push_back(std::move(problem));
      }
    }
  }
  if (kind == FileKind::results && is_schema_good) {
    const std::vector<std::string> rows = row_problems(reader);
    problems.insert(problems.end(), rows.begin(), rows.end());
  }
  std::vector<Finding> findings;
  for (const std::string& problem : problems) {
    findings.push_back({Severity::problem, path + ": " + problem + kRemedy});
  }
  return findings;
}

}  // namespace

std::string encode(const std::vector<Finding>& findings) {
  std::string lines;
  for (const Finding& finding : findings) {
    lines += static_cast<char>('0' + static_cast<int>(finding.severity));
    lines += printable(finding.text, kMaxText) + '\n';
  }
  return lines;
}

std::vector<Finding> decode_findings(const std::string& lines) {
  std::vector<Finding> findings;
  for (const std::string_view line : split(lines, '\n')) {
    if (line.size() > 1) {
      findings.push_back({static_cast<Severity>(line.front() - '0'), std::string(line.substr(1))});
    }
  }
  return findings;
}

void Findings::add_each(Severity severity, const std::vector<std::string>& names, const std::string& text) {
  constexpr std::size_t kMaxShown = 10;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxShown); ++i) {
    add(severity, names[i] + ": " + text);
  }
  if (names.size() > kMaxShown) {
    add(severity, std::to_string(names.size() - kMaxShown) + " more files: " + text);
  }
}

std::vector<Finding> findings_of_child(const std::string& path, const std::function<std::vector<Finding>()>& find) {
  return decode_findings(in_child(path, limits_for(path), [&] { return encode(find()); }));
}

std::vector<Finding> check_file(const std::string& path) {
  std::vector<Finding> findings = findings_of_child(path, [&] { return find_in_file(path); });
  check_beside(path, findings);
  return findings;
}

}  // namespace unroll::store
