# The imported target unroll_torch: LibTorch's CPU libraries (torch_cpu, c10) and headers.
#
# LibTorch's own CMake config stops where a CUDA build of LibTorch meets a machine without the CUDA toolkit,
# so the libraries are taken by path. Searched in this order: UNROLL_TORCH (a folder with include/ and lib/),
# CMAKE_PREFIX_PATH, the wheel in .venv, the wheel beside python3.
if(NOT UNROLL_WITH_TORCH)
  return()
endif()

set(UNROLL_TORCH "$ENV{UNROLL_TORCH}" CACHE PATH "Folder of LibTorch (holds include/ and lib/)")
if(UNROLL_TORCH AND NOT EXISTS "${UNROLL_TORCH}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "UNROLL_TORCH = ${UNROLL_TORCH} holds no lib/libtorch_cpu.so: "
    "give the folder of LibTorch (of a wheel: site-packages/torch).")
endif()
set(torch_hints "${UNROLL_TORCH}")
string(REPLACE ":" ";" torch_prefixes "$ENV{CMAKE_PREFIX_PATH}")
foreach(prefix IN LISTS CMAKE_PREFIX_PATH torch_prefixes)
  list(APPEND torch_hints "${prefix}" "${prefix}/../..") # .../torch or .../torch/share/cmake
endforeach()
foreach(python "${CMAKE_SOURCE_DIR}/.venv/bin/python3" python3)
  execute_process(
    COMMAND "${python}" -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE torch_wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE no_wheel)
  if(NOT no_wheel)
    list(APPEND torch_hints "${torch_wheel}")
  endif()
endforeach()

find_path(UNROLL_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h
  HINTS ${torch_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(UNROLL_TORCH_CPU torch_cpu HINTS ${torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(UNROLL_TORCH_C10 c10 HINTS ${torch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
if(NOT UNROLL_TORCH_INCLUDE OR NOT UNROLL_TORCH_CPU OR NOT UNROLL_TORCH_C10)
  message(FATAL_ERROR "LibTorch was not found. Install it with `pip install torch==2.11.0` (jobs/setup.sh does), "
    "or give its folder with -DUNROLL_TORCH=/path/to/torch, or build without it: -DUNROLL_WITH_TORCH=OFF.")
endif()
get_filename_component(UNROLL_TORCH_LIB "${UNROLL_TORCH_CPU}" DIRECTORY)

# Which release it is: a wheel says it in version.py, an unpacked archive in build-version.
get_filename_component(UNROLL_TORCH_FOLDER "${UNROLL_TORCH_LIB}" DIRECTORY)
set(UNROLL_TORCH_VERSION "")
if(EXISTS "${UNROLL_TORCH_FOLDER}/version.py")
  file(STRINGS "${UNROLL_TORCH_FOLDER}/version.py" torch_version REGEX "^__version__")
  string(REGEX REPLACE "^__version__[^'\"]*['\"]([^'\"]*)['\"].*" "\\1" UNROLL_TORCH_VERSION "${torch_version}")
elseif(EXISTS "${UNROLL_TORCH_FOLDER}/build-version")
  file(STRINGS "${UNROLL_TORCH_FOLDER}/build-version" UNROLL_TORCH_VERSION LIMIT_COUNT 1)
endif()
if(NOT UNROLL_TORCH_VERSION)
  message(FATAL_ERROR "${UNROLL_TORCH_FOLDER} holds neither version.py nor build-version: which LibTorch is it?")
endif()
message(STATUS "LibTorch: ${UNROLL_TORCH_VERSION} in ${UNROLL_TORCH_FOLDER}")

add_library(unroll_torch INTERFACE)
target_include_directories(unroll_torch SYSTEM INTERFACE
  "${UNROLL_TORCH_INCLUDE}" "${UNROLL_TORCH_INCLUDE}/torch/csrc/api/include")
target_link_libraries(unroll_torch INTERFACE "${UNROLL_TORCH_CPU}" "${UNROLL_TORCH_C10}")
# Programs find LibTorch at run time through LD_LIBRARY_PATH, which `unroll` sets for `unroll-worker`.
set(CMAKE_SKIP_INSTALL_RPATH ON)
