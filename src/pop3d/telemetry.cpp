#include "pop3d/telemetry.hpp"

#include "net/thread.hpp"

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <deque>
#include <exception>
#include <mutex>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace pop3d {
namespace {

constexpr std::chrono::seconds kLastPatience{3};

/// 0, the error number, or -1 when the file has no name any more: the directory was taken away, which turns it off.
int write_all(int fd, std::string_view block) {
  struct stat found = {};
  if (::fstat(fd, &found) == 0 && found.st_nlink == 0) return -1;
  while (!block.empty()) {
    const ssize_t written = ::write(fd, block.data(), block.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    block.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

struct TelemetryWriter::File {
  base::UniqueFd fd;
  std::size_t queued = 0;  // octets; under the lock, as what follows
  int failure = 0;         // as write_all() returns it: nothing more is written
};

struct TelemetryWriter::Core {
  struct Block {
    std::shared_ptr<File> file;
    std::string text;
  };

  std::mutex lock;
  std::condition_variable work;
  std::condition_variable idle;
  std::deque<Block> queue;
  std::size_t queued = 0;  // octets
  bool busy = false;
  bool closing = false;
  bool running = false;

  void run() {
    std::unique_lock guard(lock);
    while (!closing || !queue.empty()) {
      if (queue.empty()) {
        work.wait(guard);
        continue;
      }
      Block block = std::move(queue.front());
      queue.pop_front();
      busy = true;
      const bool wanted = block.file->failure == 0;
      guard.unlock();
      const int failure = wanted ? write_all(block.file->fd.value(), block.text) : 0;
      guard.lock();
      if (failure != 0) block.file->failure = failure;
      block.file->queued -= block.text.size();
      queued -= block.text.size();
      guard.unlock();
      block = Block();  // the last one of a session closes its file
      guard.lock();
      busy = false;
      if (queue.empty()) idle.notify_all();
    }
  }
};

TelemetryWriter::TelemetryWriter() : core_(std::make_shared<Core>()) {}

TelemetryWriter::~TelemetryWriter() {
  std::unique_lock guard(core_->lock);
  core_->closing = true;
  core_->work.notify_all();
  if (core_->running) {
    core_->idle.wait_for(guard, kLastPatience, [this] { return core_->queue.empty() && !core_->busy; });
  }
}

Telemetry::Telemetry(TelemetryWriter& writer, base::UniqueFd file, std::string user)
    : writer_(writer), file_(std::make_shared<TelemetryWriter::File>()), user_(std::move(user)) {
  file_->fd = std::move(file);
}

void Telemetry::received(std::string_view octets) noexcept {
  try {
    append(telemetry_received(mask_.show(octets), std::time(nullptr)));
  } catch (const std::exception&) {
    left_out_ += octets.size();  // out of memory: the session matters more
  }
}

void Telemetry::sent(std::string_view octets) noexcept {
  try {
    append(telemetry_sent(octets, std::time(nullptr)));
  } catch (const std::exception&) {
    left_out_ += octets.size();
  }
}

void Telemetry::append(std::string block) {
  if (block.empty()) return;
  TelemetryWriter::Core& core = *writer_.core_;
  const std::size_t octets = block.size();
  if (!begun_) block = telemetry_head(user_, std::time(nullptr)) + block;
  if (left_out_ > 0) block = "\n---------- " + std::to_string(left_out_) + " octets left out\n" + block;

  const std::lock_guard guard(core.lock);
  if (file_->failure != 0) return;
  if (file_->queued + block.size() > TelemetryWriter::kMostOfOne ||
      core.queued + block.size() > TelemetryWriter::kMostOfAll) {
    left_out_ += octets;
    slow_ = true;
    return;
  }
  if (!core.running) {
    std::thread thread = net::start_thread("telemetry", [shared = writer_.core_] { shared->run(); });
    thread.detach();  // ~TelemetryWriter waits, but not for ever
    core.running = true;
  }
  file_->queued += block.size();
  core.queued += block.size();
  core.queue.push_back({file_, std::move(block)});
  core.work.notify_one();
  begun_ = true;
  left_out_ = 0;
}

std::optional<std::string> Telemetry::trouble() {
  if (told_) return std::nullopt;
  const std::lock_guard guard(writer_.core_->lock);
  if (file_->failure > 0) {
    told_ = true;
    return "telemetry of " + user_ + " ends here: " + std::strerror(file_->failure);
  }
  if (!slow_) return std::nullopt;
  told_ = true;
  return "telemetry of " + user_ + " is incomplete: the disk is too slow";
}

}  // namespace pop3d
