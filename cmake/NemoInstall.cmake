# Installs the library, its headers and what finds them: a CMake package and a pkg-config file.
# Paths are those of GNUInstallDirs, and both files find their prefix from where they lie, so that
# an installed tree may be moved. Also the target nemo_docs (Doxygen over the public headers).
if(NEMO_INSTALL AND TARGET nemotron)
  include(CMakePackageConfigHelpers)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/nemotron)
  set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

  install(TARGETS nemotron EXPORT nemotron_targets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT development)
  if(TARGET nemotron_cuda)  # the library looks for it beside itself
    install(TARGETS nemotron_cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nemotron DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
          COMPONENT development FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
  install(FILES ${PROJECT_BINARY_DIR}/include/nemotron/version.h
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/nemotron COMPONENT development)
  install(EXPORT nemotron_targets NAMESPACE nemotron:: DESTINATION ${package_dir}
          COMPONENT development)

  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/nemotronConfig.cmake.in
    ${PROJECT_BINARY_DIR}/nemotronConfig.cmake INSTALL_DESTINATION ${package_dir})
  # Below 1.0 a minor version may break callers; from then on the major one counts.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/nemotronConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/nemotronConfig.cmake
                ${PROJECT_BINARY_DIR}/nemotronConfigVersion.cmake
          DESTINATION ${package_dir} COMPONENT development)

  # The prefix as seen from the .pc file; absolute where somebody chose absolute folders.
  if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(NEMO_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  else()
    file(RELATIVE_PATH up /prefix/${pkgconfig_dir} /prefix)
    string(REGEX REPLACE "/$" "" up "${up}")
    set(NEMO_PC_PREFIX "\${pcfiledir}/${up}")
  endif()
  foreach(kind LIBDIR INCLUDEDIR)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
      set(NEMO_PC_${kind} "${CMAKE_INSTALL_${kind}}")
    else()
      set(NEMO_PC_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
    endif()
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/nemotron.pc.in ${PROJECT_BINARY_DIR}/nemotron.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/nemotron.pc DESTINATION ${pkgconfig_dir}
          COMPONENT development)
endif()

if(NEMO_DEVELOPER)
  find_program(NEMO_DOXYGEN doxygen)
  if(NEMO_DOXYGEN)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/Doxyfile.in ${PROJECT_BINARY_DIR}/Doxyfile @ONLY)
    add_custom_target(nemo_docs COMMAND ${NEMO_DOXYGEN} ${PROJECT_BINARY_DIR}/Doxyfile
                      COMMENT "Documentation of the public headers in ${PROJECT_BINARY_DIR}/docs")
    add_test(NAME "docs: doxygen is silent" COMMAND ${NEMO_DOXYGEN} ${PROJECT_BINARY_DIR}/Doxyfile)
    # It prints nothing but what it warns of; warnings also make it fail.
    set_tests_properties("docs: doxygen is silent" PROPERTIES
                         FAIL_REGULAR_EXPRESSION "warning:;error:")
  else()
    add_test(NAME "docs: doxygen is silent" COMMAND ${CMAKE_COMMAND} -E false)
    set_tests_properties("docs: doxygen is silent" PROPERTIES DISABLED TRUE)
  endif()
endif()
