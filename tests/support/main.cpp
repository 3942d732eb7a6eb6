// The main of unit tests. Catch2 2.13 returns the number of failures, and 77 of them would read as "skipped" to CTest.
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

int main(int argc, char** argv) { return Catch::Session().run(argc, argv) == 0 ? 0 : 1; }
