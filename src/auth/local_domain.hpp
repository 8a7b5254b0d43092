#pragma once

#include <string>
#include <string_view>

namespace auth {

/// What follows the first dot of a host's name: "example.test" for mail.example.test; empty without a dot.
std::string_view domain_of_host(std::string_view host);

/// The domain of the name that an own address resolves to, empty when the address has no name or the name no domain.
/// `virtdomains: on` adds it to login names without a domain.
///
/// Blocks: asks the resolver.
std::string domain_of_address(const std::string& ip);

}  // namespace auth
