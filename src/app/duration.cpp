#include "duration.hpp"

#include <cmath>
#include <cstdio>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::app {
namespace {

constexpr double kMinute_s = 60, kHour_s = 3600, kDay_s = 86400;
constexpr double kLongest_s = 366 * kDay_s;

/// Digits alone.
std::optional<double> count(std::string_view text) {
  const bool is_count = !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos;
  return is_count ? parse_real(text) : std::nullopt;
}

/// The sum of fields "a:b:c" times their units; each after the first is below 60.
std::optional<double> clock_s(std::string_view text, const std::vector<double>& units_s) {
  const std::vector<std::string_view> fields = split(text, ':');
  double sum_s = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto value = count(fields[i]);
    if (i >= units_s.size() || !value || (i > 0 && *value >= 60)) {
      return std::nullopt;
    }
    sum_s += *value * units_s[i];
  }
  return sum_s;
}

std::optional<double> with_unit_s(std::string_view text) {
  constexpr std::string_view kUnits = "smhd";
  constexpr double kUnits_s[] = {1, kMinute_s, kHour_s, kDay_s};
  const std::size_t unit = text.empty() ? text.npos : kUnits.find(text.back());
  const std::string_view number = unit == text.npos ? text : text.substr(0, text.size() - 1);
  if (number.empty() || number.find_first_not_of("0123456789.") != number.npos) {
    return std::nullopt;
  }
  const auto value = parse_real(number);
  return value ? std::optional(*value * (unit == text.npos ? 1 : kUnits_s[unit])) : std::nullopt;
}

}  // namespace

std::optional<double> duration_s(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash != text.npos) {
    const auto days = count(text.substr(0, dash));
    const auto rest_s = clock_s(text.substr(dash + 1), {kHour_s, kMinute_s, 1});
    return days && rest_s ? std::optional(*days * kDay_s + *rest_s) : std::nullopt;
  }
  switch (split(text, ':').size()) {
    case 1:
      return with_unit_s(text);
    case 2:
      return clock_s(text, {kMinute_s, 1});
    default:
      return clock_s(text, {kHour_s, kMinute_s, 1});
  }
}

double parse_duration(const std::string& option, const std::string& text) {
  const auto seconds = duration_s(text);
  if (!seconds || *seconds < 1 || *seconds > kLongest_s) {
    throw UsageError(option + " = " + printable(text) +
                     ": must be a time from 1 second to 366 days, such as 90 (seconds), 30m, 8:00:00 or 1-12:00:00");
  }
  return *seconds;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

}  // namespace unroll::app
