# What `cmake --install` puts where. Nothing in it holds an absolute path, so that an installed
# tree can be moved.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/layerfuse)

install(DIRECTORY include/layerfuse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

# Two exports: a program that links the shared library needs none of what is behind it.
install(TARGETS layerfuse_shared EXPORT layerfuseTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS layerfuse_static EXPORT layerfuseStaticTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(export layerfuseTargets layerfuseStaticTargets)
  install(EXPORT ${export} NAMESPACE layerfuse:: DESTINATION ${package_dir})
endforeach()
configure_package_config_file(cmake/layerfuseConfig.cmake.in layerfuseConfig.cmake
                              INSTALL_DESTINATION ${package_dir}
                              NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor release may break the API.
write_basic_package_version_file(layerfuseConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/layerfuseConfig.cmake
              ${PROJECT_BINARY_DIR}/layerfuseConfigVersion.cmake DESTINATION ${package_dir})

# The name it was asked for: a link beside the library, out of FUSE's way.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/installed)
file(CREATE_LINK ../liblayerfuse.so.${PROJECT_VERSION} ${PROJECT_BINARY_DIR}/installed/libfuse.so
     SYMBOLIC)
install(FILES ${PROJECT_BINARY_DIR}/installed/libfuse.so
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/layerfuse)

# layerfuse.pc finds its prefix from where it lies itself, when that is inside the prefix.
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(pc_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_PREFIX "\${pcfiledir}/${up}")
endif()
configure_file(layerfuse.pc.in layerfuse.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/layerfuse.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
