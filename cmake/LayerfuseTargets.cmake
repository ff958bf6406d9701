# layerfuse_compile(TARGET): how everything here is compiled.
function(layerfuse_compile target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wwrite-strings -ffp-contract=off)
  if(LAYERFUSE_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(LAYERFUSE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LAYERFUSE_SANITIZE}
                           -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${LAYERFUSE_SANITIZE})
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
    target_compile_definitions(${target} PRIVATE LFI_X86)
  endif()
endfunction()

# layerfuse_module(NAME SOURCES...): one module of the engine, an object library whose objects
# make up both libraries. It sees lib/ and the plain data of the contract.
function(layerfuse_module name)
  add_library(lfi_${name} OBJECT ${ARGN})
  target_include_directories(lfi_${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib
                             ${PROJECT_SOURCE_DIR}/include)
  set_target_properties(lfi_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
                        C_VISIBILITY_PRESET hidden)
  layerfuse_compile(lfi_${name})
  set_property(GLOBAL APPEND PROPERTY LAYERFUSE_MODULES lfi_${name})
endfunction()
