# The SentencePiece library (Kudo and Richardson, 2018) as the static target SentencePiece::SentencePiece.
#
# Built from the C++ sources of the PyPI source distribution, which tools/setup.sh unpacks into third_party/. 0.2.1 is the version that
# brings all it needs (protobuf-lite, darts-clone, its few absl headers); later ones fetch abseil and protobuf from the network while
# they are configured. It is newer than CVE-2026-1260, unlike Debian's. Only what encodes is built: no trainer, no programs.
set(_root ${PROJECT_SOURCE_DIR}/third_party/sentencepiece-0.2.1)
set(TELORA_SENTENCEPIECE_DIR "" CACHE PATH "Unpacked sentencepiece 0.2.1 source distribution (default: third_party/)")
if(TELORA_SENTENCEPIECE_DIR)
  set(_root ${TELORA_SENTENCEPIECE_DIR})
endif()
set(_base ${_root}/sentencepiece)
if(NOT EXISTS ${_base}/src/sentencepiece_processor.h)
  message(FATAL_ERROR "SentencePiece not found: no ${_base}/src/sentencepiece_processor.h. Run tools/setup.sh, which unpacks it.")
endif()

file(GLOB _sources ${_base}/third_party/protobuf-lite/*.cc ${_base}/src/builtin_pb/*.cc)
list(FILTER _sources EXCLUDE REGEX "io_win32")
foreach(_name bpe_model char_model error filesystem model_factory model_interface normalizer sentencepiece_processor
              unigram_model util word_model)
  list(APPEND _sources ${_base}/src/${_name}.cc)
endforeach()
list(APPEND _sources ${_base}/third_party/absl/flags/flag.cc)

set(PROJECT_VERSION_BEFORE ${PROJECT_VERSION})
set(PROJECT_VERSION 0.2.1)
configure_file(${_base}/config.h.in ${PROJECT_BINARY_DIR}/generated/sentencepiece/config.h)
set(PROJECT_VERSION ${PROJECT_VERSION_BEFORE})

add_library(sentencepiece STATIC ${_sources})
add_library(SentencePiece::SentencePiece ALIAS sentencepiece)
target_include_directories(sentencepiece SYSTEM PUBLIC ${_base}/src)
target_include_directories(sentencepiece SYSTEM PRIVATE ${_base}/src/builtin_pb ${_base} ${_base}/third_party
                           ${_base}/third_party/protobuf-lite ${PROJECT_BINARY_DIR}/generated/sentencepiece)
# libtorch_cpu.so exports symbols of a protobuf of its own. Hidden symbols keep the dynamic linker from tying the two together, and
# the renamed namespace does so even if someone links differently.
set_target_properties(sentencepiece PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_compile_definitions(sentencepiece PRIVATE HAVE_PTHREAD=1 _USE_INTERNAL_STRING_VIEW google=telora_google)
target_compile_options(sentencepiece PRIVATE -w -Wno-error)
