# Fails if the library imports a function that ends the process or writes to stdout or stderr, or one
# of the network: libcurl and OpenSSL belong to the nemotron command.
#   cmake -D NM=nm -D LIBRARY=libnemotron.so -P check_imports.cmake
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${NM} --dynamic --undefined-only ${LIBRARY}
                OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
set(forbidden abort exit _exit _Exit quick_exit raise kill tgkill signal sigaction __assert_fail
    printf vprintf puts putchar fputs fputc fprintf vfprintf fwrite perror __printf_chk
    __fprintf_chk __vfprintf_chk stdout stderr _ZSt4cout _ZSt4cerr _ZSt4clog)
string(REPLACE "\n" ";" lines "${symbols}")
foreach(line IN LISTS lines)
  if(NOT line MATCHES " [Uw] ([^@]+)")
    continue()
  endif()
  set(symbol ${CMAKE_MATCH_1})
  if(symbol IN_LIST forbidden OR symbol MATCHES "^(curl_|EVP_|SSL_|socket$|connect$)")
    message(SEND_ERROR "${LIBRARY} imports ${symbol}")
  endif()
endforeach()
