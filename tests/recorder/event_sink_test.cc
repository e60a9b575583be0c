#include "recorder/event_sink.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace netrec {
namespace {

using namespace std::string_view_literals;

class Counting final : public EventSink {
 public:
  void on(const event_socket&) override { ++sockets; }
  void on(const event_transition&) override { ++transitions; }
  void on(const event_closed&) override { ++closed; }
  void on(const event_accepted&) override { ++accepted; }
  void on(const event_connect_failed&) override { ++failed; }
  void on(const event_time_wait&) override { ++waits; }
  void on(const event_process&) override { ++processes; }
  void on(const event_datagram_socket& event) override { datagrams.push_back(event); }
  void on(const event_dns&, std::span<const std::byte> message) override {
    messages.emplace_back(message.begin(), message.end());
  }
  void on(const event_exec&, const ExecStrings& strings) override {
    path = strings.path;
    command_line = strings.command_line;
  }
  void on(const event_unix&) override { ++unix_told; }
  void on(const event_unix_left&) override { ++unix_left; }
  int total() const {
    return unix_told + unix_left + sockets + transitions + closed + accepted + failed + waits +
           processes;
  }

  int unix_told = 0, unix_left = 0;
  int sockets = 0, transitions = 0, closed = 0, accepted = 0, failed = 0, waits = 0, processes = 0;
  std::string path;
  std::string command_line;
  std::vector<event_datagram_socket> datagrams;
  std::vector<std::vector<std::byte>> messages;
};

template <class Event>
std::vector<std::byte> bytes_of(const Event& event) {
  const auto* first = reinterpret_cast<const std::byte*>(&event);
  return {first, first + sizeof(event)};
}

std::vector<std::byte> exec_record(std::string_view names, std::string_view arguments) {
  event_exec event{};
  event.header.kind = EVENT_PROCESS_EXECUTED;
  event.path_bytes = static_cast<__u16>(names.size());
  event.arguments_bytes = static_cast<__u16>(arguments.size());
  std::vector<std::byte> record = bytes_of(event);
  for (const std::string_view part : {names, arguments})
    for (const char c : part) record.push_back(static_cast<std::byte>(c));
  return record;
}

template <class Event>
void expect_only_whole(std::uint32_t kind, int Counting::*counter) {
  Event event{};
  event_header header{};
  header.kind = kind;
  std::memcpy(&event, &header, sizeof(header));
  std::vector<std::byte> record = bytes_of(event);
  Counting sink;
  EXPECT_TRUE(decode_event(record, sink));
  EXPECT_EQ(sink.*counter, 1);
  for (std::size_t size = 0; size < record.size(); ++size)
    EXPECT_FALSE(decode_event(std::span(record).first(size), sink)) << size;
  record.push_back(std::byte{0});
  EXPECT_FALSE(decode_event(record, sink));
  EXPECT_EQ(sink.total(), 1);
}

TEST(EventDecoder, TakesEveryKindOnlyWhole) {
  expect_only_whole<event_socket>(EVENT_SOCKET_IDENTIFIED, &Counting::sockets);
  expect_only_whole<event_transition>(EVENT_SOCKET_CHANGED, &Counting::transitions);
  expect_only_whole<event_closed>(EVENT_SOCKET_CLOSED, &Counting::closed);
  expect_only_whole<event_accepted>(EVENT_SOCKET_ACCEPTED, &Counting::accepted);
  expect_only_whole<event_connect_failed>(EVENT_CONNECT_FAILED, &Counting::failed);
  for (const std::uint32_t kind :
       {EVENT_UNIX_CONNECTED, EVENT_UNIX_ACCEPTED, EVENT_UNIX_LISTENING, EVENT_UNIX_FAILED})
    expect_only_whole<event_unix>(kind, &Counting::unix_told);
  expect_only_whole<event_unix_left>(EVENT_UNIX_LEFT, &Counting::unix_left);
  expect_only_whole<event_time_wait>(EVENT_TIME_WAIT, &Counting::waits);
  expect_only_whole<event_time_wait>(EVENT_TIME_WAIT_ENDED, &Counting::waits);
  expect_only_whole<event_process>(EVENT_PROCESS_FORKED, &Counting::processes);
  expect_only_whole<event_process>(EVENT_PROCESS_EXITED, &Counting::processes);
}

TEST(EventDecoder, PutsAPathTogetherFromItsNames) {
  EXPECT_EQ(path_of_names("curl\0bin\0usr\0"sv), "/usr/bin/curl");
  EXPECT_EQ(path_of_names("curl\0bin"sv), "/bin/curl");
  EXPECT_EQ(path_of_names(""), "");
}

TEST(EventDecoder, SeparatesPathAndArguments) {
  Counting sink;
  ASSERT_TRUE(decode_event(exec_record("curl\0bin\0"sv, "curl\0-s\0x\0"sv), sink));
  EXPECT_EQ(sink.path, "/bin/curl");
  EXPECT_EQ(sink.command_line, "curl\0-s\0x"sv);
}

TEST(EventDecoder, RefusesStringsThatDoNotFillTheRecord) {
  const std::vector<std::byte> record = exec_record("curl\0bin\0"sv, "curl\0-s\0x\0"sv);
  Counting sink;
  for (std::size_t size = 0; size < record.size(); ++size)
    EXPECT_FALSE(decode_event(std::span(record).first(size), sink)) << size;
}

TEST(EventDecoder, RefusesKindsItDoesNotKnow) {
  event_process event{};
  Counting sink;
  for (const __u32 kind : {__u32{EVENT_NONE}, __u32{EVENT_KINDS}, ~__u32{0}}) {
    event.header.kind = kind;
    EXPECT_FALSE(decode_event(bytes_of(event), sink));
  }
}

}  // namespace
}  // namespace netrec
