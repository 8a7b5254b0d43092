#pragma once

namespace auth {

/// A callback as the list of libsasl2 holds it; the library calls each as the type that its id stands for. By way of
/// void(*)(), the one function type that compilers let stand for any other.
template <class Function>
int (*as_callback(Function* function))() {
  return reinterpret_cast<int (*)()>(reinterpret_cast<void (*)()>(function));
}

}  // namespace auth
