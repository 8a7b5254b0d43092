#pragma once

#include "config/imapd_conf.hpp"

namespace config {

/// Makes an ImapdConf out of statements and holds it against the rules that span several options.
class ImapdConf::Builder {
 public:
  Builder(std::string file, std::string_view service);

  base::Result<ImapdConf> build(std::vector<Statement> statements, Partitions partitions);

 private:
  base::Result<void> add(Statement statement);
  base::Result<void> add_option(const OptionInfo& row, bool of_service, const Statement& statement);
  void add_key(Statement statement);
  void move_deprecated();
  base::Result<void> check_config_directory();
  void replace_config_directory();
  base::Result<void> check_default_partition(Partitions partitions);
  base::Result<void> check_partition_paths();
  base::Result<void> check_proc_path();
  void warn_of_old_tls();

  Setting& setting(Option option) { return conf_.settings_[static_cast<std::size_t>(option)]; }
  void warn(const std::string& file, int line, const std::string& what);

  ImapdConf conf_;
};

}  // namespace config
