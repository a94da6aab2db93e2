# SPDX-License-Identifier: BSL-1.0
# USER is an object file compiled with -m flags and without inlining. Its functions of etch are in
# the namespace of a target (N_AVX2, say): others the linker would merge with those of other files,
# and might keep this one, for machines that lack the flags' instructions. What only describes, or
# hands out places of parameters, may be there, and shows that functions are found. NM reads it.
cmake_policy(VERSION 3.25)
execute_process(COMMAND ${NM} ${USER} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " W _ZNK?4etch[^\n]*" functions "${text}")
foreach(name IN ITEMS "[0-9]+N_[A-Z0-9_]+15DispatchedModelI" "10ParametersI")
  if(NOT "${functions}" MATCHES "4etch${name}")
    message(FATAL_ERROR "no function of ${name} is found")
  endif()
endforeach()

set(describing "10Parameters|6Tensor|4Dims|6Array[36]|7Lengths")
list(FILTER functions EXCLUDE REGEX "4etch([0-9]+N_|${describing})")
if(functions)
  list(JOIN functions "\n" functions)
  message(FATAL_ERROR "the linker may give these to other files:\n${functions}")
endif()
