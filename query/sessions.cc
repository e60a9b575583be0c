#include "query/sessions.h"

namespace netrec {

const RecordedSession* session_of(const std::vector<RecordedSession>& sessions,
                                  std::uint64_t sequence) {
  const RecordedSession* found = nullptr;
  for (const RecordedSession& session : sessions)
    if (session.first_sequence <= sequence) found = &session;
  return found;
}

bool same_boot(const std::vector<RecordedSession>& sessions, std::uint64_t one,
               std::uint64_t other) {
  const RecordedSession* first = session_of(sessions, one);
  const RecordedSession* second = session_of(sessions, other);
  if (first == second) return true;
  return first != nullptr && second != nullptr && first->boot == second->boot;
}

}  // namespace netrec
