# SPDX-License-Identifier: BSL-1.0
# cmake -Dcommand=<compiler;flags> -Dcompiler=<CMake's id> -Dheader=<precompiled.hpp>
#       -Dfile=<mistake.cpp> -Dboth=<bool> -P check.cmake
#
# The file must compile as it is (asked if `both`). With -DMISTAKE it must fail, the output must
# hold the text of every line `// expect: <text>`, and errors must number one (or N, by a line
# `// errors: N`).
# Both sides are compared without `etch::`, quotes, integer suffixes and runs of blanks, so that one
# text suits every compiler; source lines are not echoed, so that none matches by itself.
cmake_minimum_required(VERSION 3.25)

set(ENV{LC_ALL} C)
set(GNU -include ${header} -fsyntax-only -fdiagnostics-plain-output)
set(Clang -include ${header} -fsyntax-only -fno-caret-diagnostics -fno-color-diagnostics
    -fno-elide-type)
set(AppleClang ${Clang})
set(MSVC /nologo /Zs)

function(normalise variable)
  string(REGEX REPLACE "etch::|['\"`]" "" text "${${variable}}")
  string(REGEX REPLACE "([^A-Za-z_0-9][0-9]+)[uU]?[lL]*" "\\1" text "${text}")
  string(REGEX REPLACE "[ \t\r\n]+" " " text "${text}")
  while(text MATCHES "> >")
    string(REPLACE "> >" ">>" text "${text}")
  endwhile()
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

if(both OR NOT DEFINED both)
  execute_process(COMMAND ${command} ${${compiler}} ${file}
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "does not compile even without the mistake:\n${output}")
  endif()
endif()
execute_process(COMMAND ${command} ${${compiler}} -DMISTAKE ${file}
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "the mistake compiles")
endif()
message("${output}")

set(errors 1)
set(expected "")
file(STRINGS ${file} lines REGEX "^// (expect|errors): ")
foreach(line IN LISTS lines)
  if(line MATCHES "^// errors: ([0-9]+)")
    set(errors ${CMAKE_MATCH_1})
  else()
    string(REGEX REPLACE "^// expect: " "" text "${line}")
    list(APPEND expected "${text}")
  endif()
endforeach()
if(NOT expected)
  message(FATAL_ERROR "the file states no `// expect: <text>`")
endif()

string(REGEX MATCHALL "[ :]error( C[0-9]+)?: " found "${output}")
list(LENGTH found found)
if(NOT found EQUAL errors)
  message(SEND_ERROR "${found} errors instead of ${errors}")
endif()
normalise(output)
foreach(text IN LISTS expected)
  normalise(text)
  string(FIND "${output}" "${text}" at)
  if(at EQUAL -1)
    message(SEND_ERROR "missing in the compiler's output: ${text}")
  endif()
endforeach()
