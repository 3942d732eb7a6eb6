# unroll_module(NAME SOURCES ... DEPENDS ...): the static library unroll_<name> made of src/<name>/*.cpp,
# with its public headers in include/unroll/<name>.
add_library(unroll_flags INTERFACE)
target_include_directories(unroll_flags INTERFACE "${CMAKE_SOURCE_DIR}/include")
# No contraction: a multiply and an add round separately, so a vector body and its scalar tail agree.
target_compile_options(unroll_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -ffp-contract=off
  # GCC 12 sees overflows in std::string's operator+ that are not there (GCC bug 105651).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-stringop-overflow -Wno-restrict>
  $<$<BOOL:${UNROLL_WERROR}>:-Werror>
  $<$<BOOL:${UNROLL_SANITIZE}>:-fsanitize=address,undefined -fno-omit-frame-pointer>)
target_link_options(unroll_flags INTERFACE
  $<$<BOOL:${UNROLL_SANITIZE}>:-fsanitize=address,undefined>)
# Builds with sanitizers are what the fuzzing of tests/fuzz runs in: they count the places that a run comes to.
if(UNROLL_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(unroll_flags INTERFACE -fsanitize=fuzzer-no-link)
elseif(UNROLL_SANITIZE)
  add_library(unroll_coverage STATIC "${CMAKE_SOURCE_DIR}/tests/fuzz/coverage.cpp")
  target_compile_options(unroll_coverage PRIVATE -O2)
  target_compile_options(unroll_flags INTERFACE -fsanitize-coverage=trace-pc)
  target_link_libraries(unroll_flags INTERFACE unroll_coverage)
endif()

function(unroll_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(unroll_${name} STATIC ${MODULE_SOURCES})
  target_include_directories(unroll_${name} PRIVATE "${CMAKE_SOURCE_DIR}/src")  # a module's own private headers
  target_link_libraries(unroll_${name} PUBLIC unroll_flags ${MODULE_DEPENDS})
endfunction()
