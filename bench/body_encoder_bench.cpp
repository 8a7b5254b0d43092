#include "pop3/body_encoder.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <string_view>

// Octets of stored message per second through the encoder, in pieces as the session reads them, into a buffer that is
// kept. The comparison is a plain copy of the same pieces. Arguments: octets of a line (its end included), octets of a
// piece.

namespace {

constexpr std::size_t kMessageOctets = std::size_t{1} << 20;

/// Text lines of `line_octets`, one in `dot_every` beginning with a dot.
std::string message_of(std::size_t line_octets, std::string_view line_end, std::size_t dot_every) {
  std::string message;
  message.reserve(kMessageOctets + line_octets);
  for (std::size_t line = 1; message.size() < kMessageOctets; ++line) {
    message += dot_every != 0 && line % dot_every == 0 ? '.' : 'a';
    message.append(line_octets - 1 - line_end.size(), static_cast<char>('a' + line % 26));
    message += line_end;
  }
  return message;
}

template <class Encode>
void run(benchmark::State& state, const std::string& message, Encode encode) {
  const auto piece = static_cast<std::size_t>(state.range(1));
  std::string out;
  for (auto _ : state) {
    for (std::size_t at = 0; at < message.size(); at += piece) {
      out.clear();
      encode(std::string_view(message).substr(at, piece), out);
      benchmark::DoNotOptimize(out.data());
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(message.size()) * static_cast<std::int64_t>(state.iterations()));
}

void run_encoder(benchmark::State& state, const std::string& message) {
  pop3::BodyEncoder encoder;
  run(state, message, [&](std::string_view piece, std::string& out) { encoder.encode(piece, out); });
}

void plain_copy(benchmark::State& state) {
  const std::string message = message_of(static_cast<std::size_t>(state.range(0)), "\r\n", 0);
  run(state, message, [](std::string_view piece, std::string& out) { out += piece; });
}

void crlf_text(benchmark::State& state) {
  run_encoder(state, message_of(static_cast<std::size_t>(state.range(0)), "\r\n", 0));
}

void crlf_text_with_dots(benchmark::State& state) {
  run_encoder(state, message_of(static_cast<std::size_t>(state.range(0)), "\r\n", 20));
}

void bare_lf_text(benchmark::State& state) {
  run_encoder(state, message_of(static_cast<std::size_t>(state.range(0)), "\n", 0));
}

void top_of_the_whole_message(benchmark::State& state) {
  const std::string message = "A: b\r\n\r\n" + message_of(static_cast<std::size_t>(state.range(0)), "\r\n", 0);
  pop3::BodyEncoder encoder(4294967295U);
  run(state, message, [&](std::string_view piece, std::string& out) { encoder.encode(piece, out); });
}

BENCHMARK(plain_copy)->Args({78, 65536})->Args({78, 16384});
BENCHMARK(crlf_text)->Args({78, 65536})->Args({78, 16384})->Args({40, 65536})->Args({998, 65536})->Args({4, 65536});
BENCHMARK(crlf_text_with_dots)->Args({78, 65536});
BENCHMARK(bare_lf_text)->Args({78, 65536});
BENCHMARK(top_of_the_whole_message)->Args({78, 65536});

}  // namespace
