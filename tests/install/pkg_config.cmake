# The installed package through pkg-config and a plain C compiler.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)
find_program(pkg_config NAMES pkg-config pkgconf REQUIRED)
set(ENV{PKG_CONFIG_PATH} ${WORK}/prefix/${LIBDIR}/pkgconfig)
execute_process(COMMAND ${pkg_config} --cflags --libs "nemotron >= 0.1"
                OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
execute_process(COMMAND ${CC} ${SOURCE}/info.c -o ${WORK}/pkg_config_consumer ${flags}
                COMMAND_ERROR_IS_FATAL ANY)
set(ENV{LD_LIBRARY_PATH} ${WORK}/prefix/${LIBDIR})
run_consumer(${WORK}/pkg_config_consumer)
