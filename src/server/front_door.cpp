#include "server/front_door.hpp"

#include "server/refuse.hpp"

#include <exception>
#include <utility>

namespace server {
namespace {

/// Older ones are broken: what went through them counts as clear text.
bool is_good_version(std::string_view version) { return version == "TLSv1.2" || version == "TLSv1.3"; }

std::string in_hex(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char octet : octets) {
    out += kDigits[static_cast<unsigned char>(octet) >> 4];
    out += kDigits[static_cast<unsigned char>(octet) & 15];
  }
  return out;
}

}  // namespace

FrontDoor::FrontDoor(const Process& process, std::shared_ptr<const Service> service, net::Accepted client,
                     std::string id)
    : process_(process), service_(std::move(service)), arrival_(std::move(client)), id_(std::move(id)) {}

net::Task<void> FrontDoor::serve() {
  try {
    const bool admitted = co_await admit();
    if (!admitted || cancelled_) co_return;
    session_ = service_->begin(process_, std::move(arrival_), id_);
  } catch (const std::exception& error) {
    process_.log.error("session <" + id_ + "> failed: " + error.what());
    co_return;
  }
  co_await session_->serve();
}

void FrontDoor::cancel() {
  cancelled_ = true;
  if (reader_) reader_->cancel();
  if (session_) session_->cancel();
}

void FrontDoor::shut_down() {
  if (session_) session_->shut_down();
}

net::Task<bool> FrontDoor::admit() {
  net::keep_alive(arrival_.socket.value(), service_->door.keep_alive);
  if (service_->door.proxy_header) {
    const bool told = co_await read_proxy_header();
    if (!told) co_return false;
  }
  const DoorSettings& door = service_->door;
  const bool allowed =
      co_await process_.host_access.allows(door.service, arrival_.peer, arrival_.local, arrival_.socket.value());
  if (!allowed) {
    process_.log.error("refused connection from " + arrival_.peer.ip);
    co_return false;
  }
  auto address = net::IpAddress::parse(arrival_.peer.ip);
  if (address && door.exempt.contains(*address)) address.reset();
  const auto household = address ? std::optional(address->household()) : std::nullopt;
  const auto refusal = process_.crowd.look(household, door.strangers);
  if (refusal != Crowd::Refusal::none) {
    // A flood must not fill the log as well.
    if (refusal == Crowd::Refusal::household) {
      process_.log.warning("refused connection from " + arrival_.peer.ip + ": " +
                           std::to_string(door.strangers.per_household) + " of its address have not logged in");
    } else if (refusal == Crowd::Refusal::in_all) {
      process_.log.warning("refused connection from " + arrival_.peer.ip + ": " +
                           std::to_string(door.strangers.in_all) + " connections have not logged in");
    }
    co_return co_await turn_away(service_->no_room);
  }
  arrival_.guard = std::make_unique<LoginGuard>(process_, door, address, process_.crowd.enter(household));
  co_return true;
}

net::Task<bool> FrontDoor::turn_away(std::string reply) {
  co_await refuse(process_.loop, std::move(arrival_.socket), std::move(reply));
  co_return false;
}

// Whoever could send a header could be anybody, in the log and for every limit.
net::Task<bool> FrontDoor::read_proxy_header() {
  const DoorSettings& door = service_->door;
  const std::string sender = arrival_.peer.ip.empty() ? "[unix socket]" : "[" + arrival_.peer.ip + "]";
  const auto address = net::IpAddress::parse(arrival_.peer.ip);
  if (!arrival_.peer.ip.empty() && (!address || !door.proxies.contains(*address))) {
    process_.log.error("refused connection from " + sender + ": not in proxy_protocol_networks");
    co_return co_await turn_away(service_->no_proxy_header);
  }
  reader_ = std::make_unique<net::HeaderReader>(process_.loop, std::move(arrival_.socket));
  const auto header = co_await reader_->read(arrival_.at + door.proxy_timeout);
  arrival_.socket = reader_->take_socket();
  reader_.reset();
  if (!header) {
    // A port scan and a proxy's plain check of the port say nothing and hang up.
    const bool has_gone = header.error().code == base::Errc::closed;
    process_.log.write(has_gone ? base::Severity::info : base::Severity::error,
                       "PROXY header from " + sender + ": " + header.error().text);
    if (has_gone) co_return false;
    co_return co_await turn_away(service_->no_proxy_header);
  }
  believe(*header);
  co_return true;
}

void FrontDoor::believe(const net::ProxyHeader& header) {
  std::string line = "PROXY header from " + (arrival_.peer.ip.empty() ? "[unix socket]" : "[" + arrival_.peer.ip + "]");
  if (header.has_addresses()) {
    arrival_.peer = header.source;
    arrival_.local = header.destination;
    arrival_.proxied = true;
    line += ": client [" + header.source.ip + "] port " + std::to_string(header.source.port);
  } else {
    line += ": the connection is its own";
  }
  if (header.tls && header.tls->active) {
    arrival_.tls_ends_at_proxy = true;
    arrival_.counts_as_tls = service_->door.proxy_tls_counts && is_good_version(header.tls->version);
    line += ", " + header.tls->version;
    if (!header.tls->cipher.empty()) line += " with cipher " + header.tls->cipher;
    if (header.tls->verified) line += ", certificate of \"" + header.tls->common_name + "\"";
  }
  if (!header.authority.empty()) line += ", name " + header.authority;
  if (!header.application.empty()) line += ", protocol " + header.application;
  if (!header.unique_id.empty()) line += ", id " + in_hex(header.unique_id);
  process_.log.info(line + " SESSIONID=<" + id_ + ">");
}

}  // namespace server
