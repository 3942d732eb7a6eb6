#pragma once
// Catch2 2.13 (Debian 12) and 3 hidden behind one include.
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif
