// VSOCK sockets (to the hypervisor or a guest) by VSOCK_DIAG (linux/vm_sockets_diag.h). Their ports
// have 32 bits: the whole of one is in `high` of the end's address, beside the CID in `low`, and
// its low 16 bits in the port.
#pragma once

#include <vector>

#include "recorder/sock_diag.h"

namespace netrec {

std::vector<std::byte> vsock_request();

/// One message of the answer; false if it is not one.
bool decode_vsock(Bytes payload, const DecodeContext& context, Socket& row);

}  // namespace netrec
