# The imported targets unroll_cudart, unroll_libnccl and unroll_torch_cuda, where the LibTorch that was found has CUDA:
# LibTorch's own libraries by path and the headers of the same wheels, so that a process holds one libnccl and one CUDA
# runtime. A toolkit beside them is neither needed nor used. Sets UNROLL_HAS_CUDA.
option(UNROLL_WITH_CUDA "Build the CUDA and NCCL modules where LibTorch has CUDA" ON)
set(UNROLL_HAS_CUDA OFF)
if(NOT UNROLL_WITH_TORCH OR NOT UNROLL_WITH_CUDA)
  return()
endif()

# In a wheel: site-packages/torch/lib, site-packages/nvidia/{cu13,nccl}/{include,lib}. Wheels of CUDA 12 and unpacked
# archives lie otherwise: there the folders are given as UNROLL_CUDA_ROOT and UNROLL_NCCL_ROOT.
get_filename_component(torch_packages "${UNROLL_TORCH_FOLDER}" DIRECTORY)
file(GLOB cuda_roots "${torch_packages}/nvidia/cu[0-9]*" "${torch_packages}/nvidia/cuda_runtime")
set(UNROLL_CUDA_ROOT "" CACHE PATH "Folder of the CUDA runtime that LibTorch uses (holds include/ and lib/)")
set(UNROLL_NCCL_ROOT "" CACHE PATH "Folder of the NCCL that LibTorch uses (holds include/ and lib/)")
find_library(UNROLL_TORCH_CUDA torch_cuda HINTS "${UNROLL_TORCH_LIB}" NO_DEFAULT_PATH)
find_library(UNROLL_TORCH_C10_CUDA c10_cuda HINTS "${UNROLL_TORCH_LIB}" NO_DEFAULT_PATH)
find_path(UNROLL_CUDA_INCLUDE cuda_runtime_api.h
  HINTS "${UNROLL_CUDA_ROOT}" ${cuda_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_path(UNROLL_NCCL_INCLUDE nccl.h
  HINTS "${UNROLL_NCCL_ROOT}" "${torch_packages}/nvidia/nccl" PATH_SUFFIXES include NO_DEFAULT_PATH)
find_file(UNROLL_CUDART NAMES libcudart.so.13 libcudart.so.12 libcudart.so
  HINTS "${UNROLL_CUDA_ROOT}" ${cuda_roots} "${UNROLL_TORCH_LIB}" PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_file(UNROLL_LIBNCCL NAMES libnccl.so.2 libnccl.so
  HINTS "${UNROLL_NCCL_ROOT}" "${torch_packages}/nvidia/nccl" "${UNROLL_TORCH_LIB}" PATH_SUFFIXES lib NO_DEFAULT_PATH)
foreach(part IN ITEMS UNROLL_TORCH_CUDA UNROLL_TORCH_C10_CUDA UNROLL_CUDA_INCLUDE UNROLL_NCCL_INCLUDE UNROLL_CUDART
                      UNROLL_LIBNCCL)
  if(NOT ${part})
    message(STATUS "CUDA: not built (${part} was not found; LibTorch without CUDA, or give UNROLL_CUDA_ROOT and "
      "UNROLL_NCCL_ROOT)")
    return()
  endif()
endforeach()
set(UNROLL_HAS_CUDA ON)
message(STATUS "CUDA: ${UNROLL_CUDART}, ${UNROLL_LIBNCCL}")

# --disable-new-dtags: an RPATH, which LD_LIBRARY_PATH does not override, holds the folder of the library linked.
function(unroll_library_by_path target library include)
  get_filename_component(folder "${library}" DIRECTORY)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE "${include}")
  target_link_libraries(${target} INTERFACE "${library}")
  target_link_options(${target} INTERFACE "LINKER:--disable-new-dtags,-rpath,${folder}")
endfunction()
unroll_library_by_path(unroll_cudart "${UNROLL_CUDART}" "${UNROLL_CUDA_INCLUDE}")
unroll_library_by_path(unroll_libnccl "${UNROLL_LIBNCCL}" "${UNROLL_NCCL_INCLUDE}")
target_link_libraries(unroll_libnccl INTERFACE unroll_cudart)
# LibTorch's CUDA part is needed for what it registers when it is loaded, not for a symbol.
add_library(unroll_torch_cuda INTERFACE)
target_link_libraries(unroll_torch_cuda INTERFACE
  unroll_torch "-Wl,--push-state,--no-as-needed" "${UNROLL_TORCH_CUDA}" "${UNROLL_TORCH_C10_CUDA}" "-Wl,--pop-state")
