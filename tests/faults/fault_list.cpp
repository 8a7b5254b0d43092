#include "faults/fault_list.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace faults {

std::vector<Fault> all_faults() {
  std::vector<Fault> faults;
  const auto add = [&](Kind kind, std::initializer_list<int> errors) {
    for (const int error : errors) faults.push_back({kind, Action::fail, error, ::strerrorname_np(error)});
  };
  add(Kind::open, {EMFILE, EIO, EINTR});
  add(Kind::read, {EIO, EINTR});
  add(Kind::write, {ENOSPC, EDQUOT, EIO, EINTR});
  add(Kind::sync, {ENOSPC, EDQUOT, EIO, EINTR});
  add(Kind::rename, {ENOSPC, EDQUOT, EIO});
  add(Kind::lock, {EINTR, EIO});
  add(Kind::truncate, {ENOSPC, EIO, EINTR});
  add(Kind::stat, {EIO});
  add(Kind::close, {EIO, EINTR});
  add(Kind::mkdir, {ENOSPC, EDQUOT, EIO});
  add(Kind::unlink, {EIO});
  add(Kind::link, {ENOSPC, EDQUOT, EIO, EMFILE});
  add(Kind::send, {EIO});
  faults.push_back({Kind::open, Action::fail_from, EMFILE, "EMFILE from then on"});
  faults.push_back({Kind::read, Action::halve, 0, "half"});
  faults.push_back({Kind::read, Action::fail_from, EIO, "EIO from then on"});
  faults.push_back({Kind::write, Action::halve, 0, "half"});
  faults.push_back({Kind::write, Action::halve_then_fail, ENOSPC, "half, then ENOSPC"});
  faults.push_back({Kind::write, Action::fail_from, ENOSPC, "ENOSPC from then on"});
  faults.push_back({Kind::sync, Action::fail_from, EIO, "EIO from then on"});
  for (std::uint32_t kind = 0; kind < faults::kKinds; ++kind) {
    faults.push_back({static_cast<Kind>(kind), Action::kill, 0, "killed"});
    faults.push_back({static_cast<Kind>(kind), Action::kill_parent, 0, "parent killed"});
  }
  std::ranges::stable_sort(faults, {}, &Fault::kind);
  return faults;
}

}  // namespace faults
