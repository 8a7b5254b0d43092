#pragma once

#include "base/fine.hpp"
#include "cyrus/store.hpp"
