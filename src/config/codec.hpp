#pragma once
// Codecs: how one value of a key is read, what its range is called, and its canonical text. A codec gives
//   using Type; static constexpr ValueType kType; static std::string_view range();
//   static std::optional<Type> parse(std::string_view); static std::string format(const Type&);
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spelling.hpp"
#include "unroll/base/text.hpp"
#include "unroll/config/keys.hpp"
#include "values.hpp"

namespace unroll::config {

inline constexpr std::int64_t kMaxCount = 2147483647;

template <std::int64_t Min, std::int64_t Max>
struct Integer {
  using Type = std::int64_t;
  static constexpr ValueType kType = ValueType::integer;
  static std::string_view range() {
    static const std::string text = "a whole number from " + std::to_string(Min) + " to " + std::to_string(Max);
    return text;
  }
  static std::optional<Type> parse(std::string_view text) {
    const auto value = parse_integer(text);
    return value && *value >= Min && *value <= Max ? value : std::nullopt;
  }
  static std::string format(Type value) { return std::to_string(value); }
};
using Count = Integer<1, kMaxCount>;
using SeedValue = Integer<0, kMaxCount>;

struct Positive {
  static constexpr std::string_view kText = "a finite number > 0";
  static bool holds(double x) { return x > 0; }
};
struct NotNegative {
  static constexpr std::string_view kText = "a finite number >= 0";
  static bool holds(double x) { return x >= 0; }
};
struct BelowOne {
  static constexpr std::string_view kText = "a number >= 0 and < 1";
  static bool holds(double x) { return x >= 0 && x < 1; }
};
struct AtLeastOne {
  static constexpr std::string_view kText = "a finite number >= 1";
  static bool holds(double x) { return x >= 1; }
};
struct Fraction {
  static constexpr std::string_view kText = "a number > 0 and < 1";
  static bool holds(double x) { return x > 0 && x < 1; }
};

template <typename Interval>
struct Real {
  using Type = double;
  static constexpr ValueType kType = ValueType::real;
  static std::string_view range() { return Interval::kText; }
  static std::optional<Type> parse(std::string_view text) {
    const auto value = parse_real(text);
    return value && std::isfinite(*value) && Interval::holds(*value) ? value : std::nullopt;
  }
  static std::string format(Type value) { return shortest(value); }
};

/// "forget" as 0, or "last:N".
struct GradientRows {
  using Type = std::int64_t;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() { return "forget or last:N (N from 1 to 2147483647)"; }
  static std::optional<Type> parse(std::string_view text) {
    if (text == "forget") {
      return 0;
    }
    return text.starts_with("last:") ? Count::parse(text.substr(5)) : std::nullopt;
  }
  static std::string format(Type value) { return value == 0 ? "forget" : "last:" + std::to_string(value); }
};

template <typename Enum>
struct Choice {
  using Type = Enum;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() {
    static const std::string text = [] {
      std::string list;
      for (const auto& spelling : kSpellings<Enum>) {
        list += (list.empty() ? "" : ", ") + std::string(spelling.text);
      }
      return kSpellings<Enum>.size() > 1 ? "one of " + list : list;
    }();
    return text;
  }
  static std::optional<Type> parse(std::string_view text) {
    for (const auto& spelling : kSpellings<Enum>) {
      if (spelling.text == text) {
        return spelling.value;
      }
    }
    return std::nullopt;
  }
  static std::string format(Type value) {
    for (const auto& spelling : kSpellings<Enum>) {
      if (spelling.value == value) {
        return std::string(spelling.text);
      }
    }
    return {};
  }
};

struct Path {
  using Type = std::string;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() { return "a path of at most 4096 bytes"; }
  static std::optional<Type> parse(std::string_view text) {
    return !text.empty() && text.size() <= 4096 ? std::optional(std::string(text)) : std::nullopt;
  }
  static std::string format(const Type& value) { return value; }
};

/// A field that may be unset: "" when it is.
template <typename Codec>
struct Optional {
  using Type = std::optional<typename Codec::Type>;
  static constexpr ValueType kType = Codec::kType;
  static std::string_view range() { return Codec::range(); }
  static std::optional<Type> parse(std::string_view text) {
    const auto value = Codec::parse(text);
    return value ? std::optional<Type>(value) : std::nullopt;
  }
  static std::string format(const Type& value) { return value ? Codec::format(*value) : ""; }
};

/// run.lanes: a number, or auto for none.
struct Lanes {
  using Inner = Integer<1, 4096>;
  using Type = std::optional<std::int64_t>;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() { return "auto or a whole number from 1 to 4096"; }
  static std::optional<Type> parse(std::string_view text) {
    if (text == "auto") {
      return std::optional<Type>(Type{});
    }
    return Optional<Inner>::parse(text);
  }
  static std::string format(const Type& value) { return value ? Inner::format(*value) : "auto"; }
};

/// One value that is a list of numbers in any order: "7" or "[0 10 20..29]"; kept ascending.
struct NumberSet {
  using Type = std::vector<std::int64_t>;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() {
    return "a whole number from 0 to 2147483647, or a list of different ones such as [0 10 20..29]";
  }
  static std::optional<Type> parse(std::string_view text) {
    if (!parse_items(text)) {
      return std::nullopt;
    }
    return parse_numbers(text.front() == '[' ? text.substr(1, text.size() - 2) : text, ' ', kMaxCount);
  }
  static std::string format(const Type& value) {
    return value.size() == 1 ? std::to_string(value[0]) : "[" + join(value, " ") + "]";
  }
};

/// Widths of layers in their order: "64" or "[64 32]".
struct Widths {
  using Type = std::vector<std::int64_t>;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() { return "a whole number from 1 to 65536, or a list of up to 16 such as [64 32]"; }
  static std::optional<Type> parse(std::string_view text) {
    const auto items = parse_items(text);
    if (!items || items->size() > 16) {
      return std::nullopt;
    }
    Type widths;
    for (const std::string_view item : *items) {
      const auto width = Integer<1, 65536>::parse(item);
      if (!width) {
        return std::nullopt;
      }
      widths.push_back(*width);
    }
    return widths;
  }
  static std::string format(const Type& value) { return NumberSet::format(value); }
};

/// A list by nature: "10, 20, 50..60".
struct StepList {
  using Type = std::vector<std::int64_t>;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() {
    return "different whole numbers from 0 to 2147483647, such as 10, 20, 50..60 (at most 1000000)";
  }
  static std::optional<Type> parse(std::string_view text) { return parse_numbers(text, ',', kMaxCount); }
  static std::string format(const Type& value) { return join(value, ", "); }
};

/// A list by nature: seeds "0..9", at most 1,000; "" when there are none.
struct SeedList {
  using Type = std::vector<std::int64_t>;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() {
    return "different whole numbers from 0 to 2147483647, such as 0..9 or 0, 3, 7..9 (at most 1000)";
  }
  static std::optional<Type> parse(std::string_view text) {
    auto seeds = parse_numbers(text, ',', kMaxCount);
    return seeds && seeds->size() <= 1000 ? seeds : std::nullopt;
  }
  static std::string format(const Type& value) { return join(value, ", "); }
};

/// A list by nature: one number for all channels, or one a channel.
template <typename Codec>
struct ChannelList {
  using Type = std::vector<double>;
  static constexpr ValueType kType = ValueType::text;
  static std::string_view range() {
    static const std::string text =
        "1 to 4096 values separated by commas (one for all channels or one a channel), each " +
        std::string(Codec::range());
    return text;
  }
  static std::optional<Type> parse(std::string_view text) {
    Type values;
    for (const std::string_view part : split(text, ',')) {
      const auto value = Codec::parse(trim(part));
      if (!value || values.size() == 4096) {
        return std::nullopt;
      }
      values.push_back(*value);
    }
    return values;
  }
  static std::string format(const Type& value) { return join(value, ", "); }
};

struct AnyNumber {
  static constexpr std::string_view kText = "a finite number";
  static bool holds(double) { return true; }
};

}  // namespace unroll::config
