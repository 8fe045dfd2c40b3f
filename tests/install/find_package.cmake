# The installed package through CMake, and refused when another minor version is asked for.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)
consumer(find_package -D CMAKE_PREFIX_PATH=${WORK}/prefix)
execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/find_package -B ${WORK}/build-too-new -G ${GENERATOR}
          -D CMAKE_C_COMPILER=${CC} -D CMAKE_CXX_COMPILER=${CXX} -D WANTED=0.99
          -D CMAKE_PREFIX_PATH=${WORK}/prefix
  RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
if(NOT failed)
  message(FATAL_ERROR "the package says that it is version 0.99")
endif()
