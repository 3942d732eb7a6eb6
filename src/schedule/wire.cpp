#include "wire.hpp"

#include <cstring>

#include "unroll/base/error.hpp"

namespace unroll::schedule {
namespace {

class Packer {
 public:
  void number(std::uint64_t value) {
    const std::size_t end = bytes_.size();
    bytes_.resize(end + sizeof value);
    std::memcpy(bytes_.data() + end, &value, sizeof value);
  }
  void text(const std::string& value) {
    number(value.size());
    const auto part = std::as_bytes(std::span(value));
    bytes_.insert(bytes_.end(), part.begin(), part.end());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : rest_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    std::memcpy(&value, cut(sizeof value).data(), sizeof value);
    return value;
  }
  std::uint64_t number_up_to(std::uint64_t largest) {
    const std::uint64_t value = number();
    if (value > largest) {
      fail();
    }
    return value;
  }
  std::string text() {
    const auto part = cut(number());
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  /// A count of things of at least one number each.
  std::size_t count() { return number_up_to(rest_.size() / sizeof(std::uint64_t)); }
  void end() const {
    if (!rest_.empty()) {
      fail();
    }
  }

 private:
  [[noreturn]] static void fail() { throw Error("a message between ranks is damaged"); }
  std::span<const std::byte> cut(std::size_t size) {
    if (size > rest_.size()) {
      fail();
    }
    const auto part = rest_.first(size);
    rest_ = rest_.subspan(size);
    return part;
  }
  std::span<const std::byte> rest_;
};

}  // namespace

std::vector<std::byte> encode(const ToLeader& message) {
  Packer packer;
  packer.number(static_cast<std::uint64_t>(message.kind));
  packer.number(message.number);
  packer.number(message.idle ? 1 : 0);
  packer.number(message.finished.size());
  for (const auto& [item, digest, has_failed] : message.finished) {
    packer.number(item);
    packer.text(digest);
    packer.number(has_failed ? 1 : 0);
  }
  packer.text(message.reason);
  return packer.take();
}

std::vector<std::byte> encode(const ToWorker& message) {
  Packer packer;
  packer.number(static_cast<std::uint64_t>(message.kind));
  packer.number(message.number);
  packer.number(message.chunk.finished ? 1 : 0);
  packer.number(message.chunk.items.size());
  for (const std::size_t item : message.chunk.items) {
    packer.number(item);
  }
  packer.number(message.chunk.depend_digests.size());
  for (const std::string& digest : message.chunk.depend_digests) {
    packer.text(digest);
  }
  packer.text(message.reason);
  return packer.take();
}

ToLeader decode_to_leader(std::span<const std::byte> bytes) {
  Unpacker unpacker(bytes);
  ToLeader message;
  message.kind = ToLeader::Kind{unpacker.number_up_to(static_cast<std::uint64_t>(ToLeader::Kind::stop))};
  message.number = unpacker.number();
  message.idle = unpacker.number_up_to(1) == 1;
  message.finished.resize(unpacker.count());
  for (auto& [item, digest, has_failed] : message.finished) {
    item = unpacker.number();
    digest = unpacker.text();
    has_failed = unpacker.number_up_to(1) == 1;
  }
  message.reason = unpacker.text();
  unpacker.end();
  return message;
}

ToWorker decode_to_worker(std::span<const std::byte> bytes) {
  Unpacker unpacker(bytes);
  ToWorker message;
  message.kind = ToWorker::Kind{unpacker.number_up_to(static_cast<std::uint64_t>(ToWorker::Kind::stop))};
  message.number = unpacker.number();
  message.chunk.finished = unpacker.number_up_to(1) == 1;
  message.chunk.items.resize(unpacker.count());
  for (std::size_t& item : message.chunk.items) {
    item = unpacker.number();
  }
  message.chunk.depend_digests.resize(unpacker.count());
  for (std::string& digest : message.chunk.depend_digests) {
    digest = unpacker.text();
  }
  message.reason = unpacker.text();
  unpacker.end();
  return message;
}

}  // namespace unroll::schedule
