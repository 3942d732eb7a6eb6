#include "size_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

constexpr std::string_view kPrefixes = "KMGTP";
constexpr double kMaxBytes = 1e18;

/// What a unit is worth: "", "b", "g", "gb", "gib" ...
std::optional<double> unit_bytes(std::string unit) {
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (unit.ends_with('B')) {
    unit.pop_back();
  }
  if (unit.empty()) {
    return 1.0;
  }
  const std::size_t prefix = kPrefixes.find(unit.front());
  if (prefix == std::string_view::npos || (unit.size() > 1 && unit.substr(1) != "I")) {
    return std::nullopt;
  }
  return std::pow(unit.size() > 1 ? 1024.0 : 1000.0, static_cast<double>(prefix + 1));
}

}  // namespace

std::uint64_t parse_size(const std::string& option, const std::string& text) {
  const std::size_t number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = parse_real(text.substr(0, number_end));
  const auto unit = unit_bytes(std::string(trim(text.substr(number_end))));
  const double bytes = number && unit ? std::floor(*number * *unit) : 0;
  if (!(bytes >= 1) || bytes > kMaxBytes) {
    throw UsageError(
        option + " = " + printable(text) +
        ": must be a size from 1 byte to 1000 PB, such as 500M, 20G or 1.5TB (or 64GiB for powers of 1024)");
  }
  return static_cast<std::uint64_t>(bytes);
}

std::string size_text(double bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 999.5 && unit + 1 < kUnits.size(); ++unit) {
    bytes /= 1000;
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3g %s", bytes, kUnits[unit]);
  return text.data();
}

}  // namespace unroll::app
