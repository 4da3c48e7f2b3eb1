# telora_embed(OUTPUT FILE...): writes the C++ source OUTPUT, which holds the bytes of every FILE (paths below the project's
# root) under its path from the root; core/embedded.h reads it. The file runs itself in script mode at build time.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(_embed_script ${CMAKE_CURRENT_LIST_FILE})
  function(telora_embed output)
    list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE inputs)
    list(JOIN ARGN "|" names)  # the list is part of the command line: a removed file runs the command again
    add_custom_command(OUTPUT ${output} DEPENDS ${inputs} ${_embed_script} VERBATIM
      COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUTPUT=${output} "-DNAMES=${names}" -P ${_embed_script}
      COMMENT "Embedding configs")
  endfunction()
  return()
endif()

# 8,000 bytes a literal: compilers promise no more than 65,536 characters in one.
function(to_literals text result)
  string(LENGTH "${text}" length)
  set(literals "")
  foreach(begin RANGE 0 ${length} 16000)
    string(SUBSTRING "${text}" ${begin} 16000 piece)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" piece "${piece}")
    string(APPEND literals "\n    \"${piece}\"")
  endforeach()
  set(${result} "${literals}" PARENT_SCOPE)
endfunction()

string(REPLACE "|" ";" NAMES "${NAMES}")
set(entries "")
foreach(name IN LISTS NAMES)
  file(SIZE "${ROOT}/${name}" size)
  file(READ "${ROOT}/${name}" hex HEX)
  to_literals("${hex}" literals)
  string(APPEND entries "  {\"${name}\", std::string_view(${literals}, ${size})},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"core/embedded.h\"\n\nnamespace telora {\n
const std::vector<EmbeddedFile>& embedded_files() {
  static const std::vector<EmbeddedFile> files = {\n${entries}  };
  return files;\n}\n\n}  // namespace telora\n")
