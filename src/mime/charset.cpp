#include "mime/charset.hpp"

#include "mime/charset_names.hpp"
#include "mime/utf8.hpp"

#include <array>
#include <cstdint>
#include <unicode/ucnv.h>
#include <unicode/udata.h>
#include <unicode/utf16.h>
#include <utility>

namespace mime {

namespace {

class Ascii final : public Charset {
 public:
  const std::string& canonical_name() const override { return name_; }
  void decode(std::string_view bytes, std::string& utf8) override {
    for (const char c : bytes) {
      if (c != '\0') append_utf8(utf8, static_cast<unsigned char>(c) < 0x80 ? static_cast<char32_t>(c) : kReplacement);
    }
  }
  void flush(std::string&) override {}
  void reset() override {}

 private:
  std::string name_ = "us-ascii";
};

class Utf8 final : public Charset {
 public:
  const std::string& canonical_name() const override { return name_; }
  void decode(std::string_view bytes, std::string& utf8) override {
    for (const char c : bytes) checker_.add(static_cast<unsigned char>(c), utf8);
  }
  void flush(std::string&) override {}
  void reset() override { checker_ = {}; }

 private:
  std::string name_ = "utf-8";
  Utf8Checker checker_;
};

class Icu final : public Charset {
 public:
  Icu(UConverter* converter, std::string name) : converter_(converter), name_(std::move(name)) {}

  const std::string& canonical_name() const override { return name_; }
  void decode(std::string_view bytes, std::string& utf8) override { convert(bytes, false, utf8); }
  void flush(std::string& utf8) override { convert({}, true, utf8); }
  void reset() override {
    ucnv_resetToUnicode(converter_.get());
    lead_ = 0;
  }

 private:
  struct Close {
    void operator()(UConverter* converter) const noexcept { ucnv_close(converter); }
  };

  void convert(std::string_view bytes, bool end, std::string& utf8) {
    const char* source = bytes.data();
    const char* const source_end = source + bytes.size();
    std::array<UChar, 512> units;
    UErrorCode error;
    do {
      error = U_ZERO_ERROR;
      UChar* target = units.data();
      ucnv_toUnicode(converter_.get(), &target, units.data() + units.size(), &source, source_end, nullptr,
                     static_cast<UBool>(end), &error);
      for (const UChar* unit = units.data(); unit != target; ++unit) append(*unit, utf8);
    } while (error == U_BUFFER_OVERFLOW_ERROR);
    if (U_FAILURE(error)) append_utf8(utf8, kReplacement);
  }

  void append(UChar unit, std::string& utf8) {
    if (U16_IS_LEAD(unit)) {
      if (lead_ != 0) append_utf8(utf8, kReplacement);
      lead_ = unit;
    } else if (lead_ != 0 && U16_IS_TRAIL(unit)) {
      append_utf8(utf8, static_cast<char32_t>(U16_GET_SUPPLEMENTARY(lead_, unit)));
      lead_ = 0;
    } else {
      if (lead_ != 0) append_utf8(utf8, kReplacement);
      lead_ = 0;
      append_utf8(utf8, unit);
    }
  }

  std::unique_ptr<UConverter, Close> converter_;
  std::string name_;
  UChar lead_ = 0;  // the first half of a pair that has begun
};

/// Names come from hostile mail. libicu looks for a converter that it does not have in the file system, unless told not
/// to: its tables lie in its own library.
void forbid_files() {
  [[maybe_unused]] static const bool once = [] {
    UErrorCode error = U_ZERO_ERROR;
    udata_setFileAccess(UDATA_NO_FILES, &error);
    return true;
  }();
}

}  // namespace

std::unique_ptr<Charset> Charset::ascii() { return std::make_unique<Ascii>(); }

std::unique_ptr<Charset> Charset::find(std::string_view name) {
  const std::string_view known = canonical_charset_name(name);
  if (known == "us-ascii") return std::make_unique<Ascii>();
  if (known == "utf-8") return std::make_unique<Utf8>();
  const std::string wanted(known.empty() ? name : known);
  if (wanted.empty()) return nullptr;  // which libicu takes for the charset of the locale
  forbid_files();
  UErrorCode error = U_ZERO_ERROR;
  UConverter* const converter = ucnv_open(wanted.c_str(), &error);
  if (U_FAILURE(error)) return nullptr;
  std::string canonical(known);
  if (canonical.empty()) {
    const char* const icu_name = ucnv_getName(converter, &error);
    canonical = U_SUCCESS(error) ? icu_name : wanted;
  }
  return std::make_unique<Icu>(converter, std::move(canonical));
}

}  // namespace mime
