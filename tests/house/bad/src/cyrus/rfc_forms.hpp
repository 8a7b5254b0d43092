#pragma once
// RFC1939 s5
// RFC 1939 section 5
// RFC 1939, s5
// rfc 1939 s5
// RFC 1939 s 5
// RFC-1939
