#include "net/tls_source.hpp"

#include "net/certificate_files.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <utility>

namespace net {
namespace {

using base::Errc;
using base::Result;

/// Between looks for nothing but ticket keys.
constexpr std::chrono::seconds kKeyInterval{10};
/// At the start another process may be making the first keys: so often, and so long apart, they are asked for.
constexpr int kKeyTries = 20;
constexpr std::chrono::milliseconds kKeyPause{10};
/// Files of a directory of authorities that are looked at.
constexpr std::size_t kMaxWatchedFiles = 2000;

void put_stat(std::vector<std::uint64_t>& into, const std::string& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) {
    into.push_back(static_cast<std::uint64_t>(errno));
    return;
  }
  for (const auto value :
       {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
        static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_mode),
        static_cast<std::uint64_t>(status.st_mtim.tv_sec), static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
        static_cast<std::uint64_t>(status.st_ctim.tv_sec), static_cast<std::uint64_t>(status.st_ctim.tv_nsec)}) {
    into.push_back(value);
  }
}

std::vector<std::string> files_of(const TlsOptions& options) {
  std::vector<std::string> out;
  for (const auto& list : {default_certificate_files(options), named_certificate_files(options)}) {
    if (!list) continue;  // a mistake in the options themselves, which loading reports
    for (const CertificateFiles& files : *list) {
      out.push_back(files.certificate);
      out.push_back(files.key);
    }
  }
  for (const std::string* file : {&options.client_ca_file, &options.crl_file}) {
    if (!file->empty()) out.push_back(*file);
  }
  if (options.client_ca_dir.empty()) return out;
  out.push_back(options.client_ca_dir);
  std::error_code error;
  std::vector<std::string> in_directory;
  for (auto at = std::filesystem::directory_iterator(options.client_ca_dir, error);
       !error && at != std::filesystem::directory_iterator() && in_directory.size() < kMaxWatchedFiles;
       at.increment(error)) {
    in_directory.push_back(at->path());
  }
  std::sort(in_directory.begin(), in_directory.end());
  out.insert(out.end(), in_directory.begin(), in_directory.end());
  return out;
}

}  // namespace

TlsSource::TlsSource(const TlsOptions& options, const base::Log& log) : options_(options), log_(log) {
  if (!options.ticket_key_file.empty() && options.session_lifetime.count() > 0) {
    key_file_.emplace(options.ticket_key_file,
                      std::min<std::chrono::seconds>(options.session_lifetime, kMaxSessionLifetime));
  }
}

std::shared_ptr<TlsSource> TlsSource::create(const TlsOptions& options, const base::Log& log) {
  std::shared_ptr<TlsSource> out(new TlsSource(options, log));
  out->last_seen_ = out->signature();  // before reading: what changes meanwhile is seen at the next look
  auto context = out->load();
  Found found;
  if (context) {
    found.context = std::move(*context);
    out->loaded_ = out->last_seen_;
  } else {
    out->trouble_ = context.error().text;
    out->refused_ = out->last_seen_;
  }
  found.keys = out->look_for_keys();
  for (int tries = 1; out->key_file_ && !found.keys && out->key_trouble_.empty() && tries < kKeyTries; ++tries) {
    std::this_thread::sleep_for(kKeyPause);
    found.keys = out->look_for_keys();
  }
  out->adopt(found);
  return out;
}

std::chrono::seconds TlsSource::interval() const {
  return options_.watch_interval.count() > 0 ? options_.watch_interval : kKeyInterval;
}

Task<void> TlsSource::look(WorkerPool& pool) {
  auto work = [this] { return look_on_disk(); };
  const Found found = co_await pool.run(std::move(work));
  adopt(found);
}

void TlsSource::adopt(const Found& found) {
  if (found.keys) keys_ = found.keys;
  if (found.context) context_ = found.context;
  if (context_ && keys_ && (found.keys || found.context)) context_->use_ticket_keys(keys_);
  irreplaceable_ = context_ && found.files_are_bad;
}

TlsSource::Found TlsSource::look_on_disk() {
  Found found;
  if (options_.watch_interval.count() > 0) found.context = look_for_files();
  found.files_are_bad = !refused_.empty();
  found.keys = look_for_keys();
  return found;
}

// Certificate and key are two files: between the two they do not belong together, and that is no reason to complain.
std::shared_ptr<TlsContext> TlsSource::look_for_files() {
  Signature now = signature();
  const bool stands_still = now == last_seen_;
  last_seen_ = now;
  if (now == loaded_) refused_.clear();  // the old files are back
  if (!stands_still || now == loaded_ || now == refused_) return nullptr;
  auto context = load();
  if (!context) {
    log_.error("TLS: changed files refused, the old certificates stay: " + context.error().text);
    refused_ = std::move(now);
    return nullptr;
  }
  log_.notice("TLS: changed files taken for new handshakes");
  loaded_ = std::move(now);
  refused_.clear();
  return std::move(*context);
}

std::shared_ptr<const TicketKeys> TlsSource::look_for_keys() {
  if (!key_file_) return nullptr;
  auto keys = key_file_->current(std::time(nullptr));
  if (keys) {
    key_trouble_.clear();
    return std::make_shared<const TicketKeys>(std::move(*keys));
  }
  if (keys.error().code != Errc::busy && keys.error().text != key_trouble_) {
    key_trouble_ = keys.error().text;
    log_.warning("TLS: ticket keys are not shared with other processes: " + key_trouble_);
  }
  return nullptr;
}

TlsSource::Signature TlsSource::signature() const {
  Signature out;
  for (const std::string& file : files_of(options_)) put_stat(out, file);
  return out;
}

Result<std::shared_ptr<TlsContext>> TlsSource::load() const {
  auto context = TlsContext::create(options_);
  if (!context) return tl::unexpected(context.error());
  for (const std::string& warning : (*context)->warnings()) log_.warning("TLS: " + warning);
  return std::shared_ptr<TlsContext>(std::move(*context));
}

}  // namespace net
