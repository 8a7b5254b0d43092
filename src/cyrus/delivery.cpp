#include "cyrus/delivery.hpp"

#include <utility>

namespace cyrus {

class Delivery::Impl {
 public:
  Impl(StoreConfig store_config, const base::Log& delivery_log) : config(std::move(store_config)), log(delivery_log) {}
  StoreConfig config;
  const base::Log& log;
};

Delivery::Delivery(StoreConfig config, const base::Log& log) : impl_(std::make_unique<Impl>(std::move(config), log)) {}
Delivery::~Delivery() = default;

base::Result<Recipient> Delivery::check_recipient(const DeliveryRequest& request, std::uint64_t) const {
  return base::fail(base::Errc::unsupported, "recipient " + request.user + ": delivery is not built yet");
}

base::Result<Delivered> Delivery::deliver(const StagedMessage&, const DeliveryRequest& request) const {
  return base::fail(base::Errc::unsupported, "recipient " + request.user + ": delivery is not built yet");
}

}  // namespace cyrus
