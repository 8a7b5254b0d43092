# shellcheck shell=bash
# For ./run and ./test: words on the screen, missing packages, building. Sourced, with `set -euo pipefail` on.

say() { printf '==> %s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Runs a command as root: by sudo when we are somebody else.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root to install packages, and there is no sudo; as root run: $*"
  fi
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Installs those of the named packages that are missing. Touches the network only when something is.
ensure_packages() {
  local missing=() package
  command -v dpkg-query >/dev/null || die "this is no Debian (no dpkg-query): install by hand what README.md names, then build with cmake"
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  say "Installing ${missing[*]}"
  local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}")
  # The lists may be there and fresh, absent (a bare image) or stale: try, and fetch them only when that fails.
  if ! apt-cache show "${missing[@]}" >/dev/null 2>&1 || ! as_root "${install[@]}"; then
    say "Fetching the package lists"
    as_root apt-get update
    as_root "${install[@]}"
  fi
}

# How many compilers at once: one a core, but a coroutine source takes up to 1.5 GB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  ((memory >= 1)) || memory=1
  echo $((cores < memory ? cores : memory))
}

# Configures (with what the array configure_options holds, too) and builds the preset of that name; further arguments are
# targets. Configuring again is cheap and sees new files.
configure_options=()
build_preset() {
  local preset=$1
  shift
  say "Building $preset${*:+: $*}"
  if [[ -e build && ! -w build ]]; then
    die "build/ belongs to $(stat -c %U build): run as that user, or remove it"
  fi
  mkdir -p build
  if ! cmake --preset "$preset" "${configure_options[@]}" >"build/configure-$preset.log" 2>&1; then
    cat "build/configure-$preset.log" >&2
    die "cmake --preset $preset failed"
  fi
  cmake --build --preset "$preset" --parallel "$(build_jobs)" ${1:+--target "$@"}
}

# Prints the tests of a log of `ctest --repeat until-pass` that failed and then passed.
second_chances() {
  awk '
    match($0, /Test +#[0-9]+: [^ ]+/) {
      name = substr($0, RSTART, RLENGTH)
      sub(/.*: /, "", name)
      if (/ Passed +[0-9.]+ sec$/) { if (name in failed) print name }
      else if (/\*\*\*/ && !/\*\*\*(Not Run|Skipped)/) failed[name] = 1
    }' "$1"
}

# What building the programs takes.
# shellcheck disable=SC2034  # used by those who source this
BUILD_PACKAGES=(g++ cmake ninja-build libboost1.81-dev libssl-dev libsasl2-dev libwrap0-dev libexpected-dev zlib1g-dev
  libdb-dev libicu-dev nlohmann-json3-dev)
