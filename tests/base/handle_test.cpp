#include "unroll/base/handle.hpp"

#include <vector>

#include "support/catch.hpp"

namespace {

std::vector<int>& closed() {
  static std::vector<int> handles;
  return handles;
}

struct Traits {
  using Type = int;
  static Type null() { return -1; }
  static void close(Type handle) noexcept { closed().push_back(handle); }
};
using Handle = unroll::UniqueHandle<Traits>;

}  // namespace

TEST_CASE("a handle is closed exactly once, however often it moves") {
  closed().clear();
  {
    Handle a(1);
    Handle b = std::move(a);
    Handle c(2);
    c = std::move(b);
    CHECK(closed() == std::vector<int>{2});
    CHECK_FALSE(a);  // NOLINT: a moved-from handle is empty by contract
    CHECK(c.get() == 1);
  }

  CHECK(closed() == std::vector<int>{2, 1});
}

TEST_CASE("releasing gives the handle away and moving a handle onto itself keeps it") {
  closed().clear();
  {
    Handle a(7);
    Handle& alias = a;
    a = std::move(alias);
    CHECK(a.get() == 7);
    CHECK(a.release() == 7);
  }

  CHECK(closed().empty());
}
