#include "schema/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace netrec {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::invalid_argument:
      return "invalid_argument";
    case ErrorKind::permission:
      return "permission";
    case ErrorKind::busy:
      return "busy";
    case ErrorKind::full:
      return "full";
    case ErrorKind::io:
      return "io";
  }
  return "io";
}

namespace {

ErrorKind kind_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH:
      return ErrorKind::not_found;
    case EPERM:
    case EACCES:
      return ErrorKind::permission;
    case EBUSY:
    case EAGAIN:
      return ErrorKind::busy;
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::full;
    case EINVAL:
      return ErrorKind::invalid_argument;
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ENOSYS:
      return ErrorKind::unsupported;
    default:
      return ErrorKind::io;
  }
}

}  // namespace

Error system_error(int error_number, std::string_view what) {
  return {kind_of(error_number), fmt::format("{}: {}", what, std::strerror(error_number))};
}

void broken_invariant(std::string_view text, const char* file, int line) {
  fmt::print(stderr, "netrec: broken invariant: {} ({}:{}); please report this\n", text, file,
             line);
  std::abort();
}

}  // namespace netrec
