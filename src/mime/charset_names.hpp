#pragma once

#include <string_view>

namespace mime {

/// The name by which a charset is opened, for those names that mean something else or nothing in libicu; empty for all
/// others. Without regard to case.
///
/// Cyrus: what calls itself ISO-8859-1, or says that it does not know, is windows-1252, as in web browsers.
std::string_view canonical_charset_name(std::string_view name);

}  // namespace mime
