#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace base {

/// How work that ran apart ended.
struct Apart {
  /// The child was killed or crashed: nobody knows how far it came. The caller knows what was before, and takes it
  /// back.
  bool lost = false;
  /// What the work returned. When lost: io, with a text that says how the child ended.
  Result<std::string> result;
};

/// Texts that cross from the child, errors and success alike, are cut at so many octets.
inline constexpr std::size_t kMaxApartText = 4000;

/// Carries out `work` in a child process and waits for it, so that a kill or crash of this process cannot fall between
/// two of its system calls: the child goes on to the end, alone, and so a change that takes several writes is made as a
/// whole. For the short part that writes what is prepared, not for preparing it.
///
/// Rules for `work`, which sees a copy of this memory and the same descriptors:
/// - it changes files; what it changes in memory is gone with the child, but for the text that it returns;
/// - it must not release locks that the caller holds: they belong to both, and stay held until both are gone;
/// - it must not log, nor wait for another thread (there is none; its locks may be held for ever). malloc is fine;
/// - signals are blocked in it, and nothing is destroyed behind it.
///
/// Every descriptor of this process stays open as long as the child lives, sockets and other threads' locks included:
/// keep it to milliseconds. Where no child can be made (out of processes or memory), `work` runs here: the change is
/// then as safe as it ever was without.
///
/// `what` begins the text of a loss. Blocks until `work` is done: worker pool only. Safe to call from several threads.
/// Nobody else may wait for children of this process that it does not know.
Apart run_apart(std::string_view what, const std::function<Result<std::string>()>& work);

}  // namespace base
