#include "store/chunk.h"

#include <gtest/gtest.h>

#include "store/checksum.h"
#include "store/chunk_layout.h"
#include "tests/store/random_history.h"

namespace netrec {
namespace {

EncodedChunk encoded(const ChunkInput& input) {
  auto chunk = encode_chunk(input);
  EXPECT_TRUE(chunk) << (chunk ? "" : chunk.error().message);
  return chunk ? *chunk : EncodedChunk{};
}

TEST(Chunk, IsTestedWithHistoriesThatHaveEverything) {
  RandomHistory history(1);
  const RandomRun run(history, 30);
  const EncodedChunk chunk = encoded(run.input());
  const auto reader = ChunkReader::open(chunk.header, chunk.body);
  ASSERT_TRUE(reader) << reader.error().message;
  for_each_kind([&]<class T>() {
    const KindCounts& counts = reader->header().of(EntityTraits<T>::kind);
    EXPECT_GT(counts.ended, 0u) << EntityTraits<T>::name;
    EXPECT_GT(counts.begun, 0u) << EntityTraits<T>::name;
    EXPECT_EQ(counts.updates > 0, (!std::is_same_v<T, Text>)) << EntityTraits<T>::name;
  });
  EXPECT_GT(reader->header().of(EntityKind::socket).ended, 50u);
}

TEST(Chunk, RebuildsTheFramesItWasSealedFrom) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    RandomHistory history(seed);
    for (std::size_t before = seed % 7; before > 0; --before) history.next();
    const RandomRun run(history, 1 + seed % 13);
    const EncodedChunk chunk = encoded(run.input());
    const auto reader = ChunkReader::open(chunk.header, chunk.body);
    ASSERT_TRUE(reader) << reader.error().message;
    const auto frames = reader->frames();
    ASSERT_TRUE(frames) << frames.error().message;
    ASSERT_EQ(frames->size(), run.frames.size());
    for (std::size_t i = 0; i < frames->size(); ++i) {
      ASSERT_EQ((*frames)[i].sequence, run.frames[i].sequence) << "seed " << seed;
      ASSERT_TRUE((*frames)[i] == run.frames[i]) << "seed " << seed << " frame " << i;
    }
  }
}

}  // namespace
}  // namespace netrec
