#include "stage_file.hpp"

#include <chrono>
#include <thread>

#include "digest.hpp"
#include "journal.hpp"
#include "shard.hpp"
#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"
#include "unroll/store/store.hpp"

namespace unroll::store {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(50);

}  // namespace

std::string stage_path(const std::string& folder, const std::string& id) {
  if (!is_plain_name(id)) {
    throw Error("a stage cannot be called '" + printable(id) + "'");
  }
  return folder + "/stages/" + id + ".h5";
}

std::optional<hdf5::ArrayFile> read_stage(const std::string& folder, const std::string& id, const std::string& digest,
                                          double deadline_s) {
  const std::string path = stage_path(folder, id);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(deadline_s);
  for (;;) {
    const std::optional<std::vector<std::byte>> image = read_file(path);
    if (image && digest_of(*image) == digest) {
      return hdf5::from_image(*image, path);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return std::nullopt;
    }
    std::this_thread::sleep_for(kPollInterval);  // another machine's file may show late
  }
}

}  // namespace unroll::store
