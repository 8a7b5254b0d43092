#pragma once

#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace service {

/// A status pipe as master makes it: a non-blocking read end, a blocking write end.
struct PipePair {
  base::UniqueFd read;
  base::UniqueFd write;

  PipePair() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
    EXPECT_EQ(::fcntl(read.value(), F_SETFL, O_NONBLOCK), 0);
  }
};

}  // namespace service
