#pragma once

#include <functional>
#include <string>
#include <thread>

namespace net {

/// Starts a thread that takes no asynchronous signals (those belong to the loop's thread) and carries `name` (its first
/// 15 bytes) in ps and gdb. Throws std::system_error when the system has no thread to give.
std::thread start_thread(const std::string& name, std::function<void()> body);

}  // namespace net
