#pragma once
// The two exceptions of the program. Error: this process cannot go on. UsageError: what the user gave cannot be
// used (a key, a value, a file); its message is one line that says what to do, and the program ends with exit 2.
#include <stdexcept>
#include <string>

namespace unroll {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace unroll
