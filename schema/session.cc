#include "schema/session.h"

namespace netrec {

std::span<const Field<Session>> EntityTraits<Session>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Session, member, name, kind, about)
  static constexpr Field<Session> kFields[] = {
      F(id, "id", identity, "Counts up in a file"),
      F(started_us, "started_us", instant_us, "Wall clock at its start"),
      F(started_boot_us, "started_boot_us", number, "CLOCK_BOOTTIME at its start"),
      F(interval_us, "interval_us", number, "Time between ticks"),
      F(mode, "mode", code, "1 polling, 2 events"),
      F(capabilities, "capabilities", code,
        "The recorder's effective capabilities (capabilities(7))"),
      F(host, "host", text, "Host name"),
      F(boot_id, "boot_id", text, "Identifies the boot"),
      F(machine_id, "machine_id", text, "Identifies the installation"),
      F(kernel, "kernel", text, "Kernel release and machine"),
      F(version, "version", text, "netrec's version"),
      F(arguments, "arguments", text, "The recorder's command line"),
      F(time_zone, "time_zone", text, "The host's time zone"),
      F(limits, "limits", text, "What the recorder could not see"),
      F(pid, "pid", identity, "The recorder's process id"),
      F(uid, "uid", identity, "The recorder's user"),
  };
#undef F
  return kFields;
}

std::span<const Field<User>> EntityTraits<User>::fields() {
  static constexpr Field<User> kFields[] = {
      NETREC_FIELD(User, uid, "uid", identity, "User id"),
      NETREC_FIELD(User, name, "name", text, "Its name in the recorded host's /etc/passwd"),
  };
  return kFields;
}

}  // namespace netrec
