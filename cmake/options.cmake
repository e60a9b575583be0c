# What can be chosen when configuring, and what every target is compiled with.
option(NETREC_TESTS "Build the tests" ON)
option(NETREC_BENCH "Build the benchmarks" OFF)
option(NETREC_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
option(NETREC_WERROR "Treat warnings as errors (CI)" OFF)
option(NETREC_TOGETHER "Compile several sources at a time: a whole build takes less, one after a change more (CI)" OFF)
set(NETREC_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them: address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -fstack-protector-strong)
# GCC 12's bug 105651, reported for any "text" + std::string; only -O2 brings it up.
if(CMAKE_CXX_FLAGS_RELEASE MATCHES "-O2" AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Wno-restrict)
endif()
if(NETREC_WERROR)
  add_compile_options(-Werror)
endif()
if(NETREC_SANITIZE)
  add_compile_options(-fsanitize=${NETREC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${NETREC_SANITIZE})
  # Checks at each use of a pointer take CI as long to compile as all others; of what they find,
  # AddressSanitizer sees what cannot be read. A build of one's own, and the fuzzer's, have them.
  if(NETREC_TOGETHER AND NETREC_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize=null,alignment,object-size,vptr,pointer-overflow)
  endif()
endif()
if(NETREC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(NETREC_TOGETHER)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-subobject-linkage)  # "has a field of the anonymous namespace": so it should
  endif()
endif()

# netrec_alone(<file>…): not compiled together with others; it has names of theirs.
function(netrec_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
