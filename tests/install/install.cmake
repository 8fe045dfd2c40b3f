# Installs into a prefix, checks what lies there, and moves it: later tests use the second place.
file(REMOVE_RECURSE ${WORK}/first ${WORK}/prefix)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${WORK}/first ${WORK}/prefix)
file(GLOB headers RELATIVE ${CMAKE_CURRENT_LIST_DIR}/../.. ${CMAKE_CURRENT_LIST_DIR}/../../include/nemotron/*.h
     ${CMAKE_CURRENT_LIST_DIR}/../../include/nemotron/*.hpp)
foreach(file ${LIBDIR}/libnemotron.so ${LIBDIR}/libnemotron.so.0 ${LIBDIR}/libnemotron.so.${VERSION}
             ${LIBDIR}/pkgconfig/nemotron.pc ${LIBDIR}/cmake/nemotron/nemotronConfig.cmake
             ${headers} include/nemotron/version.h)
  if(NOT EXISTS ${WORK}/prefix/${file})
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()
file(GLOB_RECURSE static_libraries ${WORK}/prefix/*.a)
if(static_libraries)
  message(FATAL_ERROR "only the shared library belongs to the package: ${static_libraries}")
endif()
