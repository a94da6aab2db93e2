# SPDX-License-Identifier: BSL-1.0
# Runs PROGRAM (a list: an emulator may come first). Its first line has to be FIRST, the rest the
# lines of the file BITS. TARGETS prints what this machine can run: without TARGET it is skipped.
# Where other bits are meant, the printed lines become the file:
#   build/test/tests/bits/test_bits_avx2 | tail -n +2 > tests/bits/fused.txt
#   build/portable/tests/bits/test_bits_sse4 | tail -n +2 > tests/bits/unfused.txt
if(TARGETS)
  execute_process(COMMAND ${TARGETS} OUTPUT_VARIABLE can COMMAND_ERROR_IS_FATAL ANY)
  if(NOT can MATCHES ${TARGET})
    message("skipped: this machine has no ${TARGET}")
    return()
  endif()
endif()
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
message("${printed}")
string(FIND "${printed}" "\n" end)
string(SUBSTRING "${printed}" 0 ${end} first)
math(EXPR end "${end} + 1")
string(SUBSTRING "${printed}" ${end} -1 rest)
if(NOT first STREQUAL FIRST)
  message(FATAL_ERROR "built for another target than '${FIRST}'")
endif()
file(READ ${BITS} bits)
if(NOT rest STREQUAL bits)
  message(FATAL_ERROR "other bits than in ${BITS}")
endif()
