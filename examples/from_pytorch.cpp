// SPDX-License-Identifier: BSL-1.0
// A model that PyTorch trained becomes a C++ header:  from_pytorch in.safetensors out.hpp
// The second of three steps; from_pytorch.py is the first, from_pytorch_embedded.cpp the last.

#include <etch/io/header.hpp>
#include <etch/io/safetensors.hpp>

#include <cstdio>
#include <cstdlib>

#include "from_pytorch.hpp"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s in.safetensors out.hpp\n", argv[0]);
    return EXIT_FAILURE;
  }
  // The keys of PyTorch begin with members of its class, those of a network with the positions of
  // its layers. What is missing, surplus or of another shape would be listed in the error.
  etch::Parameters<Classifier> trained;
  const auto read = etch::read_safetensors(argv[1], trained, {{"", "body"}, {"3", "head"}});
  if (!read) {
    std::fprintf(stderr, "%s\n", read.error().message.c_str());
    return EXIT_FAILURE;
  }
  const auto written =
      etch::write_header(*etch::fold(trained), argv[2], {.name_space = "from_pytorch"});
  if (!written) {
    std::fprintf(stderr, "%s\n", written.error().message.c_str());
    return EXIT_FAILURE;
  }
  std::printf("wrote %zu weights to %s\n", etch::tensor_floats<EmbeddedClassifier>, argv[2]);
  return EXIT_SUCCESS;
}
