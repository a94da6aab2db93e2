# SPDX-License-Identifier: BSL-1.0
# Runs PROGRAM (a list: an emulator comes first), which tests itself. What it prints has to be a
# line of the file BITS.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed ERROR_VARIABLE printed
                RESULT_VARIABLE result)
message("${printed}")
if(NOT result EQUAL 0)
  message(FATAL_ERROR "exit code ${result}")
endif()
file(STRINGS ${BITS} bits)
string(STRIP "${printed}" line)
if(NOT line IN_LIST bits)
  message(FATAL_ERROR "other bits than in ${BITS}")
endif()
