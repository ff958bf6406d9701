# The example and the tests of layerfuse.hpp are C++, if there is a compiler that goes with the C
# compiler; all the rest needs C alone.
if(LAYERFUSE_TESTS OR LAYERFUSE_EXAMPLES)
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    find_program(LAYERFUSE_CXX NAMES clang++)
  else()
    find_program(LAYERFUSE_CXX NAMES g++ c++)
  endif()
  if(LAYERFUSE_CXX AND NOT CMAKE_CXX_COMPILER)
    set(CMAKE_CXX_COMPILER ${LAYERFUSE_CXX})
  endif()
  if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
  endif()
endif()

# layerfuse_compile_cxx(TARGET): how C++ here is compiled.
function(layerfuse_compile_cxx target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow)
  if(LAYERFUSE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(LAYERFUSE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LAYERFUSE_SANITIZE}
                           -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${LAYERFUSE_SANITIZE})
  endif()
endfunction()
