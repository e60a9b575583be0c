// One accept(2) through io_uring, for the trial of the probe that watches them. By the system calls
// themselves: the privileged program is not to need a library for four of its lines.
#pragma once

namespace netrec {

/// Accepts a connection that waits at `listener`. -1: io_uring is not to be had (it may be
/// forbidden), or said no.
int accept_through_ring(int listener);

}  // namespace netrec
