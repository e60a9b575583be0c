// layer: query
// A filter typed by anybody: it is refused or it can be asked, and asks only what it says it reads.
#include "query/filter.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto filter = netrec::Filter::parse(text);
  if (!filter) {
    if (filter.error().message.empty()) std::abort();
    return 0;
  }
  netrec::Snapshot names;
  names.of<netrec::Text>().insert({1, "nginx"});
  names.of<netrec::Process>().insert({.id = 1, .pid = 812, .comm = 1, .exe = 1});
  netrec::Connection connection;
  netrec::Socket& socket = connection.socket;
  socket.family = netrec::Family::inet;
  socket.transport = netrec::Transport::tcp;
  socket.state = netrec::TcpState::established;
  socket.process = 1;
  socket.remote.low = 0xcb007101;
  socket.remote_port = 443;
  // Without the fields it does not read, it must answer the same.
  netrec::Socket sparse;
  const auto fields = netrec::fields_of<netrec::Socket>();
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (filter->fields().test(i)) fields[i].set(sparse, fields[i].get(socket));
  if (filter->matches(socket, names) != filter->matches(sparse, names)) std::abort();
  if (filter->matches(connection, names) != filter->matches(socket, names)) std::abort();
  netrec::Wanted wanted;
  filter->narrow(wanted);
  return 0;
}
