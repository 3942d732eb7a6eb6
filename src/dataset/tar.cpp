#include "tar.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "unroll/base/error.hpp"
#include "unroll/base/text.hpp"

namespace unroll::dataset {
namespace {

constexpr std::uint64_t kMaxArchiveBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxNoteBytes = std::uint64_t{1} << 16;

// Fields of a header: offset and length.
struct Field {
  std::size_t offset, length;
};
constexpr Field kName{0, 100}, kSize{124, 12}, kChecksum{148, 8}, kMagic{257, 8}, kPrefix{345, 155};
constexpr std::size_t kType = 156;

template <typename Block>
std::string_view text_of(const Block& header, Field field) {
  const std::string_view text(reinterpret_cast<const char*>(header.data()) + field.offset, field.length);
  return text.substr(0, text.find('\0'));
}

template <typename Block>
std::string_view raw_of(const Block& header, Field field) {
  return {reinterpret_cast<const char*>(header.data()) + field.offset, field.length};
}

/// Octal digits, with blanks before them and blanks and NULs behind.
std::optional<std::uint64_t> octal(std::string_view text) {
  constexpr std::string_view kDigits = "01234567", kBehind("\0 ", 2);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto length = std::min(text.find_first_not_of(kDigits), text.size());
  if (length == 0 || text.find_first_not_of(kBehind, length) != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char digit : text.substr(0, length)) {
    value = value * 8 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;  // 12 digits at most: 36 bits
}

/// GNU tar's numbers that do not fit in octal: 80 hex, then big-endian.
std::optional<std::uint64_t> base_256(std::string_view text) {
  std::uint64_t value = 0;
  for (const char character : text.substr(1)) {
    if (value >> 55 != 0) {
      return std::nullopt;
    }
    value = value << 8 | static_cast<std::uint8_t>(character);
  }
  return value;
}

template <typename Block>
bool has_right_checksum(const Block& header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool is_checksum = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.length;
    sum += is_checksum ? std::uint8_t{' '} : header[i];
  }
  return octal(raw_of(header, kChecksum)) == sum;
}

/// Records "LENGTH KEY=VALUE\n" of a POSIX header. Only such as do not change what an entry is called or how long it
/// is can be passed over.
bool is_harmless(std::string_view records) {
  while (!records.empty()) {
    const auto blank = records.find(' ');
    const auto length = parse_integer(records.substr(0, std::min(blank, records.size())));
    if (!length || *length < 1 || static_cast<std::uint64_t>(*length) > records.size() ||
        static_cast<std::size_t>(*length) <= blank || records[static_cast<std::size_t>(*length) - 1] != '\n') {
      return false;
    }
    const std::string_view record = records.substr(blank + 1, static_cast<std::size_t>(*length) - blank - 2);
    const std::string_view key = record.substr(0, record.find('='));
    if (key.size() == record.size() || key == "path" || key == "size" || key.starts_with("GNU.sparse")) {
      return false;
    }
    records.remove_prefix(static_cast<std::size_t>(*length));
  }
  return true;
}

}  // namespace

TarReader::TarReader(const std::string& path) : stream_(path) {}

void TarReader::refuse(const std::string& why) const { throw UsageError(stream_.path() + ": " + why); }

void TarReader::read(std::span<std::uint8_t> bytes) {
  num_read_ += bytes.size();
  if (num_read_ > kMaxArchiveBytes) {
    refuse("unpacks to more than 2 GiB, too much for this data set; fetch it again");
  }
  if (stream_.read(bytes) != bytes.size()) {
    refuse("is no whole tar archive: it is cut short; fetch it again");
  }
}

std::string TarReader::take(std::uint64_t size) {
  std::string text(size, '\0');
  read({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

std::string TarReader::content() {
  std::string text = take(unread_);
  unread_ = 0;
  return text;
}

void TarReader::skip() {
  std::array<std::uint8_t, 1 << 16> sink;
  for (std::uint64_t left = unread_ + padding_; left > 0;) {
    const auto count = std::min<std::uint64_t>(left, sink.size());
    read(std::span(sink).first(count));
    left -= count;
  }
  unread_ = padding_ = 0;
}

std::string TarReader::note(std::uint64_t size) {
  if (size > kMaxNoteBytes) {
    refuse("holds a long name of " + std::to_string(size) + " bytes, more than " + std::to_string(kMaxNoteBytes));
  }
  std::string text = take(size);
  skip();
  return text;
}

std::uint64_t TarReader::size_of(const Block& header, const std::string& name) const {
  const std::string_view field = raw_of(header, kSize);
  const auto size = field[0] == '\x80' ? base_256(field) : octal(field);
  if (!size || *size > kMaxArchiveBytes) {
    refuse("entry '" + printable(name) + "' has a size that cannot be; fetch it again");
  }
  return *size;
}

// Two blocks of zeros end an archive, and nothing but zeros follows; one was read.
void TarReader::check_end() {
  std::vector<std::uint8_t> rest(1 << 16);
  bool has_second = false;
  while (const std::size_t count = stream_.read(rest)) {
    num_read_ += count;
    has_second = has_second || count >= kBlock;
    if (num_read_ > kMaxArchiveBytes || std::any_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count),
                                                    [](std::uint8_t byte) { return byte != 0; })) {
      refuse("goes on behind the end of its tar archive; fetch it again");
    }
  }
  if (!has_second) {
    refuse("is no whole tar archive: its end is missing; fetch it again");
  }
}

std::optional<TarEntry> TarReader::next() {
  skip();
  std::string long_name;
  for (;;) {
    Block header;
    read(header);
    if (std::all_of(header.begin(), header.end(), [](std::uint8_t byte) { return byte == 0; })) {
      check_end();
      return std::nullopt;
    }
    const std::string_view magic = raw_of(header, kMagic);
    const bool is_posix = magic == std::string_view("ustar\00000", 8);
    if (!has_right_checksum(header) || (!is_posix && magic != std::string_view("ustar  \0", 8))) {
      refuse("is no tar archive, or damaged: a header is wrong; fetch it again");
    }
    const std::string_view prefix = is_posix ? text_of(header, kPrefix) : "";
    std::string name = (prefix.empty() ? "" : std::string(prefix) + '/') + std::string(text_of(header, kName));
    if (!long_name.empty()) {
      name = std::move(long_name);
    }
    const std::uint64_t size = size_of(header, name);
    const char type = static_cast<char>(header[kType]);
    padding_ = (kBlock - size % kBlock) % kBlock;
    switch (type) {
      case '\0':
      case '0':
      case '7':
        unread_ = size;
        return TarEntry{std::move(name), size, true};
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
        if (size != 0) {
          refuse("entry '" + printable(name) + "' is no file and has a content; fetch it again");
        }
        return TarEntry{std::move(name), 0, false};
      case 'L':
        long_name = note(size);
        long_name.resize(std::min(long_name.find('\0'), long_name.size()));
        break;
      case 'K':
        (void)note(size);
        break;
      case 'x':
      case 'g':
        if (!is_harmless(note(size))) {
          refuse("has a POSIX header that renames or resizes entries; repack it with tar --format=gnu");
        }
        break;
      default:
        refuse("entry '" + printable(name) + "' is of a kind that this data set does not have; fetch it again");
    }
  }
}

}  // namespace unroll::dataset
