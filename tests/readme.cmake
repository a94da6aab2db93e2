# SPDX-License-Identifier: BSL-1.0
# What the README shows is what the repository holds: programs line by line, the error as tested.
# cmake -DROOT=<repository> -P readme.cmake
file(READ ${ROOT}/README.md readme)

# Every line of a file that stands between `from` and `to`, in order and without a gap.
function(shows file from to)
  file(READ ${ROOT}/${file} text)
  string(FIND "${text}" "${from}" first)
  string(SUBSTRING "${text}" ${first} -1 text)
  if(to)
    string(FIND "${text}" "${to}" last)
    string(LENGTH "${to}" length)
    math(EXPR last "${last} + ${length}")
    string(SUBSTRING "${text}" 0 ${last} text)
  endif()
  string(FIND "${readme}" "${text}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "README.md does not show ${file} as it is")
  endif()
endfunction()

shows(examples/xor.cpp "#include <etch/train.hpp>" "")
shows(examples/every_cpu.cpp "using Net" "ETCH_DISPATCH(Policy) ")
shows(examples/own_layer.cpp "/// y = x * sigmoid" "\n};\n")

string(REGEX REPLACE "etch::|[‘’']" "" shown "${readme}")
string(REPLACE "> >" ">>" shown "${shown}")
string(REPLACE "> >" ">>" shown "${shown}")
file(STRINGS ${ROOT}/tests/errors/linear_in_features.cpp expected REGEX "^// expect: ")
foreach(line IN LISTS expected)
  string(REPLACE "// expect: " "" line "${line}")
  string(FIND "${shown}" "${line}" place)
  if(place EQUAL -1)
    message(SEND_ERROR "README.md does not show the error that tests/errors pins: ${line}")
  endif()
endforeach()
