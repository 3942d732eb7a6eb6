#include "unroll/hdf5/version.hpp"

#include "library.hpp"

namespace unroll::hdf5 {

std::string library_version() {
  unsigned major = 0, minor = 0, release = 0;
  check(H5get_libversion(&major, &minor, &release));
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace unroll::hdf5
