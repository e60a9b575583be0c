// The recorder as a program: waits for ticks and signals, tells how it goes, and ends properly.
#pragma once

#include "recorder/options.h"

namespace netrec {

/// Records as `options` say, until told to stop. Returns the exit code: 0 recorded, 3 could not.
int record(const RecordOptions& options);

/// Asks the recorder that writes options.output for a new file. Returns the exit code.
int request_rotation(const RecordOptions& options);

}  // namespace netrec
