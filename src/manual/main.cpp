// Makes a manual page of its source: make_page SOURCE PAGE. Run by the build.

#include "manual/page.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <sysexits.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: make_page SOURCE PAGE\n";
    return EX_USAGE;
  }
  std::ifstream source(argv[1], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(source), {}};
  if (!source) {
    std::cerr << argv[1] << ": cannot be read\n";
    return EX_NOINPUT;
  }
  const auto page = manual::make_page(text);
  if (!page) {
    std::cerr << argv[1] << ":" << page.error().text << "\n";
    return EX_DATAERR;
  }
  std::ofstream out(argv[2], std::ios::binary | std::ios::trunc);
  out << *page << std::flush;
  if (!out) {
    std::cerr << argv[2] << ": cannot be written\n";
    return EX_CANTCREAT;
  }
  return EX_OK;
}
