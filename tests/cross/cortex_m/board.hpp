// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the board runs; it then stops with the result.
int program();

namespace board {

/// Text on the debugger's console.
void write(const char* text);

/// The end of the program: the debugger's, or under qemu the host's, exit code.
[[noreturn]] void stop(int code);

}  // namespace board
