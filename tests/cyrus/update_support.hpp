#pragma once

#include "base/file_io.hpp"
#include "base/log.hpp"
#include "cyrus/index_reader.hpp"
#include "cyrus/store.hpp"
#include "support/index_writer.hpp"

#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace cyrus {

inline const base::Log kNoLog([](base::Severity, std::string_view) {});

using Strings = std::vector<std::string>;

/// A session of `user`, in its INBOX or a folder below. Throws when the maildrop cannot be opened.
inline std::unique_ptr<maildrop::Maildrop> open(const StoreConfig& config, const std::string& user,
                                                const base::Log& log = kNoLog, const std::string& folder = "") {
  auto drop = Store(config, log).open_maildrop({user, folder});
  if (!drop) throw std::runtime_error(drop.error().text);
  return std::move(*drop);
}

inline IndexHeader header_of(const std::filesystem::path& index_file) {
  const auto fd = base::open_file(index_file, O_RDONLY);
  return IndexReader::open(fd->value(), "index").value().header();
}

inline std::map<std::uint32_t, IndexRecord> records_of(const std::filesystem::path& index_file) {
  const auto fd = base::open_file(index_file, O_RDONLY);
  std::map<std::uint32_t, IndexRecord> records;
  const auto read = IndexReader::open(fd->value(), "index")->for_each([&](const IndexRecord& record) {
    records[record.uid] = record;
    return base::Result<void>();
  });
  if (!read) throw std::runtime_error(read.error().text);
  return records;
}

/// The value of a record of cyrus.annotations.
inline std::string annotation_value(const std::string& text, bool gone) {
  std::string value;
  support::append_be32(value, text.size());
  value.append(4, '\0');
  value += text + '\0' + "text/plain" + '\0';
  value.append(8, '\0');
  support::append_be64(value, 4);
  value += gone ? '\1' : '\0';
  return value;
}

}  // namespace cyrus
