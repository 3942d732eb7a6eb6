# unroll_unit_test(MODULE SOURCES ... LIBS ...): the Catch2 program test_<module>, one CTest entry "unit.<module>". The
# target unit_tests builds all of them.
# unroll_mpi_test(NAME RANKS 1 2 3 4 TIMEOUT s SOURCES ... LIBS ...): own main (tests/support/mpi_main.cpp), one CTest
# entry "mpi.<name>.<ranks>" a rank count, run under mpirun.
add_library(unroll_catch INTERFACE)
target_include_directories(unroll_catch INTERFACE "${CMAKE_SOURCE_DIR}/tests")
target_link_libraries(unroll_catch INTERFACE Catch2::Catch2 unroll_flags)
target_compile_definitions(unroll_catch INTERFACE UNROLL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
if(UNROLL_SANITIZE)  # optimising tests costs more than they run; the modules under test stay optimised
  target_compile_options(unroll_catch INTERFACE -O0)
endif()

add_library(unroll_catch_main STATIC "${CMAKE_SOURCE_DIR}/tests/support/main.cpp")
target_link_libraries(unroll_catch_main PUBLIC unroll_catch)
add_library(unroll_catch_mpi_main STATIC "${CMAKE_SOURCE_DIR}/tests/support/mpi_main.cpp")
target_link_libraries(unroll_catch_mpi_main PUBLIC unroll_catch unroll_mpi)

if(UNROLL_SANITIZE)  # Catch itself, with sanitizers: a minute of compiling instead of ten seconds, and nothing of ours
  set_source_files_properties("${CMAKE_SOURCE_DIR}/tests/support/main.cpp"
    "${CMAKE_SOURCE_DIR}/tests/support/mpi_main.cpp" PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
endif()

add_custom_target(unit_tests)

function(unroll_unit_test module)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  add_executable(test_${module} ${TEST_SOURCES})
  target_link_libraries(test_${module} PRIVATE unroll_catch_main ${TEST_LIBS})
  add_dependencies(unit_tests test_${module})
  add_test(NAME unit.${module} COMMAND test_${module})
  set_tests_properties(unit.${module} PROPERTIES LABELS unit TIMEOUT ${TEST_TIMEOUT})
  if("unroll_torch" IN_LIST TEST_LIBS)
    set_tests_properties(unit.${module} PROPERTIES ENVIRONMENT "LD_LIBRARY_PATH=${UNROLL_TORCH_LIB}")
  endif()
endfunction()

# mpirun as root (containers) needs both variables; more ranks than cores need --oversubscribe.
set(UNROLL_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
  OMPI_MCA_hwloc_base_binding_policy=none)
if(UNROLL_SANITIZE)
  list(APPEND UNROLL_MPI_ENVIRONMENT ASAN_OPTIONS=detect_leaks=0)  # Open MPI keeps memory until the process ends
endif()

function(unroll_mpi_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "RANKS;SOURCES;LIBS" ${ARGN})
  add_executable(test_mpi_${name} ${TEST_SOURCES})
  target_link_libraries(test_mpi_${name} PRIVATE unroll_catch_mpi_main ${TEST_LIBS})
  set(environment ${UNROLL_MPI_ENVIRONMENT})
  if("unroll_torch" IN_LIST TEST_LIBS)
    list(APPEND environment "LD_LIBRARY_PATH=${UNROLL_TORCH_LIB}")
  endif()
  foreach(ranks IN LISTS TEST_RANKS)
    add_test(NAME mpi.${name}.${ranks}
      COMMAND ${MPIEXEC_EXECUTABLE} -n ${ranks} $<TARGET_FILE:test_mpi_${name}>)
    set_tests_properties(mpi.${name}.${ranks} PROPERTIES
      LABELS mpi TIMEOUT ${TEST_TIMEOUT} PROCESSORS 2 ENVIRONMENT "${environment}")
  endforeach()
endfunction()
