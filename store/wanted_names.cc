#include "store/wanted_names.h"

namespace netrec {

Status WantedNames::read(const ChunkReader& chunk) {
  NETREC_TRY(restated, chunk.restated_names());
  const bool are_all = !chunk.has_new_names();
  if (are_all && !restated.empty() && restated == restated_) return {};
  NETREC_TRY(names, chunk.names());
  names_ = std::make_shared<const Snapshot>(std::move(names));
  restated_ = are_all ? std::move(restated) : std::string();
  processes_.reset();
  return {};
}

const Column& WantedNames::processes() {
  if (!processes_) processes_ = filter_.wanted_processes(*names_);
  return *processes_;
}

}  // namespace netrec
