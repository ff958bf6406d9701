# The Python module, installed where the system's python3 looks below this prefix. It is pure
# Python, and finds the library of the same install from where it lies itself.
find_program(LAYERFUSE_PYTHON_PROGRAM python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(LAYERFUSE_PYTHON_PROGRAM python3)

# Debian: lib/python3/dist-packages of packages in /usr, lib/python3.11/dist-packages below others.
set(where "lib/python3/dist-packages")
if(LAYERFUSE_PYTHON_PROGRAM AND NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  execute_process(OUTPUT_VARIABLE where OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND ${LAYERFUSE_PYTHON_PROGRAM} -c "import sys, sysconfig
debian = 'deb_system' in sysconfig.get_scheme_names()
print('lib/python%d.%d/%s-packages' % (*sys.version_info[:2], 'dist' if debian else 'site'))")
endif()
set(LAYERFUSE_PYTHON_DIR "${where}" CACHE STRING "Where the Python module goes, below the prefix")

if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${LAYERFUSE_PYTHON_DIR}")
  set(library_directory "${CMAKE_INSTALL_FULL_LIBDIR}")
else()
  file(RELATIVE_PATH library_directory "/${LAYERFUSE_PYTHON_DIR}/layerfuse"
       "/${CMAKE_INSTALL_LIBDIR}")
endif()
file(WRITE ${PROJECT_BINARY_DIR}/installed/_installed.py
     "\"\"\"Where the library of this install is, from here.\"\"\"\n\n"
     "LIBRARY_DIRECTORY = \"${library_directory}\"\n")
install(DIRECTORY bindings/python/layerfuse DESTINATION ${LAYERFUSE_PYTHON_DIR}
        FILES_MATCHING PATTERN "*.py" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/installed/_installed.py
        DESTINATION ${LAYERFUSE_PYTHON_DIR}/layerfuse)
