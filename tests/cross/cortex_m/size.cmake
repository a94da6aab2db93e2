# SPDX-License-Identifier: BSL-1.0
# What PROGRAM takes in flash, code, constants and initial data, is at most MOST bytes.
execute_process(COMMAND ${SIZE} ${PROGRAM} OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
message("${table}")
if(NOT table MATCHES "\n *([0-9]+)[ \t]+([0-9]+)")
  message(FATAL_ERROR "no sizes")
endif()
math(EXPR flash "${CMAKE_MATCH_1} + ${CMAKE_MATCH_2}")
if(flash GREATER MOST)
  message(FATAL_ERROR "${flash} bytes of flash, more than ${MOST}")
endif()
