#pragma once
// One owner for every C handle. Traits gives `using Type`, `static Type null()` and `static void close(Type) noexcept`.
#include <utility>

namespace unroll {

template <typename Traits>
class UniqueHandle {
 public:
  using Type = typename Traits::Type;

  UniqueHandle() noexcept = default;
  explicit UniqueHandle(Type value) noexcept : value_(value) {}
  UniqueHandle(UniqueHandle&& other) noexcept : value_(other.release()) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) {
      reset(other.release());
    }
    return *this;
  }
  UniqueHandle(const UniqueHandle&) = delete;
  UniqueHandle& operator=(const UniqueHandle&) = delete;
  ~UniqueHandle() { reset(); }

  [[nodiscard]] Type get() const noexcept { return value_; }
  [[nodiscard]] explicit operator bool() const noexcept { return value_ != Traits::null(); }
  [[nodiscard]] Type release() noexcept { return std::exchange(value_, Traits::null()); }
  void reset(Type value = Traits::null()) noexcept {
    if (value_ != Traits::null()) {
      Traits::close(value_);
    }
    value_ = value;
  }

 private:
  Type value_ = Traits::null();
};

}  // namespace unroll
