#include "base/gone.hpp"

#include <chrono>
