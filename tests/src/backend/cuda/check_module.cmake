# Fails unless the module exports one function and needs neither CUDA's libraries nor ours.
#   cmake -D NM=nm -D LIBRARY=libnemotron-cuda.so -P check_module.cmake
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${NM} --dynamic --defined-only --extern-only ${LIBRARY}
                OUTPUT_VARIABLE defined COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " [A-Za-z] [^ \n]+" names "${defined}")
if(NOT names STREQUAL " T nemo_cuda_module_get")
  message(SEND_ERROR "${LIBRARY} exports ${names}")
endif()
execute_process(COMMAND ${NM} --dynamic --undefined-only ${LIBRARY}
                OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
if(needed MATCHES "(cu[A-Z]|cuda|nemo)[A-Za-z_]*")
  message(SEND_ERROR "${LIBRARY} imports ${CMAKE_MATCH_0}")
endif()
file(SIZE ${LIBRARY} size)
if(size LESS 50000 OR size GREATER 8000000)
  message(SEND_ERROR "${LIBRARY} has ${size} bytes")
endif()
