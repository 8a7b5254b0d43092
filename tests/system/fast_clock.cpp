// A library for LD_PRELOAD: the steady clock runs $FAST_CLOCK times as fast, and timers end that much sooner. It stands
// for long waits that no option can shorten.

#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <sys/timerfd.h>

namespace {

constexpr long long kSecond = 1'000'000'000;

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int real_time(clockid_t clock, timespec* time) {
  static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  return real(clock, time);
}

long long factor() {
  static const char* const text = std::getenv("FAST_CLOCK");
  static const long long value = text != nullptr ? std::atoll(text) : 1;
  return value > 0 ? value : 1;
}

long long nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

timespec time_of(long long nanoseconds) {
  return {static_cast<time_t>(nanoseconds / kSecond), static_cast<long>(nanoseconds % kSecond)};
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_MONOTONIC) return real_time(clock, time);
  static const long long begin = [] {
    timespec first = {};
    real_time(CLOCK_MONOTONIC, &first);
    return nanoseconds(first);
  }();
  const int code = real_time(clock, time);
  if (code == 0) *time = time_of(begin + (nanoseconds(*time) - begin) * factor());
  return code;
}

extern "C" int timerfd_settime(int fd, int flags, const itimerspec* wanted, itimerspec* old) noexcept {
  static const auto real = next<int (*)(int, int, const itimerspec*, itimerspec*)>("timerfd_settime");
  if ((flags & TFD_TIMER_ABSTIME) != 0 || nanoseconds(wanted->it_value) == 0) return real(fd, flags, wanted, old);
  const itimerspec sooner{wanted->it_interval, time_of(nanoseconds(wanted->it_value) / factor() + 1)};
  return real(fd, flags, &sooner, old);
}
