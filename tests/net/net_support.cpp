#include "net_support.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <arpa/inet.h>
#include <cstdio>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <stdlib.h>
#include <unistd.h>

namespace net::testing {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + " failed");
  return result;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

Pair socket_pair() {
  int fds[2];
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "socketpair");
  return {base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
}

base::UniqueFd listening_socket() {
  base::UniqueFd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::bind(fd.value(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), "bind");
  checked(::listen(fd.value(), 32), "listen");
  return fd;
}

base::UniqueFd connect_to(int listening) {
  sockaddr_in address = {};
  socklen_t length = sizeof(address);
  checked(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  base::UniqueFd fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  checked(::connect(fd.value(), reinterpret_cast<sockaddr*>(&address), length), "connect");
  return fd;
}

Pair tcp_pair() {
  const base::UniqueFd listening = listening_socket();
  base::UniqueFd theirs = connect_to(listening.value());
  base::UniqueFd ours(checked(::accept4(listening.value(), nullptr, nullptr, SOCK_CLOEXEC), "accept4"));
  return {std::move(ours), std::move(theirs)};
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string receive(int fd, std::size_t size) {
  std::string text;
  char buffer[4096];
  while (text.size() < size) {
    pollfd entry = {fd, POLLIN, 0};
    if (::poll(&entry, 1, 20'000) != 1) break;
    const ssize_t got = ::recv(fd, buffer, std::min(sizeof(buffer), size - text.size()), 0);
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

std::string receive_all(int fd) { return receive(fd, std::string::npos); }

KeyFiles::KeyFiles() {
  std::string name = (std::filesystem::temp_directory_path() / "pillarbox-net-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  folder = name;
  certificate = folder / "cert.pem";
  key = folder / "key.pem";

  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), pair.get());
  X509_NAME* const subject = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                             0);
  X509_set_issuer_name(x509.get(), subject);
  X509_sign(x509.get(), pair.get(), EVP_sha256());
  const File certificate_file(std::fopen(certificate.c_str(), "w"));
  const File key_file(std::fopen(key.c_str(), "w"));
  if (PEM_write_X509(certificate_file.get(), x509.get()) != 1 ||
      PEM_write_PrivateKey(key_file.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    throw std::runtime_error("cannot write the test key");
  }
}

KeyFiles::~KeyFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

TlsOptions KeyFiles::options() const {
  TlsOptions options;
  options.certificate_file = certificate;
  options.key_file = key;
  return options;
}

std::unique_ptr<TlsContext> KeyFiles::context() const {
  auto context = TlsContext::create(options());
  if (!context) throw std::runtime_error(context.error().text);
  return std::move(*context);
}

}  // namespace net::testing
