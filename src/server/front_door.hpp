#pragma once

#include "net/header_reader.hpp"
#include "server/service.hpp"

#include <memory>
#include <string>

namespace server {

/// A session with the door in front of it: the client's session begins when the client has been let in. What is looked
/// at is the same for every protocol.
///
/// With -H the PROXY header comes first, before TLS, from a trusted proxy only, and within a time limit; from then on
/// the client is the one that the header names. Then hosts.allow and hosts.deny are asked,
/// and how many there are already who have not logged in.
class FrontDoor final : public Session {
 public:
  /// `process` outlives it. `id` is for the log.
  FrontDoor(const Process& process, std::shared_ptr<const Service> service, net::Accepted client, std::string id);

  net::Task<void> serve() override;
  void cancel() override;
  void shut_down() override;

 private:
  net::Task<bool> admit();
  net::Task<bool> read_proxy_header();
  void believe(const net::ProxyHeader& header);
  net::Task<bool> turn_away(std::string reply);

  const Process& process_;
  std::shared_ptr<const Service> service_;
  Arrival arrival_;
  std::string id_;
  std::unique_ptr<net::HeaderReader> reader_;  // while a header is read
  std::unique_ptr<Session> session_;           // from when the client is in
  bool cancelled_ = false;
};

}  // namespace server
