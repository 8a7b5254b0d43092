#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "net/ticket_key_file.hpp"
#include "net/tls_context.hpp"
#include "net/worker_pool.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace net {

/// The TlsContext of now: made of the files that the options name, and made anew when they change.
///
/// A look compares what stat(2) says of each file with what it said before. When that has changed and then stood still
/// for a whole interval, the files are read and checked; what is good takes the old one's place for handshakes that
/// begin afterwards, what is not is logged, once, and the old one stays. Each look also sees to the ticket keys.
///
/// Files that are bad from the beginning give no context, until a look finds them good.
class TlsSource {
 public:
  /// Reads everything once. Blocks on disk. `log` outlives the object. Ticket keys that cannot be shared are only worth
  /// a warning.
  static std::shared_ptr<TlsSource> create(const TlsOptions& options, const base::Log& log);

  /// Hold it until the handshake is over. Null as long as there has been nothing good. On the loop's thread.
  std::shared_ptr<const TlsContext> context() const { return context_; }

  /// Why there is no context: names the file and the option.
  const std::string& trouble() const { return trouble_; }

  /// True while the files are worse than what is in use: another process could not begin with them now.
  bool is_irreplaceable() const { return irreplaceable_; }

  /// Time between two looks.
  std::chrono::seconds interval() const;

  /// One look, on a thread of `pool`. One at a time; the caller keeps the object alive. On the loop's thread.
  Task<void> look(WorkerPool& pool);

 private:
  /// What stat(2) says of all files.
  using Signature = std::vector<std::uint64_t>;

  struct Found {
    std::shared_ptr<TlsContext> context;     // null: as before
    std::shared_ptr<const TicketKeys> keys;  // null: as before
    bool files_are_bad = false;

    Found() = default;
  };

  TlsSource(const TlsOptions& options, const base::Log& log);
  Signature signature() const;
  base::Result<std::shared_ptr<TlsContext>> load() const;
  Found look_on_disk();
  std::shared_ptr<TlsContext> look_for_files();
  std::shared_ptr<const TicketKeys> look_for_keys();
  void adopt(const Found& found);

  const TlsOptions options_;
  const base::Log& log_;

  // The loop's.
  std::shared_ptr<TlsContext> context_;
  std::shared_ptr<const TicketKeys> keys_;  // null: each context has its own
  std::string trouble_;
  bool irreplaceable_ = false;

  // The look's, wherever it runs.
  std::optional<TicketKeyFile> key_file_;
  std::string key_trouble_;  // what was logged last
  Signature loaded_;
  Signature last_seen_;
  Signature refused_;
};

}  // namespace net
