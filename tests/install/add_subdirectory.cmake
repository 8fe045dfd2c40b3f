# The repository as a subfolder: the consumer gets the library, and neither tests nor programs.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)
consumer(add_subdirectory -D NEMOTRON_REPOSITORY=${REPOSITORY})
