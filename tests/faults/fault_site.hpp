#pragma once

#include "cyrus/store.hpp"
#include "cyrus/store_config.hpp"
#include "support/sample_store.hpp"
#include "support/temp_directory.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace faults {

/// A copy of a mail store in which things go wrong, and how it was before they did. Tests only: throws.
class Site {
 public:
  /// `adjust` turns on options, and may add files to the store below `root`.
  using Adjust = std::function<void(const std::filesystem::path& root, cyrus::StoreConfig& config)>;

  /// A store of tests/data.
  static Site sample(const std::string& sample, const std::string& user, const std::string& options,
                     const Adjust& adjust);
  /// A store that is made up: everything random that may be, from `seed`.
  static Site made(std::uint64_t seed, const std::string& options, const Adjust& adjust);
  /// A made store whose cyrus.index is larger than UPDATE writes at once.
  static Site large(const std::string& options, const Adjust& adjust);

  const std::string& name() const { return name_; }
  const cyrus::StoreConfig& config() const { return config_; }
  const cyrus::MaildropName& maildrop() const { return maildrop_; }
  const std::filesystem::path& root() const { return root_; }

  /// Which kinds of mailbox UPDATE refuses as a whole.
  bool refuses_update() const { return config_.conversations; }

  /// Whether a change of the index takes more than one write.
  bool is_large() const { return is_large_; }

  /// Makes the store what it was at first.
  void restore() const;
  /// Every file but locks, as at first.
  const std::map<std::string, std::string>& pristine() const { return pristine_; }

 private:
  Site() = default;
  void keep(const std::string& name, const std::string& options, const Adjust& adjust);

  std::string name_;
  bool is_large_ = false;
  std::filesystem::path root_;
  cyrus::StoreConfig config_;
  cyrus::MaildropName maildrop_;
  std::map<std::string, std::string> pristine_;
  std::unique_ptr<support::SampleStore> sample_;
  std::unique_ptr<support::TempDirectory> made_;
  std::unique_ptr<support::TempDirectory> copy_;
};

/// Every file below a store with its content; neither locks nor what is not Cyrus's.
std::map<std::string, std::string> contents(const std::filesystem::path& root);

/// The sites to run on. `full`: all of them.
std::vector<Site> all_sites(bool full);

}  // namespace faults
