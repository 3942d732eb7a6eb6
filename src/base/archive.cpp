#include "unroll/base/archive.hpp"

#include <cstring>

#include "unroll/base/error.hpp"

namespace unroll {

void Archive::raw(void* bytes, std::size_t size) {
  if (size == 0) {
    return;
  }
  if (!is_loading_) {
    const auto* from = static_cast<const std::byte*>(bytes);
    bytes_.insert(bytes_.end(), from, from + size);
    return;
  }
  require(size);
  std::memcpy(bytes, rest_.data(), size);
  rest_ = rest_.subspan(size);
}

void Archive::require(std::size_t size) const {
  if (is_loading_ && size > rest_.size()) {
    throw Error("saved values end too early");
  }
}

void Archive::size(std::size_t& count, std::size_t min_bytes) {
  std::uint64_t stored = count;
  raw(&stored, sizeof stored);
  if (is_loading_ && stored > rest_.size() / min_bytes) {
    throw Error("saved values name a size that is not there");
  }
  count = static_cast<std::size_t>(stored);
}

void Archive::finish() const {
  if (!rest_.empty()) {
    throw Error("saved values are longer than they should be");
  }
}

void transfer(Archive& archive, std::string& text) {
  std::size_t count = text.size();
  archive.size(count, 1);
  text.resize(count);
  archive.raw(text.data(), count);
}

}  // namespace unroll
