# Language level, warnings, hardening and sanitizers for everything we compile.
# Third-party headers arrive as system headers, so warnings speak of our own code only.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(PILLARBOX_CCACHE ccache)
if(PILLARBOX_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PILLARBOX_CCACHE})
endif()

add_library(pillarbox_options INTERFACE)

target_compile_options(pillarbox_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wformat=2 -Wundef -Werror)
target_compile_definitions(pillarbox_options INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)

# Hardening, in every build that ships and in those that are tested.
target_compile_definitions(pillarbox_options INTERFACE _GLIBCXX_ASSERTIONS)
target_compile_options(pillarbox_options INTERFACE -fstack-protector-strong -fPIE)
target_link_options(pillarbox_options INTERFACE -pie -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(pillarbox_options INTERFACE -fstack-clash-protection -ftrivial-auto-var-init=zero)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    target_compile_options(pillarbox_options INTERFACE -fcf-protection=full)
  endif()
endif()

if(PILLARBOX_SANITIZE)
  target_compile_options(pillarbox_options INTERFACE -fsanitize=${PILLARBOX_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(pillarbox_options INTERFACE -fsanitize=${PILLARBOX_SANITIZE})
else()
  # FORTIFY needs optimisation and hides errors from the sanitizers.
  target_compile_definitions(pillarbox_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=3>)
endif()

if(PILLARBOX_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang 14 cannot compile coroutines with this one check ("Cannot represent a difference across sections").
  target_compile_options(pillarbox_options INTERFACE -fno-sanitize=function)
endif()

if(PILLARBOX_FUZZ)
  # Coverage of the modules, not only of the harness, guides the fuzzer.
  target_compile_options(pillarbox_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
