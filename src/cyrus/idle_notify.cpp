#include "cyrus/idle_notify.hpp"

#include "base/unique_fd.hpp"

#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace cyrus {

std::string idle_message(const MailboxName& name) {
  constexpr unsigned long kNotify = 2;
  std::string message(sizeof kNotify, '\0');
  std::memcpy(message.data(), &kNotify, sizeof kNotify);
  message += name.intname();
  message += '\0';
  return message;
}

void notify_idle(const StoreConfig& config, const MailboxName& name) noexcept {
  sockaddr_un address = {};
  const std::string& path = config.idle_socket.native();
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return;
  const std::string message = idle_message(name);
  // Whether anybody hears it makes no difference: see the header.
  static_cast<void>(::sendto(socket.value(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

}  // namespace cyrus
