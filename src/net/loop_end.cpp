// Asio shuts its services down in reverse order of their creation, the scheduler last: what a `stop` posts here is
// still taken and destroyed by the loop, which is how suspended coroutines unwind.
#include "net/loop_end.hpp"

#include <boost/asio/execution_context.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace net {

class LoopEndService : public boost::asio::execution_context::service {
 public:
  // Asio finds a service of its own kind by the address of this object.
  using key_type = LoopEndService;
  static inline boost::asio::execution_context::id id;

  explicit LoopEndService(boost::asio::execution_context& context) : service(context) {}

  void add(LoopEnd* entry) { entries_.push_back(entry); }
  void remove(LoopEnd* entry) { std::erase(entries_, entry); }

 private:
  void shutdown() noexcept override {
    // One by one: a `stop` may destroy other entries.
    while (!entries_.empty()) {
      LoopEnd* entry = entries_.back();
      entries_.pop_back();
      entry->service_ = nullptr;
      const auto stop = std::move(entry->stop_);
      stop();
    }
  }

  std::vector<LoopEnd*> entries_;
};

LoopEnd::LoopEnd(Loop& loop, std::function<void()> stop)
    : service_(&boost::asio::use_service<LoopEndService>(loop)), stop_(std::move(stop)) {
  service_->add(this);
}

LoopEnd::~LoopEnd() {
  if (service_ != nullptr) service_->remove(this);
}

}  // namespace net
