// Each operation is a coroutine that holds the Impl: what resumes it (the reactor, a cancelled wait) may come after the
// Stream is gone. All waits go through Wait, which keeps the one timer; no wait has a timer or a coroutine of its own.
#include "net/stream.hpp"

#include "base/check.hpp"
#include "net/line_buffer.hpp"
#include "net/tls_channel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace net {

namespace asio = boost::asio;
using base::Errc;
using base::fail;
using base::Result;
using boost::system::error_code;

namespace {

// How a wait or a step ended. Small, unlike Result<void>: idle sessions keep these in their coroutine frames.
struct Verdict {
  Errc code = Errc::closed;
  bool good = false;
  int errnum = 0;              // for the text, when there is none
  const char* text = nullptr;  // static, or of the TlsChannel
  explicit operator bool() const { return good; }
};

constexpr Verdict kGood{Errc::closed, true, 0, nullptr};
constexpr Verdict kCancelled{Errc::closed, false, 0, "connection cancelled"};
constexpr Verdict kTimeout{Errc::timeout, false, 0, "deadline passed"};
constexpr Verdict kEndOfInput{Errc::closed, false, 0, "end of input"};
constexpr Verdict kNoise{Errc::closed, false, 0, "TLS: too much without content"};

tl::unexpected<base::Error> failure(const Verdict& verdict) {
  return tl::unexpected<base::Error>(base::Error(
      verdict.code, verdict.text != nullptr ? verdict.text : std::strerror(verdict.errnum), verdict.errnum));
}

}  // namespace

class Stream::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, base::UniqueFd socket);

  enum class Unit { line, octets };
  static Task<Result<std::string_view>> read(std::shared_ptr<Impl> self, Unit unit, std::size_t limit);
  static Task<Result<void>> flush(std::shared_ptr<Impl> self);
  static Task<Result<TlsInfo>> start_tls(std::shared_ptr<Impl> self, const TlsContext& context);
  static Task<void> close(std::shared_ptr<Impl> self, Clock::duration patience);
  static Task<Result<void>> start_layer(std::shared_ptr<Impl> self, std::unique_ptr<Layer> layer);
  void cancel();

  std::size_t unread() const { return input.unread() + (layered ? layered->unread() : 0); }

  // A layer and what it holds. Apart, so that the many sessions without one don't pay for it.
  struct Layered {
    std::unique_ptr<Layer> layer;
    std::string plain;        // unwrapped and not yet in the line buffer, from `taken` on
    std::size_t taken = 0;    // octets of `plain`
    std::size_t wrapped = 0;  // octets at the begin of output that are wrapped already
    std::string failure;      // what the layer said
    std::array<char, 4096> arrived;

    explicit Layered(std::unique_ptr<Layer> with) : layer(std::move(with)) {}
    ~Layered() {
      ::explicit_bzero(plain.data(), plain.size());
      ::explicit_bzero(arrived.data(), arrived.size());
    }
    std::size_t unread() const { return plain.size() - taken; }
  };
  std::unique_ptr<Layered> layered;

  LineBuffer input;
  std::string output;
  std::unique_ptr<TlsChannel> tls;
  StreamWitness* witness = nullptr;  // null: nobody looks
  std::uint64_t octets_in = 0;
  std::uint64_t octets_out = 0;

  void set_idle_timeout(Clock::duration idle) { idle_ = idle; }
  void set_deadline(Clock::time_point absolute);

 private:
  // The loop's own executor type: smaller and faster than the type-erased one.
  using Executor = Loop::executor_type;
  using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

  // Octets that may be sent without a wait before the other sessions get a turn.
  static constexpr std::size_t kTurnOctets = 64 * 1024;
  // Room that the output keeps while the session waits for its client.
  static constexpr std::size_t kIdleOutputOctets = 512;

  void took(std::string_view octets);
  void left(std::string_view octets);
  // Room for octets that arrive, and what becomes of those that did.
  std::span<char> room(std::size_t limit) { return layered ? std::span<char>(layered->arrived) : input.space(limit); }
  TlsChannel::Step decrypt(std::size_t limit, Verdict& verdict);
  Verdict arrived(std::span<char> octets);
  Verdict take(std::span<char> octets);
  void feed(std::size_t limit);
  Verdict wrap_output();
  Task<Verdict> send_output();
  Task<Verdict> wait_writable();
  Task<Verdict> receive_ciphertext();
  Task<Verdict> settle(TlsChannel::Step step);

  enum class For { input, room };
  Verdict begin_wait(For what);
  Verdict end_wait(const error_code& error);
  Clock::time_point deadline() const { return std::min(absolute_, idle_deadline_); }
  void arm();
  void on_timer();
  int queued_octets();
  bool peer_has_taken_octets();
  std::size_t next_record() const;
  void trim_output();

  Socket socket_;
  Timer timer_;
  Clock::duration idle_ = Clock::duration::zero();
  Clock::time_point absolute_ = Clock::time_point::max();
  Clock::time_point idle_deadline_ = Clock::time_point::max();
  Clock::time_point armed_for_ = Clock::time_point::max();  // max: the timer does not run
  std::size_t sent_ = 0;                                    // octets at the begin of output that have left
  std::size_t record_ = 0;                                  // octets of a record that OpenSSL could not send yet
  std::size_t turn_octets_ = 0;
  int queued_ = 0;  // octets in the send queue when the wait for room began; 0 for other waits
  bool waiting_ = false;
  bool timed_out_ = false;  // why the wait under way was cancelled
  bool cancelled_ = false;
  int lost_ = 0;  // errno that ended the connection: epoll tells of it once, so another wait would be for nothing
};

Stream::Impl::Impl(Loop& loop, base::UniqueFd socket) : socket_(loop.get_executor()), timer_(loop.get_executor()) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  int family = AF_UNIX;
  if (::getsockname(socket.value(), reinterpret_cast<sockaddr*>(&address), &length) == 0) family = address.ss_family;
  if (family == AF_INET || family == AF_INET6) {
    const int on = 1;
    // Replies leave whole, so Nagle's wait only costs time; a failure would only cost speed.
    static_cast<void>(::setsockopt(socket.value(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
  }
  error_code error;
  socket_.assign(asio::generic::stream_protocol(family, 0), socket.value(), error);
  if (!error) {
    static_cast<void>(socket.release());  // socket_ owns it now
    socket_.native_non_blocking(true, error);
  }
  cancelled_ = static_cast<bool>(error);
}

// ---- waiting ----

Verdict Stream::Impl::begin_wait(For what) {
  if (cancelled_) return kCancelled;
  if (lost_ != 0) return Verdict{Errc::closed, false, lost_, nullptr};
  idle_deadline_ = Clock::time_point::max();
  if (idle_ > Clock::duration::zero() || absolute_ != Clock::time_point::max()) {
    const auto now = Clock::now();
    if (absolute_ <= now) return kTimeout;
    if (idle_ > Clock::duration::zero() && idle_ < Clock::time_point::max() - now) idle_deadline_ = now + idle_;
  }
  waiting_ = true;
  timed_out_ = false;
  queued_ = what == For::room && idle_deadline_ != Clock::time_point::max() ? queued_octets() : 0;
  arm();
  return kGood;
}

Verdict Stream::Impl::end_wait(const error_code& error) {
  waiting_ = false;
  if (cancelled_) return kCancelled;
  if (!error) return kGood;
  if (error == asio::error::operation_aborted && timed_out_) return kTimeout;
  if (error == asio::error::eof) return kEndOfInput;
  if (error != asio::error::operation_aborted) lost_ = error.value();
  return Verdict{Errc::closed, false, error.value(), nullptr};
}

// Runs the timer for the deadline unless it fires early enough anyway: moving the deadline forward, which each command
// does, costs no system call and no allocation.
void Stream::Impl::arm() {
  const auto when = deadline();
  if (armed_for_ <= when) return;
  armed_for_ = when;
  timer_.expires_at(when);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    if (error) return;
    if (const auto self = weak.lock()) self->on_timer();
  });
}

void Stream::Impl::on_timer() {
  armed_for_ = Clock::time_point::max();
  if (!waiting_) return;
  const auto now = Clock::now();
  if (now < deadline()) return arm();
  if (now < absolute_ && peer_has_taken_octets()) {
    idle_deadline_ = now + idle_;
    return arm();
  }
  timed_out_ = true;
  error_code ignored;  // nothing was waiting then: the operation is complete and about to resume
  socket_.cancel(ignored);
}

int Stream::Impl::queued_octets() {
  int octets = 0;
  return ::ioctl(socket_.native_handle(), SIOCOUTQ, &octets) == 0 ? octets : 0;
}

// The kernel calls a socket writable again when a good part of its buffer is free. With megabytes in it, a slow but
// living reader may need longer for that than the idle time: what it has taken since shows in the send queue.
bool Stream::Impl::peer_has_taken_octets() {
  const int before = queued_;
  if (before == 0) return false;
  queued_ = queued_octets();
  return queued_ < before;
}

void Stream::Impl::set_deadline(Clock::time_point absolute) {
  absolute_ = absolute;
  if (waiting_) arm();
}

void Stream::Impl::cancel() {
  cancelled_ = true;
  witness = nullptr;   // an operation may come back after the end of its owner
  error_code ignored;  // a socket that cannot be cancelled or closed has no operation left that could wait
  socket_.close(ignored);
  timer_.cancel();
}

// ---- input ----

// The octets at the begin of the last space().
void Stream::Impl::took(std::string_view octets) {
  octets_in += octets.size();
  if (witness != nullptr) witness->received(octets);
}

// Idle sessions spend their time in here: one frame, with one place to wait that plain and TLS share.
Task<Result<std::string_view>> Stream::Impl::read(std::shared_ptr<Impl> self, Unit unit, std::size_t limit) {
  for (;;) {
    if (self->cancelled_) co_return failure(kCancelled);
    const bool waits = unit == Unit::line ? !self->input.has_line() : self->input.unread() == 0;
    if (!self->output.empty() && (waits || self->output.size() >= kOutputHighWater)) {
      const Verdict sent = co_await self->send_output();
      if (!sent) co_return failure(sent);
    }
    if (unit == Unit::octets && !waits) co_return self->input.pending();
    const auto next =
        unit == Unit::line ? self->input.next(limit) : LineBuffer::Next{LineBuffer::Status::incomplete, {}};
    switch (next.status) {
      case LineBuffer::Status::line:
        co_return next.line;
      case LineBuffer::Status::too_long:
        co_return fail(Errc::limit, "line too long");
      case LineBuffer::Status::exhausted:
        co_return fail(Errc::closed, "line without end");
      case LineBuffer::Status::incomplete:
        break;
    }
    if (self->layered && self->layered->unread() > 0) {
      self->feed(limit);
      continue;
    }
    Verdict verdict = kGood;
    if (self->tls && self->tls->has_input()) {
      const auto step = self->decrypt(limit, verdict);
      if (!verdict) co_return failure(verdict);
      if (step == TlsChannel::Step::done) continue;
      if (step != TlsChannel::Step::want_read) {
        verdict = co_await self->settle(step);
        if (!verdict) co_return failure(verdict);
        continue;
      }
    }
    self->trim_output();
    verdict = self->begin_wait(For::input);
    if (!verdict) co_return failure(verdict);
    const auto room = self->tls ? self->tls->space() : self->room(limit);
    const auto [error, octets] =
        co_await self->socket_.async_read_some(asio::buffer(room.data(), room.size()), asio::as_tuple(asio::deferred));
    verdict = self->end_wait(error);
    if (verdict) verdict = self->arrived(room.first(octets));
    if (!verdict) co_return failure(verdict);
  }
}

// Lets TLS open what has come; `verdict` is what became of the octets inside.
TlsChannel::Step Stream::Impl::decrypt(std::size_t limit, Verdict& verdict) {
  const auto space = room(limit);
  std::size_t octets = 0;
  const auto step = tls->read(space, octets);
  if (step == TlsChannel::Step::done) verdict = take(space.first(octets));
  return step;
}

// What the socket has brought: for TLS to open, or as it is.
Verdict Stream::Impl::arrived(std::span<char> octets) {
  if (!tls) return take(octets);
  tls->received(octets.size());
  return tls->is_noise() ? kNoise : kGood;
}

// ---- a layer of SASL's ----

Task<Result<void>> Stream::Impl::start_layer(std::shared_ptr<Impl> self, std::unique_ptr<Layer> layer) {
  CHECK(!self->layered);
  const Verdict sent = co_await self->send_output();
  if (!sent) co_return failure(sent);
  CHECK(self->input.unread() == 0);
  self->layered = std::make_unique<Layered>(std::move(layer));
  co_return Result<void>();
}

Verdict Stream::Impl::take(std::span<char> octets) {
  if (!layered) {
    input.received(octets.size());
    took({octets.data(), octets.size()});
    return kGood;
  }
  auto plain = layered->layer->unwrap({octets.data(), octets.size()});
  if (!plain) {
    layered->failure = std::move(plain.error().text);
    return Verdict{Errc::io, false, 0, layered->failure.c_str()};
  }
  layered->plain = *std::move(plain);
  layered->taken = 0;
  if (!layered->plain.empty()) took(layered->plain);
  return kGood;
}

// The line buffer takes what it has room for; the rest waits until its lines have been read.
void Stream::Impl::feed(std::size_t limit) {
  const auto space = input.space(limit);
  const std::size_t octets = std::min(space.size(), layered->unread());
  std::memcpy(space.data(), layered->plain.data() + layered->taken, octets);
  ::explicit_bzero(layered->plain.data() + layered->taken, octets);
  layered->taken += octets;
  input.received(octets);
}

// Replaces what was added to the output since the last time by what goes on the wire for it.
Verdict Stream::Impl::wrap_output() {
  if (!layered || layered->wrapped >= output.size()) return kGood;
  auto wire = layered->layer->wrap(std::string_view(output).substr(layered->wrapped));
  if (!wire) {
    layered->failure = std::move(wire.error().text);
    return Verdict{Errc::io, false, 0, layered->failure.c_str()};
  }
  left(std::string_view(output).substr(layered->wrapped));
  output.replace(layered->wrapped, std::string::npos, *wire);
  layered->wrapped = output.size();
  return kGood;
}

// ---- output ----

void Stream::Impl::left(std::string_view octets) {
  octets_out += octets.size();
  if (witness != nullptr) witness->sent(octets);
}

void Stream::Impl::trim_output() {
  if (output.empty() && output.capacity() > kIdleOutputOctets) std::string().swap(output);
}

// What goes into the next record: up to 16 KiB, cut behind the last line end when more follows. A record that could not
// be sent is offered to OpenSSL again unchanged.
std::size_t Stream::Impl::next_record() const {
  if (record_ != 0) return record_;
  const std::size_t left = output.size() - sent_;
  if (left <= TlsChannel::kRecordOctets) return left;
  const char* const begin = output.data() + sent_;
  const void* const line_end = ::memrchr(begin, '\n', TlsChannel::kRecordOctets);
  if (line_end == nullptr) return TlsChannel::kRecordOctets;
  return static_cast<std::size_t>(static_cast<const char*>(line_end) - begin) + 1;
}

Task<Result<void>> Stream::Impl::flush(std::shared_ptr<Impl> self) {
  const Verdict sent = co_await self->send_output();
  if (!sent) co_return failure(sent);
  co_return Result<void>();
}

Task<Verdict> Stream::Impl::send_output() {
  if (const Verdict wrapped = wrap_output(); !wrapped) co_return wrapped;
  while (sent_ < output.size()) {
    if (tls) {
      if (cancelled_) co_return kCancelled;
      record_ = next_record();
      const auto step = tls->write(std::string_view(output).substr(sent_, record_));
      if (step != TlsChannel::Step::done) {
        const Verdict settled = co_await settle(step);
        if (!settled) co_return settled;
        continue;
      }
      if (!layered) left(std::string_view(output).substr(sent_, record_));
      sent_ += record_;
      turn_octets_ += record_;
      record_ = 0;
      if (turn_octets_ < kTurnOctets) continue;
      turn_octets_ = 0;
      co_await asio::post(socket_.get_executor(), asio::deferred);
      if (Clock::now() >= absolute_) co_return kTimeout;
    } else {
      if (const Verdict begun = begin_wait(For::room); !begun) co_return begun;
      const auto [error, octets] = co_await socket_.async_write_some(
          asio::buffer(output.data() + sent_, output.size() - sent_), asio::as_tuple(asio::deferred));
      if (const Verdict ended = end_wait(error); !ended) co_return ended;
      if (!layered) left(std::string_view(output).substr(sent_, octets));
      sent_ += octets;
    }
  }
  output.clear();
  sent_ = 0;
  if (layered) layered->wrapped = 0;
  co_return kGood;
}

Task<Verdict> Stream::Impl::wait_writable() {
  if (const Verdict begun = begin_wait(For::room); !begun) co_return begun;
  const auto [error] = co_await socket_.async_wait(Socket::wait_write, asio::as_tuple(asio::deferred));
  co_return end_wait(error);
}

// ---- TLS ----

Task<Verdict> Stream::Impl::receive_ciphertext() {
  if (const Verdict begun = begin_wait(For::input); !begun) co_return begun;
  const auto room = tls->space();
  const auto [error, octets] =
      co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), asio::as_tuple(asio::deferred));
  if (const Verdict ended = end_wait(error); !ended) co_return ended;
  tls->received(octets);
  co_return tls->is_noise() ? kNoise : kGood;
}

// Does what an unfinished step of the channel asks for, or says why it is the last one.
Task<Verdict> Stream::Impl::settle(TlsChannel::Step step) {
  switch (step) {
    case TlsChannel::Step::want_read:
      co_return co_await receive_ciphertext();
    case TlsChannel::Step::want_write:
      co_return co_await wait_writable();
    case TlsChannel::Step::closed:
      co_return kEndOfInput;
    case TlsChannel::Step::failed:
      co_return Verdict{Errc::io, false, 0, tls->failure().c_str()};
    case TlsChannel::Step::done:
      break;
  }
  co_return kGood;
}

Task<Result<TlsInfo>> Stream::Impl::start_tls(std::shared_ptr<Impl> self, const TlsContext& context) {
  CHECK(!self->tls);
  const Verdict sent = co_await self->send_output();
  if (!sent) co_return failure(sent);
  CHECK(self->input.unread() == 0);
  if (self->cancelled_) co_return failure(kCancelled);
  auto channel = TlsChannel::accept(context, self->socket_.native_handle());
  if (!channel) co_return tl::unexpected(std::move(channel.error()));
  self->tls = std::move(*channel);
  for (;;) {
    const auto step = self->tls->handshake();
    if (step == TlsChannel::Step::done) co_return self->tls->info();
    const Verdict settled = co_await self->settle(step);
    if (!settled) co_return failure(settled);
  }
}

// ---- the end ----

Task<void> Stream::Impl::close(std::shared_ptr<Impl> self, Clock::duration patience) {
  if (self->cancelled_) co_return;
  const auto now = Clock::now();
  self->idle_ = Clock::duration::zero();
  self->absolute_ = patience < Clock::time_point::max() - now ? now + patience : Clock::time_point::max();
  const Verdict sent = co_await self->send_output();
  if (sent && self->tls) {
    auto step = self->tls->shutdown();
    while (step == TlsChannel::Step::want_write) {
      const Verdict writable = co_await self->wait_writable();
      step = writable ? self->tls->shutdown() : TlsChannel::Step::closed;
    }
  }
  error_code error;
  self->socket_.shutdown(Socket::shutdown_send, error);
  // A close while input waits unread makes the kernel send a reset, which can overtake the last reply: read it away.
  std::size_t dropped = 0;
  const auto drain = std::make_unique<char[]>(LineBuffer::kSmallOctets);
  while (!error && dropped <= LineBuffer::kMaxDiscardOctets) {
    if (!self->begin_wait(For::input)) break;
    const auto [failure, octets] = co_await self->socket_.async_read_some(
        asio::buffer(drain.get(), LineBuffer::kSmallOctets), asio::as_tuple(asio::deferred));
    if (!self->end_wait(failure)) break;
    dropped += octets;
  }
  self->cancel();
}

// ---- Stream ----

Stream::Stream(Loop& loop, base::UniqueFd socket) : impl_(std::make_shared<Impl>(loop, std::move(socket))) {}
Stream::Stream(Stream&& other) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  if (impl_) impl_->cancel();
  impl_ = std::move(other.impl_);
  return *this;
}

Stream::~Stream() {
  if (impl_) impl_->cancel();
}

Task<Result<std::string_view>> Stream::read_line(std::size_t limit) {
  return Impl::read(impl_, Impl::Unit::line, limit);
}
Task<Result<std::string_view>> Stream::read_octets() {
  return Impl::read(impl_, Impl::Unit::octets, LineBuffer::kReadAheadOctets);
}
void Stream::consume(std::size_t octets) { impl_->input.consume(octets); }
bool Stream::has_line() const { return impl_->input.has_line(); }
std::size_t Stream::unread() const { return impl_->unread(); }
std::string& Stream::output() { return impl_->output; }
Task<Result<void>> Stream::flush() { return Impl::flush(impl_); }
bool Stream::output_is_full() const { return impl_->output.size() >= kOutputHighWater; }
void Stream::set_idle_timeout(Clock::duration idle) { impl_->set_idle_timeout(idle); }
void Stream::set_deadline(Clock::time_point absolute) { impl_->set_deadline(absolute); }
Task<Result<TlsInfo>> Stream::start_tls(const TlsContext& context) { return Impl::start_tls(impl_, context); }
Task<Result<void>> Stream::start_layer(std::unique_ptr<Layer> layer) {
  return Impl::start_layer(impl_, std::move(layer));
}
bool Stream::has_layer() const { return impl_->layered != nullptr; }
bool Stream::is_tls() const { return impl_->tls != nullptr; }
std::uint64_t Stream::octets_in() const { return impl_->octets_in; }
std::uint64_t Stream::octets_out() const { return impl_->octets_out; }
void Stream::set_witness(StreamWitness* witness) { impl_->witness = witness; }
Task<void> Stream::close(Clock::duration patience) { return Impl::close(impl_, patience); }
void Stream::cancel() { impl_->cancel(); }

}  // namespace net
