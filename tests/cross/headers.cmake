# SPDX-License-Identifier: BSL-1.0
# The host's Highway and Boost for another machine: nothing in their headers depends on it, but
# /usr/include as a whole would hide the other machine's own headers. So a folder of two links takes
# the place of what FetchContent would download.
if(NOT IS_DIRECTORY /usr/include/hwy OR NOT IS_DIRECTORY /usr/include/boost)
  return()  # then they are downloaded
endif()
set(folder ${CMAKE_BINARY_DIR}/headers)
file(MAKE_DIRECTORY ${folder}/include)
foreach(name IN ITEMS hwy boost)
  file(CREATE_LINK /usr/include/${name} ${folder}/include/${name} SYMBOLIC)
endforeach()
set(FETCHCONTENT_SOURCE_DIR_HWY ${folder}/include)
set(FETCHCONTENT_SOURCE_DIR_BOOST_HANA ${folder})
set(FETCHCONTENT_SOURCE_DIR_BOOST_MP11 ${folder})
set(CMAKE_DISABLE_FIND_PACKAGE_hwy ON)
set(CMAKE_DISABLE_FIND_PACKAGE_Boost ON)
