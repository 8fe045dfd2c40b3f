# nemo_component(NAME <name> FOLDER <folder> [SEPARATE] [SOURCES ...] [DEPENDS ...])
#
# One static library per folder. A component's headers are reached as "<last path part>/header.h"
# through an include root of its own (a link in the build tree), so that a component can include
# exactly what it and its dependencies declare: an undeclared arrow does not compile.
#
# With NEMO_UNITY the files of a component are compiled as one, which reads and instantiates what they
# include once; with SEPARATE they never are. Names of a component's unnamed namespaces differ for that.
function(nemo_component)
  cmake_parse_arguments(ARG "SEPARATE" "NAME;FOLDER" "SOURCES;DEPENDS" ${ARGN})
  get_filename_component(leaf ${ARG_FOLDER} NAME)
  set(root ${PROJECT_BINARY_DIR}/include_roots/${ARG_NAME})
  file(MAKE_DIRECTORY ${root})
  if(NOT EXISTS ${root}/${leaf})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${ARG_FOLDER} ${root}/${leaf} SYMBOLIC)
  endif()
  set(target nemo_${ARG_NAME})
  if(ARG_SOURCES)
    list(TRANSFORM ARG_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/)
    add_library(${target} STATIC ${ARG_SOURCES})
    target_include_directories(${target} PUBLIC ${root})
    target_link_libraries(${target} PUBLIC ${ARG_DEPENDS} PRIVATE nemo_compile_options)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                          VISIBILITY_INLINES_HIDDEN ON)
    if(NEMO_UNITY AND NOT ARG_SEPARATE)
      set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 20
        UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
      # Types of an unnamed namespace in members of others: meant, and in no header.
      target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    endif()
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${root})
    target_link_libraries(${target} INTERFACE ${ARG_DEPENDS})
  endif()
endfunction()
