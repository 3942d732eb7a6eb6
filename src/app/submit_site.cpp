#include <algorithm>
#include <array>

#include "size_text.hpp"
#include "submit.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

enum class Value { word, words, count, size, launcher };

struct Key {
  std::string_view name;
  Value value;
};
constexpr std::array kKeys{
    Key{"account", Value::word},      Key{"partition", Value::word},  Key{"qos", Value::word},
    Key{"gres", Value::word},         Key{"constraint", Value::word}, Key{"reservation", Value::word},
    Key{"cores", Value::count},       Key{"memory", Value::size},     Key{"modules", Value::words},
    Key{"launcher", Value::launcher}, Key{"program", Value::words}};

/// "" when the value may stand.
std::string rule_broken(Value kind, const std::string& value) {
  if (value.empty()) {
    return "is empty; leave the line out";
  }
  switch (kind) {
    case Value::word:
      return value.find_first_of(" \t$();<>") != std::string::npos || value.front() == '-'
                 ? "must be one word without any of $();<> and not begin with -"
                 : "";
    case Value::count: {
      const auto count = parse_integer(value);
      return count && *count >= 1 && *count <= 4096 ? "" : "must be a whole number from 1 to 4096";
    }
    case Value::launcher:
      return value == "mpirun" || value == "srun" ? "" : "must be mpirun or srun";
    case Value::words:
    case Value::size:
      break;
  }
  return "";
}

std::string names() {
  std::vector<std::string> all;
  for (const Key& key : kKeys) {
    all.emplace_back(key.name);
  }
  return join(all, ", ");
}

}  // namespace

Site parse_site(const std::string& text, const std::string& path) {
  Site site;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const std::size_t equals = line.find(" = ");
    const std::string name(trim(line.substr(0, equals)));
    const std::string place = printable(path, 200) + ":" + std::to_string(number) + ": ";
    const auto key = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& one) { return one.name == name; });
    if (equals == line.npos || key == kKeys.end()) {
      throw UsageError(place + printable(line) + ": must be KEY = VALUE, with one of the keys " + names());
    }
    const std::string value(trim(line.substr(equals + 3)));
    check_plain(place + name, value);
    const std::string broken = rule_broken(key->value, value);
    if (!broken.empty()) {
      throw UsageError(place + name + " = " + printable(value) + ": " + broken);
    }
    if (key->value == Value::size) {
      (void)parse_size(place + name, value);
    }
    if (!site.emplace(name, value).second) {
      throw UsageError(place + name + ": is set twice");
    }
  }
  return site;
}

std::string job_site(const Site& site, const std::string& launcher, const std::string& program) {
  const auto modules = site.find("modules");
  const auto given = site.find("program");
  return "# Written by unroll submit; read by slurm.sh.\n" +
         (modules == site.end() ? "" : "modules = " + modules->second + '\n') + "launcher = " + launcher + '\n' +
         "program = " + (given == site.end() ? program : given->second) + '\n';
}

}  // namespace unroll::app
