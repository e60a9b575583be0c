#include "store/transition_book.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace netrec {
namespace {

using Transitions = std::vector<Transition>;

TcpState state(unsigned number) { return static_cast<TcpState>(number); }

TEST(TransitionBook, TellsWhatItWasTold) {
  TransitionBook book;
  EXPECT_TRUE(book.of(7).empty());
  const Transitions few{{.at_us = 1'700'000'000'000'000, .after_us = 0, .state = state(2)},
                        {.at_us = 1'700'000'000'000'900,
                         .after_us = 1'700'000'000'000'900,
                         .state = TcpState::established},
                        {.at_us = 1'700'000'060'000'000,
                         .after_us = 1'700'000'059'000'000,
                         .state = TcpState::time_wait}};
  book.set(7, few);
  EXPECT_EQ(book.of(7), few);
  EXPECT_TRUE(book.of(8).empty());
  book.forget(7);
  EXPECT_TRUE(book.of(7).empty());
}

TEST(TransitionBook, TellsOfSocketsThatWereThereWhatTheyWere) {
  TransitionBook book;
  Socket socket;
  for (const std::uint64_t cookie : {9, 3, 5}) {
    socket.cookie = cookie;
    socket.state = TcpState::listen;
    socket.state_since_us = 1000 * cookie;
    book.begin(socket);
  }
  book.begun();
  const Transition was{.at_us = 5000, .after_us = 0, .state = TcpState::listen};
  EXPECT_EQ(book.of(5), Transitions{was});
  const Transition next{.at_us = 6000, .after_us = 6000, .state = TcpState::close};
  book.add(5, std::span(&next, 1));
  EXPECT_EQ(book.of(5), (Transitions{was, next}));
  book.forget(9);
  EXPECT_TRUE(book.of(9).empty());
  EXPECT_TRUE(book.of(10).empty());
}

// Short ones lie in the table, longer ones elsewhere; times go back, states are none of the
// kernel's.
TEST(TransitionBook, TellsAnythingOfAnyLength) {
  std::mt19937_64 random(3);
  std::map<std::uint64_t, Transitions> told;
  TransitionBook book;
  const auto any = [&] {
    const std::uint64_t at_us =
        random() % 3 == 0 ? random() : 1'700'000'000'000'000 + random() % 99;
    const std::uint64_t after_us = random() % 3 == 0 ? 0 : random() % 2 == 0 ? at_us : random();
    return Transition{.at_us = at_us, .after_us = after_us, .state = state(random() % 256)};
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t socket = random() % 50;
    const auto what = random() % 10;
    Transitions some(random() % 4);
    for (Transition& one : some) one = any();
    if (what == 0) {
      book.forget(socket);
      told.erase(socket);
    } else if (what < 3) {
      book.set(socket, some);
      told[socket] = some;
    } else {
      book.add(socket, some);
      Transitions& known = told[socket];
      known.insert(known.end(), some.begin(), some.end());
    }
    ASSERT_EQ(book.of(socket), told.contains(socket) ? told[socket] : Transitions{}) << step;
  }
  for (const auto& [socket, transitions] : told) ASSERT_EQ(book.of(socket), transitions);
}

}  // namespace
}  // namespace netrec
