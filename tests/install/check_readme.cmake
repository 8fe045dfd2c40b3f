# The examples in README.md are the files in examples/, to the letter.
#   cmake -D REPOSITORY=<root> -P check_readme.cmake
file(READ ${REPOSITORY}/README.md readme)
foreach(example cpp:generate.cpp c:chat.c)
  string(REPLACE ":" ";" example ${example})
  list(POP_FRONT example language name)
  file(READ ${REPOSITORY}/examples/${name} code)
  string(FIND "${readme}" "```${language}\n${code}```\n" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "README.md does not hold examples/${name} as it is: copy it there")
  endif()
endforeach()
