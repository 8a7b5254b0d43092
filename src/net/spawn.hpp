#pragma once

#include "net/task.hpp"

namespace net {

/// Starts a coroutine that nobody waits for. What it refers to must outlive it: give it everything by value, or objects
/// that live as long as the loop runs. An exception that leaves it ends Loop::run with that exception.
void spawn(Loop& loop, Task<void> task);

}  // namespace net
