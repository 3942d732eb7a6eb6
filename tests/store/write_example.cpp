// Writes a folder of results for the readers in readers.py: write_example DIR
#include <cstdio>
#include <exception>

#include "example.hpp"
#include "unroll/store/report.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_example DIR\n");
    return 2;
  }
  try {
    unroll::store::example::write(argv[1]);
    std::fputs(unroll::store::report(std::string(argv[1]) + "/results.h5").c_str(), stdout);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
