// The real SocketSource: sock_diag, rtnetlink and /proc/net of every network namespace this
// process may enter. One KernelSource is used by one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "recorder/source.h"

namespace netrec {

struct KernelSourceOptions {
  /// Read only namespaces with one of these names (under /run/netns), inodes in decimal, or "own";
  /// empty: all.
  std::vector<std::string> only;
  /// Ask the kernel to tell of each socket it lets go of.
  bool watch_ends = false;
};

class KernelSource final : public SocketSource {
 public:
  /// Finds and opens the namespaces for the first time, and raises the soft limit of open files to
  /// the hard one (a namespace costs a dozen). Errors: io, where there is no /proc.
  static Result<std::unique_ptr<KernelSource>> open(KernelSourceOptions options);
  ~KernelSource() override;

  Status find_namespaces() override;
  std::span<const NamespaceFacts> namespaces() const override;
  Result<DumpReport> dump(std::uint32_t inode, std::uint32_t id, SocketKind kind,
                          SocketSink& sink) override;
  Result<DumpReport> listeners(std::uint32_t inode, std::uint32_t id, Family family,
                               SocketSink& sink) override;
  Result<DumpReport> ask(std::uint32_t inode, std::uint32_t id,
                         std::span<const SocketQuestion> questions, SocketSink& sink) override;
  Result<DumpReport> ended(std::uint32_t inode, std::uint32_t id, SocketSink& sink) override;
  bool tells_ends() const override;
  int bell() const override;
  Result<DumpReport> interfaces(std::uint32_t inode, std::uint32_t id,
                                InterfaceSink& sink) override;
  Result<std::span<const CounterValue>> counters(std::uint32_t inode) override;

 private:
  struct State;
  explicit KernelSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace netrec
