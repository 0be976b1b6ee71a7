// A first look at the bytes of a case file, before the TOML library sees them. Outside of quotes and comments TOML is
// plain ASCII; toml++ 3.3 runs into unreachable code (undefined behaviour) on some other characters there.
#include "case_tree.hpp"
#include "kolmo/base/error.hpp"

namespace kolmo::detail {

namespace {

class Scanner {
 public:
  Scanner(const std::string& text, const std::string& name) : text_(text), name_(name) {}

  void scan() {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark is let pass
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') step();
      } else if (c == '"' || c == '\'') {
        quoted(c);
      } else {
        if (!plain(c)) refuse("a character that may stand only in quotes or comments");
        step();
      }
    }
  }

 private:
  static bool ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
  static bool plain(char c) { return (ascii(c) && c >= 0x20 && c != 0x7f) || c == '\n' || c == '\r' || c == '\t'; }

  void step() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++line_;
      column_ = 1;
    } else if ((c & 0xC0) != 0x80) {
      ++column_;  // a character, not the rest of one
    }
  }

  /// To the end of a string in one or in three quotes; an unfinished one is left for the library to report.
  void quoted(char quote) {
    const std::string three(3, quote);
    const bool multiline = text_.compare(at_, 3, three) == 0;
    for (int i = 0; i < (multiline ? 3 : 1); ++i) step();
    while (at_ < text_.size()) {
      if (!multiline && text_[at_] == '\n') return;
      if (multiline ? text_.compare(at_, 3, three) == 0 : text_[at_] == quote) {
        for (int i = 0; i < (multiline ? 3 : 1); ++i) step();
        return;
      }
      if (text_[at_] == '\\' && quote == '"') {
        step();
        if (at_ < text_.size() && multiline) line_continuation();
      }
      if (at_ < text_.size()) step();
    }
  }

  /// White space that a backslash at the end of a line swallows.
  void line_continuation() {
    std::size_t next = text_.find_first_not_of(" \t\r\n", at_);
    if (next == std::string::npos || next == at_ || ascii(text_[next])) return;
    while (at_ < next) step();
    refuse("a character outside of ASCII right behind a continued line");
  }

  [[noreturn]] void refuse(const std::string& reason) const {
    Node place;
    place.line = line_;
    place.column = column_;
    throw InputError(error_line(name_, place, false, "TOML syntax", reason));
  }

  const std::string& text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1, column_ = 1;
};

}  // namespace

void scan_bytes(const std::string& text, const std::string& name) { Scanner(text, name).scan(); }

}  // namespace kolmo::detail
