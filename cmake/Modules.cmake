# pillarbox_unite(NAME LIST)
#   With PILLARBOX_UNITE, puts big sources in the place of the many that the variable LIST names, in the build folder. For the
#   presets that are built whole and seldom, the sanitizers'; with TESTS, in folders of tests/ only. Their own small targets
#   compile as everywhere.
function(pillarbox_unite name list)
  if(NOT PILLARBOX_UNITE)
    return()
  endif()
  if(PILLARBOX_UNITE STREQUAL "TESTS")
    set(tests ${PROJECT_SOURCE_DIR}/tests)
    cmake_path(IS_PREFIX tests ${CMAKE_CURRENT_SOURCE_DIR} among_tests)
    if(NOT among_tests)
      return()
    endif()
  endif()
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/unite-sources
      --output ${CMAKE_CURRENT_BINARY_DIR}/united/${name} --lines ${PILLARBOX_UNITE_LINES}
      --include ${PROJECT_SOURCE_DIR}/src --include ${PROJECT_SOURCE_DIR}/tests ${${list}}
    OUTPUT_VARIABLE united COMMAND_ERROR_IS_FATAL ANY)
  # Warnings that mean something only where each source is seen alone, or are wrong too often with sanitizers; dev and
  # release keep them.
  set(quiet -Wno-shadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND quiet -Wno-subobject-linkage -Wno-maybe-uninitialized)
  endif()
  set_source_files_properties(${united} PROPERTIES COMPILE_OPTIONS "${quiet}")
  set(${list} ${united} PARENT_SCOPE)
endfunction()

# How long such a source is at most: long enough to save most of the work, short enough to share it among cores.
set(PILLARBOX_UNITE_LINES 2000)

# pillarbox_module(NAME [DEPENDS modules...] [LIBS targets...])
#   The library of src/NAME: every .cpp there but main.cpp. DEPENDS are the folders that its #include lines may name;
#   scripts/check-includes holds the sources against the same table (cmake/modules.txt).
function(pillarbox_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBS;PRIVATE_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(NOT sources)
    add_library(pillarbox_${name} INTERFACE)
    return()
  endif()
  pillarbox_unite(${name} sources)
  add_library(pillarbox_${name} STATIC ${sources})
  target_include_directories(pillarbox_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(pillarbox_${name} PUBLIC ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS} pillarbox_options)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(pillarbox_${name} PUBLIC pillarbox_${dependency})
  endforeach()
endfunction()

# pillarbox_program(NAME)
#   The program of src/NAME: main.cpp and the folder's library.
function(pillarbox_program name)
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
    return()
  endif()
  add_executable(${name} main.cpp)
  target_link_libraries(${name} PRIVATE pillarbox_${name} pillarbox_options)
endfunction()

# The folders whose tests run several threads. The mail store is used by many too, but only by way of the services'
# pools: the system tests show that to the thread sanitizer.
set(PILLARBOX_THREADED base net auth server pop3d lmtpd)

# With a sanitizer, a process costs more to start than most cases take: it runs the cases of about so many sources.
set(PILLARBOX_SOURCES_A_SHARD 4)

# pillarbox_tests(NAME [LIBS targets...])
#   One test program of all *_test.cpp in tests/NAME. ctest finds and runs it case by case, each in a process of its own; with
#   a sanitizer in shards of many cases (unit.NAME.1, ...), whose output names the case that failed.
function(pillarbox_tests name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  list(LENGTH sources count)
  pillarbox_unite(${name}_tests sources)
  add_executable(${name}_tests ${sources})
  target_link_libraries(${name}_tests PRIVATE pillarbox_${name} ${ARG_LIBS} pillarbox_options GTest::gtest_main rapidcheck_gtest rapidcheck)
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name}_tests PRIVATE TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data")
  # One label of three parts, because gtest_discover_tests does not pass a list on; `ctest -L` takes a regular expression,
  # so `-L unit`, `-L net` and `-L threads` (what the thread sanitizer should see) all work.
  set(label unit.${name})
  if(name IN_LIST PILLARBOX_THREADED)
    string(APPEND label .threads)
    set_property(GLOBAL APPEND PROPERTY PILLARBOX_THREADED_PROGRAMS ${name}_tests)
  endif()
  if(NOT PILLARBOX_SANITIZE)
    gtest_discover_tests(${name}_tests DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120 LABELS ${label})
    return()
  endif()
  # What the tests are made of, gtest's and rapidcheck's templates, takes most of the compiler's time: up to a third of it is
  # for these checks. The sources of src/ keep all checks; an inline function of a header
  # may be linked from a test's object, without them. The warning is wrong too often in code with sanitizers; dev keeps it.
  if(PILLARBOX_SANITIZE MATCHES "undefined")
    target_compile_options(${name}_tests PRIVATE -Og -fno-sanitize=vptr,null,alignment -Wno-maybe-uninitialized)
  endif()
  math(EXPR shards "(${count} + ${PILLARBOX_SOURCES_A_SHARD} - 1) / ${PILLARBOX_SOURCES_A_SHARD}")
  foreach(shard RANGE 1 ${shards})
    math(EXPR index "${shard} - 1")
    add_test(NAME unit.${name}.${shard} COMMAND ${name}_tests)
    set_tests_properties(unit.${name}.${shard} PROPERTIES TIMEOUT 600 LABELS ${label}
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()
