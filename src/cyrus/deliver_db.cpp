#include "cyrus/deliver_db.hpp"

#include "cyrus/patiently.hpp"
#include "cyrus/twoskip_lookup.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace cyrus {

std::string delivery_key(const DeliveryMark& mark) {
  std::string key;
  for (const std::string* part : {&mark.message_id, &mark.uniqueid, &mark.date}) {
    key += *part;
    key += '\0';
  }
  return key;
}

// Cyrus writes a time_t and a long as they are in memory.
std::string delivery_value(std::uint64_t time, std::uint32_t uid) {
  const std::array<std::uint64_t, 2> numbers{time, uid};
  std::string value(sizeof numbers, '\0');
  std::memcpy(value.data(), numbers.data(), sizeof numbers);
  return value;
}

/// A mark on its way. It lives on the stack of the thread that waits for it.
struct DeliverDb::Waiting {
  std::string key;
  std::string value;
  bool done = false;
  base::Result<void> result;
};

DeliverDb::DeliverDb(const StoreConfig& config)
    : kept_(config.duplicate_suppression && config.deliver_backend == "twoskip"), file_(config.deliver_db) {}

base::Result<bool> DeliverDb::has(const DeliveryMark& mark) const {
  const std::string key = delivery_key(mark);
  const std::shared_lock reading(gate_);
  return patiently([&]() -> base::Result<bool> {
    const auto value = find_in_twoskip(file_, key);
    if (!value) return tl::unexpected(value.error());
    return value->has_value();
  });
}

// Whoever comes while nobody writes does so for all that wait then, itself included. The others wait.
base::Result<void> DeliverDb::add(const DeliveryMark& mark, std::uint64_t time, std::uint32_t uid) {
  Waiting mine{delivery_key(mark), delivery_value(time, uid), false, {}};
  std::unique_lock lock(mutex_);
  queue_.push_back(&mine);
  while (!mine.done) {
    if (is_writing_) {
      changed_.wait(lock);
      continue;
    }
    is_writing_ = true;
    const std::vector<Waiting*> batch = std::exchange(queue_, {});
    lock.unlock();
    const auto result = write(batch);
    lock.lock();
    for (Waiting* one : batch) {
      one->result = result;
      one->done = true;
    }
    is_writing_ = false;
    changed_.notify_all();
  }
  return mine.result;
}

base::Result<void> DeliverDb::write(const std::vector<Waiting*>& batch) {
  const std::unique_lock writing(gate_);
  return patiently([&]() -> base::Result<void> {
    // Of a damaged file nothing is of worth but what is still to come.
    auto database = TwoskipWriter::open(file_, {.create = true, .damage = TwoskipDamage::rebuild});
    if (!database) return tl::unexpected(std::move(database.error()));
    for (const Waiting* one : batch) {
      if (auto stored = database->store(one->key, one->value); !stored) return stored;
    }
    return database->commit();
  });
}

}  // namespace cyrus
