// Keeps in each socket's row which program holds it: joins what Owners finds (inode: descriptors)
// with the program runs of Processes.
//
// An owner once known stays: a TIME_WAIT or an orphan shows who it was. Where several processes
// hold a socket, the one shown stays as long as it is among them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "recorder/ledger.h"
#include "recorder/owners.h"
#include "recorder/processes.h"
#include "recorder/sockets.h"

namespace netrec {

class Attribution {
 public:
  Attribution(Ledger& ledger, Sockets& sockets, Processes& processes);

  /// Brings the owners up to date. REQUIRES: the dumps or events of this tick were folded.
  OwnersReport update();

  Owners& owners() { return owners_; }

 private:
  void assign(std::uint32_t inode);
  void follow_program_changes();
  std::string sharers_text(std::span<const Holder> holders);

  Ledger& ledger_;
  Sockets& sockets_;
  Processes& processes_;
  Owners owners_;
};

}  // namespace netrec
