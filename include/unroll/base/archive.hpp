#pragma once
// Values as bytes, one after another, and back. One function names the values for both directions, so that what is
// read is what was written: `void transfer(Archive& archive) { archive(steps_, rates_); }`. For files of our own on
// machines of one kind (bytes are in native order); their bytes are verified before they come here.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace unroll {

class Archive {
 public:
  /// Takes values.
  Archive() = default;
  /// Gives them back: the bytes must outlive it.
  explicit Archive(std::span<const std::byte> bytes) : rest_(bytes), is_loading_(true) {}

  [[nodiscard]] bool is_loading() const { return is_loading_; }

  /// Every value in turn: numbers, bools, enums, texts; vectors, optionals, pairs and maps of them; types of one's own
  /// with `void transfer(Archive&, T&)` found by their namespace, or a member transfer(Archive&). Error when there is
  /// less than asked for.
  template <typename... Values>
  void operator()(Values&... values) {
    (one(values), ...);
  }
  /// So many raw bytes.
  void raw(void* bytes, std::size_t size);
  /// Error unless so many bytes are left (loading).
  void require(std::size_t size) const;
  /// A size that the bytes left can hold: elements of at least min_bytes each.
  void size(std::size_t& count, std::size_t min_bytes);

  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }
  /// Error when bytes are left.
  void finish() const;

 private:
  template <typename Value>
  void one(Value& value) {
    if constexpr (requires { value.transfer(*this); }) {
      value.transfer(*this);
    } else if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>) {
      raw(&value, sizeof value);
    } else {
      transfer(*this, value);
    }
  }

  std::vector<std::byte> bytes_;
  std::span<const std::byte> rest_;
  bool is_loading_ = false;
};

void transfer(Archive& archive, std::string& text);

template <typename Value>
void transfer(Archive& archive, std::vector<Value>& values) {
  std::size_t count = values.size();
  archive.size(count, std::is_arithmetic_v<Value> ? sizeof(Value) : 1);
  values.resize(count);
  if constexpr (std::is_arithmetic_v<Value> || std::is_same_v<Value, std::byte>) {
    archive.raw(values.data(), count * sizeof(Value));
  } else {
    for (Value& value : values) {
      archive(value);
    }
  }
}

template <typename Value>
void transfer(Archive& archive, std::optional<Value>& value) {
  bool has_value = value.has_value();
  archive(has_value);
  if (!has_value) {
    value.reset();
    return;
  }
  if (!value) {
    value.emplace();
  }
  archive(*value);
}

template <typename First, typename Second>
void transfer(Archive& archive, std::pair<First, Second>& value) {
  archive(value.first, value.second);
}

template <typename Key, typename Value>
void transfer(Archive& archive, std::map<Key, Value>& values) {
  std::size_t count = values.size();
  archive.size(count, 1);
  if (archive.is_loading()) {
    values.clear();
    for (std::size_t i = 0; i < count; ++i) {
      Key key{};
      archive(key);
      archive(values[std::move(key)]);
    }
    return;
  }
  for (auto& [key, value] : values) {
    Key copy = key;
    archive(copy, value);
  }
}

}  // namespace unroll
