// Lets go of every privilege that recording does not need, once everything is open: a recorder runs
// for weeks and reads what hostile programs wrote.
//
// What stays, and why, is docs/decisions/0030-least-privilege.md; the list is
// needed_capabilities(). Capabilities belong to a thread, so this comes before the recorder's first
// thread of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/result.h"

namespace netrec {

struct PrivilegeNeeds {
  bool other_namespaces = true;  ///< enters other network namespaces
  bool events = true;            ///< reads the maps of eBPF programs
  std::string output;            ///< the file that is written, and may be written anew beside it
};

struct NeededCapability {
  int number;  ///< capabilities(7)
  std::string_view why;
};

/// Those that recording needs; the process may not have them all.
std::vector<NeededCapability> needed_capabilities(const PrivilegeNeeds& needs);

/// Keeps of the process's capabilities only those needed, for ever: bounding and ambient sets too,
/// no_new_privs, and a seccomp filter that refuses to start programs, to load code into the kernel
/// and to listen. Errors: permission, io.
Status drop_privileges(const PrivilegeNeeds& needs);

}  // namespace netrec
