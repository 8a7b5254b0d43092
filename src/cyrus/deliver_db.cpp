#include "cyrus/deliver_db.hpp"

#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "cyrus/twoskip_writer.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

namespace cyrus {
namespace {

using base::Errc;

// Writers hold the lock for one transaction.
constexpr int kAttempts = 25;
constexpr std::chrono::milliseconds kPause{2};

template <class T>
base::Result<T> patiently(const std::function<base::Result<T>()>& call) {
  for (int attempt = 1;; ++attempt) {
    auto result = call();
    if (result || result.error().code != Errc::busy || attempt == kAttempts) return result;
    std::this_thread::sleep_for(kPause);
  }
}

base::Result<bool> has_key(const StoreConfig& config, const std::string& key) {
  const auto file = TwoskipFile::open(config.deliver_db, base::LockMode::shared);
  if (!file) {
    if (file.error().code == Errc::not_found) return false;
    return tl::unexpected(file.error());
  }
  const auto kind = database_kind(file->reader());
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == DatabaseKind::empty) return false;
  if (*kind != DatabaseKind::twoskip) return base::fail(Errc::unsupported, file->what() + ": not a twoskip database");
  const auto reader = TwoskipReader::open(file->reader(), file->size(), file->what());
  if (!reader) return tl::unexpected(reader.error());
  const auto value = reader->find(key);
  if (value) return true;
  if (value.error().code == Errc::not_found) return false;
  return tl::unexpected(value.error());
}

}  // namespace

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

bool suppresses_duplicates(const StoreConfig& config) {
  return config.duplicate_suppression && config.deliver_backend == "twoskip";
}

base::Result<bool> was_delivered(const StoreConfig& config, const DeliveryMark& mark) {
  const std::string key = delivery_key(mark);
  return patiently<bool>([&] { return has_key(config, key); });
}

base::Result<void> mark_delivered(const StoreConfig& config, const DeliveryMark& mark, std::uint64_t time,
                                  std::uint32_t uid) {
  const std::string key = delivery_key(mark);
  const std::string value = delivery_value(time, uid);
  return patiently<void>([&]() -> base::Result<void> {
    // Of a damaged file nothing is of worth but what is still to come.
    auto database = TwoskipWriter::open(config.deliver_db, {.create = true, .damage = TwoskipDamage::rebuild});
    if (!database) return tl::unexpected(std::move(database.error()));
    if (auto stored = database->store(key, value); !stored) return stored;
    return database->commit();
  });
}

}  // namespace cyrus
