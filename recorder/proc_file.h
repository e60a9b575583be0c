// A file of /proc that is read every tick: kept open, which spares the kernel finding it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace netrec {

/// An open file of /proc, read whole from its beginning each time.
class ProcFile {
 public:
  explicit ProcFile(const char* path);
  ProcFile(ProcFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  ProcFile& operator=(ProcFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~ProcFile();

  bool is_open() const { return descriptor_ >= 0; }
  /// What it holds now, in `buffer`; "" if it is not open or cannot be read.
  std::string_view read(std::string& buffer) const;

 private:
  int descriptor_ = -1;
};

}  // namespace netrec
