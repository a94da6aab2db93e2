# SPDX-License-Identifier: BSL-1.0
# What HOT, an object file, asks others for is on a short list: neither memory, locks, exceptions
# nor the system. FORBIDDEN shows that each of these would be found. NM reads both.
cmake_policy(VERSION 3.25)
set(allowed
  "mem(cpy|move|set|cmp)|bcmp"      # C++ compilers call these for loops
  "(pow|round|sqrt|floor|rint)f?"   # libm: bounded, and without state but errno
  "__mem(cpy|move|set)_chk|__stack_chk_(fail|guard)"  # where compilers harden code unasked
  "_GLOBAL_OFFSET_TABLE_")
list(JOIN allowed "|" allowed)

# What an object file asks others for and may not, and tables of virtual functions.
function(find_forbidden object result)
  execute_process(COMMAND ${NM} ${object} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  if(NOT text MATCHES " [TW] ")
    message(FATAL_ERROR "no functions in ${object}")
  endif()
  string(REGEX MATCHALL "[^\n]+" lines "${text}")
  set(found "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^ *[Uwv] ([^ ]+)$")
      set(name ${CMAKE_MATCH_1})
      string(REGEX REPLACE "@.*" "" name ${name})
      if(NOT name MATCHES "^(${allowed})$")
        list(APPEND found ${name})
      endif()
    elseif(line MATCHES " (_ZTV[^ ]*)$")
      list(APPEND found ${CMAKE_MATCH_1})
    endif()
  endforeach()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

find_forbidden(${FORBIDDEN} found)
foreach(name IN ITEMS _Znw[jm] malloc pthread_mutex_lock __cxa_throw fsync puts
                      __cxa_guard_acquire _ZTV7Virtual)
  if(NOT "${found}" MATCHES "(^|;)${name}(;|$)")
    message(FATAL_ERROR "${name} is not found")
  endif()
endforeach()

find_forbidden(${HOT} found)
if(found)
  message(FATAL_ERROR "the hot path asks for ${found}")
endif()
