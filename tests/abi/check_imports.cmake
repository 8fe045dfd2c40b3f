# Fails if the library imports a function that ends the process or writes to stdout or stderr.
#   cmake -D NM=nm -D LIBRARY=libnemotron.so -P check_imports.cmake
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${NM} --dynamic --undefined-only ${LIBRARY}
                OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
set(forbidden abort exit _exit _Exit quick_exit raise kill tgkill signal sigaction __assert_fail
    printf vprintf puts putchar fputs fputc fprintf vfprintf fwrite perror __printf_chk
    __fprintf_chk __vfprintf_chk stdout stderr _ZSt4cout _ZSt4cerr _ZSt4clog)
string(REPLACE "\n" ";" lines "${symbols}")
foreach(line IN LISTS lines)
  if(line MATCHES " [Uw] ([^@]+)" AND CMAKE_MATCH_1 IN_LIST forbidden)
    message(SEND_ERROR "${LIBRARY} imports ${CMAKE_MATCH_1}")
  endif()
endforeach()
