// Whether the eBPF programs tell the truth on this kernel: the recorder makes a connection of its
// own over loopback and starts a process, and what comes back must be what was done. A program that
// loads and then says nothing, or nonsense, is worse than none.
#pragma once

#include <string>
#include <vector>

#include "recorder/event_source.h"

namespace netrec {

struct ProbeFailure {
  std::string probe;
  std::string why;
};

/// Which of the probes that were attached do not work. Errors: io (nothing could be tried: no
/// loopback).
Result<std::vector<ProbeFailure>> try_probes(EventSource& source);

}  // namespace netrec
