// The netrec program: options, the command they name, its errors and its exit code.
#pragma once

namespace netrec {

/// Returns the exit code (query/command.h).
int run_program(int argc, char** argv);

}  // namespace netrec
