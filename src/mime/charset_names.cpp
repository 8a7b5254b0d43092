#include "mime/charset_names.hpp"

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace mime {

namespace {

struct Name {
  std::string_view name;  // lower case, in the order of the alphabet
  std::string_view canonical;
};

constexpr auto kNames = std::to_array<Name>({
    {"1250", "windows-1250"},
    {"1251", "windows-1251"},
    {"1252", "windows-1252"},
    {"1254", "windows-1254"},
    {"1255", "windows-1255"},
    {"1256", "windows-1256"},
    {"1257", "windows-1257"},
    {"1258", "windows-1258"},
    {"136", "big5"},
    {"238", "windows-1250"},
    {"646", "iso-8859-1"},
    {"8859-1", "windows-1252"},
    {"8859_1", "windows-1252"},
    {"8859_2", "iso-8859-2"},
    {"_iso-2022-jp", "iso-2022-jp"},
    {"_iso-2022-jp$esc", "iso-2022-jp"},
    {"ansi_x3.4-1968", "us-ascii"},
    {"any", "windows-1252"},
    {"ascii", "us-ascii"},
    {"asmo-708", "iso-8859-6"},
    {"auto", "windows-1252"},
    {"big5", "big5"},
    {"cp-1252", "windows-1252"},
    {"cp-850", "windows-850"},
    {"cp-932", "windows-31j"},
    {"cp-936", "windows-936"},
    {"cp1250", "windows-1250"},
    {"cp1251", "windows-1251"},
    {"cp1252", "windows-1252"},
    {"cp1254", "windows-1254"},
    {"cp1255", "windows-1255"},
    {"cp1256", "windows-1256"},
    {"cp1257", "windows-1257"},
    {"cp1258", "windows-1258"},
    {"cp850", "windows-850"},
    {"cp932", "windows-31j"},
    {"cp936", "windows-936"},
    {"csiso2022jp", "iso-2022-jp"},
    {"csmacintosh", "macintosh"},
    {"display", "windows-1252"},
    {"dos-latin1", "windows-850"},
    {"en_gb", "windows-1252"},
    {"es-windows-1252", "windows-1252"},
    {"gb2312", "windows-936"},
    {"gbk", "windows-936"},
    {"greek-ccitt", "iso-8859-7"},
    {"imap-mailbox-name", "IMAP-mailbox-name"},
    {"imap-utf-7", "IMAP-mailbox-name"},
    {"iso--8859-1", "windows-1252"},
    {"iso-2022-jp", "iso-2022-jp"},
    {"iso-8859", "windows-1252"},
    {"iso-8859-1", "windows-1252"},
    {"iso-8859-11", "iso-8859-11"},
    {"iso-8859-15", "iso-8859-15"},
    {"iso-8859-2", "iso-8859-2"},
    {"iso-8859-6", "iso-8859-6"},
    {"iso-8859-7", "iso-8859-7"},
    {"iso-8859-8", "iso-8859-8"},
    {"iso-8859-8-i", "iso-8859-8"},
    {"iso-8859-9", "iso-8859-9"},
    {"iso646-us", "iso-8859-1"},
    {"iso8859-1", "windows-1252"},
    {"iso8859-15", "iso-8859-15"},
    {"iso8859_15_fdis", "iso-8859-15"},
    {"iso_8859", "windows-1252"},
    {"iso_8859-1", "windows-1252"},
    {"iso_8859_1", "windows-1252"},
    {"koi8-r", "koi8-r"},
    {"koi8-u", "koi8-u"},
    {"ks_c_5601", "ksc5601"},
    {"ksc5601", "ksc5601"},
    {"latin1", "windows-1252"},
    {"mac", "macintosh"},
    {"macintosh", "macintosh"},
    {"msdos-latin1", "windows-850"},
    {"none", "windows-1252"},
    {"shift_jis", "windows-31j"},
    {"so-8859-1", "windows-1252"},
    {"tis-620", "iso-8859-11"},
    {"unicode-1-1-utf-7", "utf-7"},
    {"unicode-1-1-utf-8", "utf-8"},
    {"unknown", "windows-1252"},
    {"unknown-8bit", "windows-1252"},
    {"us-ascii", "us-ascii"},
    {"usascii", "us-ascii"},
    {"utf-7", "utf-7"},
    {"utf-8", "utf-8"},
    {"utf7", "utf-7"},
    {"utf8", "utf-8"},
    {"win-1250", "windows-1250"},
    {"win-1251", "windows-1251"},
    {"win-1252", "windows-1252"},
    {"win-1254", "windows-1254"},
    {"win-1255", "windows-1255"},
    {"win-1256", "windows-1256"},
    {"win-1257", "windows-1257"},
    {"win-1258", "windows-1258"},
    {"win-31j", "windows-31j"},
    {"win-936", "windows-936"},
    {"win-koi8", "koi8-r"},
    {"win1256", "windows-1256"},
    {"windows-1250", "windows-1250"},
    {"windows-1251", "windows-1251"},
    {"windows-1252", "windows-1252"},
    {"windows-1254", "windows-1254"},
    {"windows-1255", "windows-1255"},
    {"windows-1256", "windows-1256"},
    {"windows-1257", "windows-1257"},
    {"windows-1258", "windows-1258"},
    {"windows-31j", "windows-31j"},
    {"windows-850", "windows-850"},
    {"windows-936", "windows-936"},
    {"x-europa", "windows-1252"},
    {"x-gbk", "windows-936"},
    {"x-mac-roman", "macintosh"},
    {"x-mac-thai", "iso-8859-11"},
    {"x-mac-turkish", "iso-8859-9"},
    {"x-unknown", "windows-1252"},
    {"x-user-defined", "windows-1252"},
});

}  // namespace

std::string_view canonical_charset_name(std::string_view name) {
  static_assert(
      std::is_sorted(kNames.begin(), kNames.end(), [](const Name& a, const Name& b) { return a.name < b.name; }));
  const std::string wanted = base::ascii::lower(name);
  const auto found = std::lower_bound(kNames.begin(), kNames.end(), wanted,
                                      [](const Name& row, const std::string& text) { return row.name < text; });
  return found != kNames.end() && found->name == wanted ? found->canonical : std::string_view{};
}

}  // namespace mime
