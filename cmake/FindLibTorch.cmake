# Finds LibTorch and defines LibTorch::LibTorch.
#
# Looked for, in this order: a LibTorch of the user's own (Torch_DIR, which then must hold one, or an entry of CMAKE_PREFIX_PATH,
# as a variable or from the environment), then the PyPI wheel in the checkout's .venv. Nothing found is cached, so a changed
# Torch_DIR takes effect in an old build folder. Torch's own TorchConfig.cmake is not used: for a CUDA wheel it insists on a
# CUDA toolkit, while libtorch_cpu.so and libc10.so are all a CPU program needs. TELORA_CUDA=ON links the CUDA libraries too.
file(GLOB _venv "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
if(Torch_DIR)
  set(_places "${Torch_DIR}/../../..")  # Torch_DIR is <root>/share/cmake/Torch
else()
  string(REPLACE ":" ";" _places "$ENV{CMAKE_PREFIX_PATH}")
  list(APPEND _places ${CMAKE_PREFIX_PATH})
  list(TRANSFORM _places APPEND "/../.." OUTPUT_VARIABLE _roots)  # torch.utils.cmake_prefix_path is <root>/share/cmake
  list(APPEND _places ${_roots} ${_venv})
endif()

find_path(LibTorch_ROOT NAMES include/torch/csrc/api/include/torch/torch.h
          PATHS ${_places} PATH_SUFFIXES libtorch torch NO_DEFAULT_PATH NO_CACHE)
set(_names torch_cpu c10)
if(TELORA_CUDA)
  list(APPEND _names torch_cuda c10_cuda)
endif()
set(_missing)
if(LibTorch_ROOT)
  get_filename_component(LibTorch_ROOT "${LibTorch_ROOT}" ABSOLUTE)
  foreach(_name IN LISTS _names)
    find_library(LibTorch_${_name}_LIBRARY ${_name} PATHS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH NO_CACHE)
    if(NOT LibTorch_${_name}_LIBRARY)
      list(APPEND _missing "${LibTorch_ROOT}/lib/lib${_name}.so")
    endif()
  endforeach()
  # The wheel's CUDA half needs the libraries that its pip dependencies bring; without them every program fails to start.
  if(TELORA_CUDA AND IS_DIRECTORY "${LibTorch_ROOT}/../nvidia")
    file(GLOB _cublas "${LibTorch_ROOT}/../nvidia/*/lib/libcublas.so.*")
    file(GLOB _cudnn "${LibTorch_ROOT}/../nvidia/*/lib/libcudnn.so.*")
    if(NOT _cublas OR NOT _cudnn)
      list(APPEND _missing "the CUDA libraries beside ${LibTorch_ROOT} (tools/setup.sh --cuda installs them)")
    endif()
  endif()
elseif(Torch_DIR)
  list(APPEND _missing "include/torch under Torch_DIR/../../.. (Torch_DIR is ${Torch_DIR})")
else()
  list(APPEND _missing "it is neither in CMAKE_PREFIX_PATH nor in ${PROJECT_SOURCE_DIR}/.venv")
endif()

set(_header "${LibTorch_ROOT}/include/torch/headeronly/version.h")
if(NOT EXISTS "${_header}")
  set(_header "${LibTorch_ROOT}/include/torch/csrc/api/include/torch/version.h")
endif()
if(EXISTS "${_header}")
  file(STRINGS "${_header}" _numbers REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
  list(TRANSFORM _numbers REPLACE ".* ([0-9]+)$" "\\1")
  list(JOIN _numbers "." LibTorch_VERSION)
endif()

set(LibTorch_FOUND FALSE)
if(_missing)
  list(JOIN _missing "; " _missing)
  set(_kind STATUS)
  if(LibTorch_FIND_REQUIRED)
    set(_kind FATAL_ERROR)
  endif()
  message(${_kind} "LibTorch not found: ${_missing}. Run tools/setup.sh, or point Torch_DIR (<libtorch>/share/cmake/Torch) "
                   "or CMAKE_PREFIX_PATH (<libtorch>) at a LibTorch 2.11 of your own.")
  return()
endif()
set(LibTorch_FOUND TRUE)
message(STATUS "LibTorch ${LibTorch_VERSION}: ${LibTorch_ROOT}")

if(NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    ${LibTorch_ROOT}/include ${LibTorch_ROOT}/include/torch/csrc/api/include)
  foreach(_name IN LISTS _names)
    add_library(LibTorch::${_name} SHARED IMPORTED)
    set_target_properties(LibTorch::${_name} PROPERTIES IMPORTED_LOCATION "${LibTorch_${_name}_LIBRARY}")
    target_link_libraries(LibTorch::LibTorch INTERFACE LibTorch::${_name})
  endforeach()
  if(TELORA_CUDA)
    # Registration of CUDA kernels happens in static initialisers: keep the library although no symbol is named.
    target_link_options(LibTorch::LibTorch INTERFACE LINKER:--no-as-needed)
    file(GLOB _cuda_headers "${LibTorch_ROOT}/../nvidia/*/include/cuda_runtime_api.h")
    if(_cuda_headers)
      list(GET _cuda_headers 0 _cuda_headers)
      cmake_path(GET _cuda_headers PARENT_PATH _cuda_headers)
      target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE ${_cuda_headers})
    endif()
  endif()
endif()
