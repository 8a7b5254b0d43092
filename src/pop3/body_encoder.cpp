#include "pop3/body_encoder.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cstring>

// Ordinary mail needs no change but its dots, so the input is copied in runs as long as possible: memchr jumps from LF
// to LF, the octets on both sides of it are looked at, and a run is cut only where an octet has to be added. NULs are
// rare: one memchr over the piece says that there are none, else they are replaced in the copy.

namespace pop3 {
namespace {

const char* find(const char* begin, const char* end, char octet) {
  return static_cast<const char*>(std::memchr(begin, octet, static_cast<std::size_t>(end - begin)));
}

}  // namespace

BodyEncoder::BodyEncoder(std::optional<std::uint32_t> top_lines)
    : part_(top_lines ? Part::header : Part::whole), lines_left_(top_lines.value_or(0)) {}

/// Counts a line that has just ended. True when it was the last one that TOP asked for.
bool BodyEncoder::line_ends_the_reply(bool blank) {
  switch (part_) {
    case Part::whole:
      return false;
    case Part::header:
      if (!blank) return false;
      part_ = Part::body;
      break;
    case Part::body:
      --lines_left_;
      break;
    case Part::complete:
      CHECK(part_ != Part::complete);
  }
  if (lines_left_ != 0) return false;
  part_ = Part::complete;
  return true;
}

bool BodyEncoder::encode(std::string_view piece, std::string& to) {
  if (part_ == Part::complete) return false;
  if (piece.empty()) return true;

  const std::size_t before = to.size();
  std::size_t stuffed = 0;
  const char* run = piece.data();  // not copied yet from here on
  const char* at = run;
  const char* const end = run + piece.size();
  const auto copy_run = [&](const char* until) {
    to.append(run, static_cast<std::size_t>(until - run));
    run = until;
  };

  while (at != end) {
    if (*at == '.' && line_ == LineSoFar::nothing) {
      copy_run(at);
      to += '.';
      ++stuffed;
    }
    const char* const lf = find(at, end, '\n');
    if (lf == nullptr) {
      const bool cr = end[-1] == '\r';
      const bool nothing_but_cr = cr && end - at == 1 && line_ == LineSoFar::nothing;
      line_ = nothing_but_cr ? LineSoFar::only_cr : cr ? LineSoFar::text_and_cr : LineSoFar::text;
      break;
    }
    bool cr = line_ == LineSoFar::only_cr || line_ == LineSoFar::text_and_cr;
    bool blank = line_ == LineSoFar::nothing || line_ == LineSoFar::only_cr;
    if (lf != at) {
      blank = line_ == LineSoFar::nothing && lf - at == 1 && *at == '\r';
      cr = lf[-1] == '\r';
    }
    if (!cr) {
      copy_run(lf);
      to += '\r';
    }
    at = lf + 1;
    line_ = LineSoFar::nothing;
    if (line_ends_the_reply(blank)) break;
  }
  copy_run(part_ == Part::complete ? at : end);

  if (find(piece.data(), end, '\0') != nullptr) {
    std::replace(to.begin() + static_cast<std::ptrdiff_t>(before), to.end(), '\0', '\x80');
  }
  octets_ += to.size() - before - stuffed;
  return part_ != Part::complete;
}

void BodyEncoder::finish(std::string& to) {
  if (line_ != LineSoFar::nothing) {
    to += "\r\n";
    octets_ += 2;
    line_ = LineSoFar::nothing;
  }
  to += ".\r\n";
  part_ = Part::complete;
}

}  // namespace pop3
