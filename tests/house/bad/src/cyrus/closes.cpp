#include <unistd.h>

struct Stream {
  void close(int patience);  // a declaration is fine
};

void leave(Stream& stream, Stream* other, int fd) {
  stream.close(1);
  other->close(1);
  // close(fd) in a comment is fine
  if (fd > 2) close(fd);
  ::close(fd);
  const int result = close(fd);
  if (result != 0) return;
  (void)::close(fd);
  close(fd);  // house: close, left open by exec for this very purpose
}
