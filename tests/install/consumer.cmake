# consumer(<name> <cmake arguments...>): configures, builds and runs a project of this folder.
function(consumer name)
  file(REMOVE_RECURSE ${WORK}/build-${name})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/${name} -B ${WORK}/build-${name} -G ${GENERATOR}
            -D CMAKE_C_COMPILER=${CC} -D CMAKE_CXX_COMPILER=${CXX} ${ARGN}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build-${name}
                  OUTPUT_VARIABLE log ERROR_VARIABLE log RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "the consumer does not build:\n${log}")
  endif()
  run_consumer(${WORK}/build-${name}/in_c)
  run_consumer(${WORK}/build-${name}/in_cxx)
endfunction()

# The program must print the tiny model's layers and vocabulary, and nothing else.
function(run_consumer)
  execute_process(COMMAND ${ARGN} ${MODEL} OUTPUT_VARIABLE output ERROR_VARIABLE errors
                  COMMAND_ERROR_IS_FATAL ANY)
  if(NOT output STREQUAL "${VERSION}: 3 layers M-*, 320 tokens\n" OR NOT errors STREQUAL "")
    message(FATAL_ERROR "unexpected output: [${output}] [${errors}]")
  endif()
endfunction()
