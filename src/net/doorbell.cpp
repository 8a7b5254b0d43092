#include "net/doorbell.hpp"

#include "net/thread.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace net {
namespace {

// The kernel tells one process of a connection. If that one dies before it accepts, nobody would know: so each looks
// for itself once a second.
constexpr int kLookMilliseconds = 1000;

base::UniqueFd or_throw(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::system_category(), what);
  return base::UniqueFd(fd);
}

void watch(int epoll, int fd, std::uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::system_category(), "epoll_ctl");
  }
}

bool is_readable(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

Doorbell::Doorbell(int listening, std::function<void()> ring)
    : listening_(listening),
      ring_(std::move(ring)),
      epoll_(or_throw(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      event_(or_throw(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  watch(epoll_.value(), listening_, EPOLLIN | EPOLLEXCLUSIVE);
  watch(epoll_.value(), event_.value(), EPOLLIN);
  thread_ = start_thread("doorbell", [this] { serve(); });
}

Doorbell::~Doorbell() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  wake();
  thread_.join();
}

void Doorbell::arm() {
  {
    const std::lock_guard lock(mutex_);
    armed_ = true;
  }
  changed_.notify_one();
}

bool Doorbell::disarm() {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(armed_, false)) return false;
  }
  wake();
  return true;
}

void Doorbell::wake() {
  const std::uint64_t one = 1;
  // It can only fail by being full, and then the thread is woken anyway.
  static_cast<void>(::write(event_.value(), &one, sizeof(one)) == sizeof(one));
}

void Doorbell::serve() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return armed_ || stopping_; });
      if (stopping_) return;
    }
    const bool connection = wait_for_connection();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (!connection || !armed_) continue;
      armed_ = false;
    }
    ring_();
  }
}

bool Doorbell::wait_for_connection() {
  std::array<epoll_event, 2> events = {};
  const int count = ::epoll_wait(epoll_.value(), events.data(), static_cast<int>(events.size()), kLookMilliseconds);
  if (count <= 0) return is_readable(listening_);
  bool connection = false;
  for (int i = 0; i < count; ++i) {
    if (events[static_cast<std::size_t>(i)].data.fd == listening_) {
      connection = true;
      continue;
    }
    std::uint64_t taken = 0;
    static_cast<void>(::read(event_.value(), &taken, sizeof(taken)) == sizeof(taken));  // never blocks; no news in it
  }
  return connection;
}

}  // namespace net
