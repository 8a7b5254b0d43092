// A library for LD_PRELOAD: what a program says to syslog(3) goes to the file $SYSLOG_FILE instead, one line each,
// "IDENT LEVEL TEXT", so that tests can read the log of a machine without a syslog daemon. With $SYSLOG_FACILITY_SHOWN
// it is "IDENT FACILITY.LEVEL TEXT".

#include <syslog.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace {

std::string the_ident = "-";
int the_facility = LOG_USER;

std::string level_of(int priority) {
  const auto level = std::to_string(LOG_PRI(priority));
  if (std::getenv("SYSLOG_FACILITY_SHOWN") == nullptr) return level;
  return std::to_string(LOG_FAC(the_facility)) + '.' + level;
}

void append_line(int priority, const char* format, va_list arguments) {
  const char* path = std::getenv("SYSLOG_FILE");
  if (path == nullptr) return;
  std::array<char, 8192> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  const std::string line = the_ident + ' ' + level_of(priority) + ' ' + text.data() + '\n';
  // Opened for each line: the services change user and descriptors after the first one. One write keeps lines of
  // several processes whole.
  const int fd = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return;
  static_cast<void>(!::write(fd, line.data(), line.size()));
  ::close(fd);
}

}  // namespace

extern "C" {

void openlog(const char* ident, int option, int facility) {
  if (ident != nullptr) the_ident = ident;
  the_facility = facility;
  static const auto call = reinterpret_cast<void (*)(const char*, int, int)>(::dlsym(RTLD_NEXT, "openlog"));
  call(ident, option, facility);
}

void vsyslog(int priority, const char* format, va_list arguments) { append_line(priority, format, arguments); }

void syslog(int priority, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  append_line(priority, format, arguments);
  va_end(arguments);
}

// What syslog() becomes under _FORTIFY_SOURCE.
void __syslog_chk(int priority, int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  append_line(priority, format, arguments);
  va_end(arguments);
}

void __vsyslog_chk(int priority, int, const char* format, va_list arguments) {
  append_line(priority, format, arguments);
}

}  // extern "C"
