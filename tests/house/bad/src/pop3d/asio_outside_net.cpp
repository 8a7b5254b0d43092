#include <boost/asio/io_context.hpp>
#include <openssl/ssl.h>
