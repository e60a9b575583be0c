#include "store/compression.h"

// For ZSTD_c_literalCompressionMode, which has its number since zstd 1.4.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include <memory>

namespace netrec {

namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// A context costs more to make than a small frame to compress: one a thread. It keeps the memory of
// the largest it compressed, so what is large has its own.
constexpr std::size_t kLarge = 256 * 1024;

struct Compressor {
  std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};

  std::size_t run(std::string_view bytes, std::string& frame, int level) {
    NETREC_CHECK(context != nullptr, "no memory for a zstd context");
    return ZSTD_compressCCtx(context.get(), frame.data(), frame.size(), bytes.data(), bytes.size(),
                             level);
  }
};

std::size_t compress_into(std::string& frame, std::string_view bytes, int level) {
  if (bytes.size() > kLarge) return Compressor().run(bytes, frame, level);
  thread_local Compressor kept;
  return kept.run(bytes, frame, level);
}

// No matches are looked for, but for what one look in so many bytes finds; what is left are
// literals.
constexpr int kNoMatches = -100'000;

ZSTD_CCtx* frequency_compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context = [] {
    std::unique_ptr<ZSTD_CCtx, FreeContext> made(ZSTD_createCCtx());
    NETREC_CHECK(made != nullptr, "no memory for a zstd context");
    // A zstd without one of these makes it longer, and whoever compares takes compress().
    ZSTD_CCtx_setParameter(made.get(), ZSTD_c_compressionLevel, kNoMatches);
    ZSTD_CCtx_setParameter(made.get(), ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
    return made;
  }();
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  NETREC_CHECK(context != nullptr, "no memory for a zstd context");
  return context.get();
}

}  // namespace

std::string compress(std::string_view bytes, int level) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = compress_into(frame, bytes, level);
  NETREC_CHECK(!ZSTD_isError(size), ZSTD_getErrorName(size));
  frame.resize(size);
  return frame;
}

std::string compress_by_frequency(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress2(frequency_compressor(), frame.data(), frame.size(),
                                          bytes.data(), bytes.size());
  NETREC_CHECK(!ZSTD_isError(size), ZSTD_getErrorName(size));
  frame.resize(size);
  return frame;
}

Result<std::string> decompress(std::string_view frame, std::size_t most_bytes) {
  const unsigned long long told = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (told == ZSTD_CONTENTSIZE_ERROR || told == ZSTD_CONTENTSIZE_UNKNOWN)
    return failure(ErrorKind::corrupt, "not a compressed block");
  if (told > most_bytes)
    return failure(ErrorKind::corrupt, "a compressed block says it holds {} bytes, {} are allowed",
                   told, most_bytes);
  std::string bytes(static_cast<std::size_t>(told), '\0');
  const std::size_t size =
      ZSTD_decompressDCtx(decompressor(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size))
    return failure(ErrorKind::corrupt, "decompress: {}", ZSTD_getErrorName(size));
  if (size != told) return failure(ErrorKind::corrupt, "a compressed block is shorter than told");
  return bytes;
}

}  // namespace netrec
