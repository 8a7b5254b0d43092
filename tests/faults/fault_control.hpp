#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// What a test and the library that it preloads (fault_shim.cpp) share: which system call is to go wrong, and how many
/// of each kind there were. Plain data in memory that both have mapped; one process is watched at a time, with the
/// children that it waits for.
namespace faults {

/// Kinds of system calls on files below Control::root, counted separately.
enum class Kind : std::uint32_t {
  open,
  read,
  write,
  sync,
  rename,
  lock,  ///< taking one; giving one back cannot fail
  truncate,
  stat,
  close,
  mkdir,
  unlink,
  link,
  send,  ///< a datagram to a socket below the root
};
inline constexpr std::size_t kKinds = 13;
inline constexpr std::array<std::string_view, kKinds> kKindNames{
    "open", "read", "write", "sync", "rename", "lock", "truncate", "stat", "close", "mkdir", "unlink", "link", "send"};

enum class Action : std::uint32_t {
  fail,             ///< call `nth` fails with `errnum`
  fail_from,        ///< call `nth` and all later ones do: a disk that is and stays full
  halve,            ///< call `nth` reads or writes half of what it was asked for
  halve_then_fail,  ///< and the call after it fails with `errnum`
  kill,             ///< the process that makes call `nth` is killed in its place
  kill_parent,      ///< Control::process is killed there; a child of it that makes the call goes on
  lie,              ///< a pwrite() or sync that claims to be done and is not: to see whether a test would notice
};

/// A file that was written to since the counting began.
struct Written {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t unsynced = 0;  ///< writes since the last successful fsync() or fdatasync()
};

/// Zeroed memory is a valid, idle Control. The test writes the plan while `armed` is 0.
struct Control {
  std::atomic<std::uint32_t> armed;  ///< counting, and going wrong, only while it is 1
  Kind kind;
  Action action;
  std::int32_t errnum;
  std::uint64_t nth;  ///< from 1; 0: nothing goes wrong, calls are only counted
  std::array<char, 512> root;
  std::int32_t process;  ///< whom kill_parent kills

  std::atomic<std::uint64_t> fired;  ///< how many calls went wrong
  std::array<std::atomic<std::uint64_t>, kKinds> seen;
  std::atomic<bool> fired_apart;  ///< the first of them was made by another process than `process`
  std::array<char, 512> where;    ///< the file of the first call that went wrong
  std::array<Written, 64> written;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Where the preloaded library finds its Control: the environment names a file of at least sizeof(Control) bytes.
inline constexpr const char* kControlVariable = "FAULT_CONTROL";

}  // namespace faults

/// The same for a program that is linked with the library instead: makes it use `control` from now on.
extern "C" void fault_shim_use(faults::Control* control);
