#pragma once

#include "cyrus/delivery.hpp"
#include "cyrus/message_intake.hpp"
#include "cyrus/update_support.hpp"
#include "support/store_checker.hpp"
#include "support/store_maker.hpp"
#include "support/temp_directory.hpp"
#include "support/tree_contents.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace cyrus {

inline constexpr const char* kMessage =
    "Subject: one\r\nMessage-ID: <one@test.example>\r\nDate: Mon, 2 Nov 2026 23:30:00 -0800\r\n\r\nbody\r\n";

inline StagedMessage stage(const StoreConfig& config, const std::string& text, IntakeOptions options = {}) {
  auto intake = MessageIntake::begin(config, std::move(options));
  if (!intake) throw std::runtime_error(intake.error().text);
  if (const auto written = intake->write(text); !written) throw std::runtime_error(written.error().text);
  auto staged = intake->finish();
  if (!staged) throw std::runtime_error(staged.error().text);
  return std::move(*staged);
}

inline base::Result<Delivered> deliver(const StoreConfig& config, const std::string& user, const std::string& text,
                                       const std::string& folder = "", const std::string& sender = "") {
  const StagedMessage message = stage(config, text);
  DeliveryRequest request;
  request.user = user;
  request.folder = folder;
  request.sender = sender;
  request.session_id = "session";
  return Delivery(config, kNoLog).deliver(message, request);
}

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

/// The files in stage directories.
inline Strings staged_files(const StoreConfig& config) {
  Strings names;
  for (const auto& [name, root] : config.partitions) {
    if (!std::filesystem::exists(root / "stage.")) continue;
    for (const auto& entry : std::filesystem::directory_iterator(root / "stage.")) names.push_back(entry.path());
  }
  return names;
}

}  // namespace cyrus
