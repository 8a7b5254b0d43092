#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace net {

/// The event loop. One per process, run by the main thread.
using Loop = boost::asio::io_context;

/// A coroutine on the loop. Parameters by value, or references that the caller's frame keeps alive.
template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace net
