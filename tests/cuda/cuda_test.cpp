#include "unroll/cuda/cuda.hpp"

#include "support/catch.hpp"

using namespace unroll;

TEST_CASE("ranks of a node take its devices in turn, and a rank that sees one device takes it") {
  CHECK(cuda::device_of_rank(0, 4) == 0);
  CHECK(cuda::device_of_rank(3, 4) == 3);
  CHECK(cuda::device_of_rank(5, 4) == 1);
  CHECK(cuda::device_of_rank(7, 1) == 0);
}

TEST_CASE("two ranks on one device are named, ranks without a device are not") {
  CHECK(cuda::shared_device({"GPU-a", "GPU-b", "", ""}).empty());
  CHECK(cuda::shared_device({"GPU-a", "GPU-b", "GPU-b"}) == "ranks 1 and 2 share GPU-b");
}

TEST_CASE("devices have names and UUIDs of their own, and there are none without a driver") {
  const std::vector<cuda::Device> devices = cuda::devices();

  CHECK(cuda::versions().runtime >= 12000);
  CHECK((devices.empty() || cuda::versions().driver > 0));
  std::vector<std::string> uuids;
  for (const cuda::Device& device : devices) {
    CHECK_FALSE(device.name.empty());
    CHECK(device.uuid.size() == 40);
    CHECK(device.memory_bytes > 0);
    uuids.push_back(device.uuid);
  }
  CHECK(cuda::shared_device(uuids).empty());
}

TEST_CASE("the host's memory is no device's") {
  const std::vector<float> memory(10);

  CHECK_FALSE(cuda::on_device(memory.data()));
}
