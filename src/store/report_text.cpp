#include "report_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace unroll::store {
namespace {

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  char text[96];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

// Exponent of the mean as printed with two decimals.
int printed_exponent(double mean) {
  const std::string text = format("%.2e", mean);
  return std::stoi(text.substr(text.find('e') + 1));
}

// Three digits of a number of ordinary size.
std::string digits(double value, int decimals) { return format("%.*f", decimals, value); }

std::string interval_with(const Estimate& estimate, int exponent, const std::string& tail) {
  if (estimate.num_seeds == 0 || !std::isfinite(estimate.mean)) {
    return "-";
  }
  const bool has_interval = std::isfinite(estimate.low) && std::isfinite(estimate.high);
  if (estimate.mean == 0 && (!has_interval || (estimate.low == 0 && estimate.high == 0))) {
    return "0";
  }
  const double scale = std::pow(10.0, exponent);
  const double mean = estimate.mean / scale;
  const int decimals = std::abs(mean) >= 99.95 ? 0 : std::abs(mean) >= 9.995 ? 1 : std::abs(mean) < 0.9995 ? 3 : 2;
  std::string text = digits(mean, decimals);
  if (has_interval) {
    text += " [" + digits(estimate.low / scale, decimals) + ", " + digits(estimate.high / scale, decimals) + "]";
  }
  return text + tail;
}

}  // namespace

std::string interval_text(const Estimate& estimate) {
  const int exponent = std::isfinite(estimate.mean) ? printed_exponent(estimate.mean) : 0;
  return interval_with(estimate, exponent, format("e%+03d", exponent));
}

std::string plain_interval_text(const Estimate& estimate) {
  const int exponent = std::isfinite(estimate.mean) ? printed_exponent(estimate.mean) : 0;
  return exponent >= -1 && exponent <= 2 ? interval_with(estimate, 0, "") : interval_text(estimate);
}

std::string percent_text(const Estimate& estimate) {
  if (estimate.num_seeds == 0 || !std::isfinite(estimate.mean)) {
    return "-";
  }
  const double half = (estimate.high - estimate.low) / 2;
  return format("%.1f", 100 * estimate.mean) + (std::isfinite(half) ? format(" +-%.1f", 100 * half) : std::string());
}

std::string correlation_text(const std::optional<Correlation>& correlation) {
  return correlation ? format("%+.2f [%+.2f, %+.2f]", correlation->r, correlation->low, correlation->high)
                     : std::string("-");
}

TextTable::TextTable(std::vector<std::string> head, std::size_t num_left, std::size_t num_keys)
    : rows_{std::move(head)}, num_left_(num_left), num_keys_(num_keys) {}

void TextTable::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (std::size_t column = 0; column < widths.size(); ++column) {
    const bool holds_nothing = std::all_of(rows_.begin() + 1, rows_.end(),
                                           [&](const auto& row) { return row[column].empty() || row[column] == "-"; });
    for (const std::vector<std::string>& row : rows_) {
      widths[column] = holds_nothing ? 0 : std::max(widths[column], row[column].size());
    }
  }
  return widths;
}

std::string TextTable::lines(const std::vector<std::size_t>& columns, const std::vector<std::size_t>& widths,
                             const std::string& indent) const {
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (const std::size_t column : columns) {
      const std::string blanks(widths[column] - row[column].size(), ' ');
      line += (line.empty() ? "" : "  ") + (column < num_left_ ? row[column] + blanks : blanks + row[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += indent + line + '\n';
  }
  return text;
}

std::string TextTable::str(const std::string& indent, std::size_t width) const {
  const std::vector<std::size_t> widths = this->widths();
  std::vector<std::size_t> keys, columns;
  for (std::size_t key = 0; key < num_keys_; ++key) {
    if (widths[key] > 0) {
      keys.push_back(key);
    }
  }
  const auto size = [&] {
    std::size_t total = indent.size();
    for (const std::size_t column : columns) {
      total += widths[column] + 2;
    }
    return total;  // the next column would start here
  };
  std::string text;
  columns = keys;
  for (std::size_t column = num_keys_; column < widths.size(); ++column) {
    if (widths[column] > 0 && columns.size() > keys.size() && size() + widths[column] > width) {
      text += lines(columns, widths, indent);
      columns = keys;
    }
    if (widths[column] > 0) {
      columns.push_back(column);
    }
  }
  return text + lines(columns, widths, indent);
}

}  // namespace unroll::store
