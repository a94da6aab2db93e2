// SPDX-License-Identifier: BSL-1.0
#include <etch/etch.hpp>

int main() { return etch::Shape<2, 3>::size == 6 ? 0 : 1; }
