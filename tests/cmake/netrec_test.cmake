# How a test is declared in this project.
include(GoogleTest)

# netrec_unit_tests(<folder>): one program of all tests/<folder>/*_test.cc, each TEST a test of
# ctest named <folder>.<Suite>.<Name>. Test suites are labelled by name: `…Root` gets `root`,
# `…Bpf` gets `bpf`, `…Slow` gets `slow`, the others
# `unit`.
function(netrec_unit_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  if(NOT sources)
    return()
  endif()
  find_package(GTest REQUIRED)
  add_executable(${folder}_test ${sources})
  target_link_libraries(${folder}_test PRIVATE netrec_${folder} GTest::gtest GTest::gtest_main)
  netrec_discover(${folder} "-*Root.*:*Bpf.*:*Slow.*" unit)
  netrec_discover(${folder} "*Root.*" root)
  # Event capture sees the whole kernel, the test beside it too.
  netrec_discover(${folder} "*Bpf.*" bpf RESOURCE_LOCK events)
  netrec_discover(${folder} "*Slow.*" slow)
endfunction()

# netrec_discover(<folder> <gtest filter> <label> [<property> <value>…])
function(netrec_discover folder filter label)
  gtest_discover_tests(${folder}_test
    TEST_FILTER ${filter}
    TEST_PREFIX ${folder}.
    TEST_LIST ${folder}_${label}_tests
    DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    PROPERTIES LABELS ${label} TIMEOUT 300 ${ARGN})
endfunction()

# netrec_script_test(<name> LABELS <label>… COMMAND <command>…): a test that is a program of its
# own; it skips with exit code 77.
function(netrec_script_test name)
  cmake_parse_arguments(arg "" "" "LABELS;COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT 300)
endfunction()
