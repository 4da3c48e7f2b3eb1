#include "ablate/tensorboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/error.h"

namespace telora {

namespace {

using Json = nlohmann::json;

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) * 0x82F63B78U);
    table[i] = value;
  }
  return table;
}();

// Rotated and shifted, so that the CRC of a record that holds CRCs is of use.
uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

template <typename T>
std::string little_endian(T value) {
  std::string bytes(sizeof(T), '\0');
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  }
  return bytes;
}

// Protocol buffer wire format.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

enum Wire : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string tag(uint64_t field, Wire wire) { return varint(field << 3 | wire); }

std::string bytes_field(uint64_t field, std::string_view bytes) {
  return tag(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string event_head(double wall_time, int64_t step) {
  return tag(1, kFixed64) + little_endian(std::bit_cast<uint64_t>(wall_time)) + tag(2, kVarint) +
         varint(static_cast<uint64_t>(step));
}

std::string scalar_value(std::string_view name, double value) {
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  return bytes_field(1, bytes_field(1, name) + tag(2, kFixed32) + little_endian(bits));
}

// What of a line is shown, and under which name.
constexpr std::pair<const char*, const char*> kTraining[] = {
    {"loss", "train/loss"},
    {"lr", "train/learning_rate"},
    {"grad_norm", "train/grad_norm"},
    {"tokens_per_second", "train/tokens_per_second"}};
constexpr std::pair<const char*, const char*> kValidation[] = {
    {"loss", "validation/loss"},
    {"selection_accuracy", "validation/selection_accuracy"},
    {"balanced_accuracy", "validation/balanced_accuracy"},
    {"rotated_accuracy", "validation/rotated_accuracy"}};

std::vector<std::pair<std::string_view, double>> scalars_of(const Json& line) {
  std::vector<std::pair<std::string_view, double>> scalars;
  const auto add = [&](const auto& names) {
    for (const auto& [key, name] : names) {
      if (line.contains(key) && line[key].is_number()) {
        scalars.emplace_back(name, line[key].template get<double>());
      }
    }
  };
  line.contains("evaluation") ? add(kValidation) : add(kTraining);
  return scalars;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& path)
    : name_(path.string()), file_(open_descriptor(name_, O_WRONLY | O_CREAT | O_TRUNC, 0666)) {
  if (!file_.valid()) {
    fail(ErrorKind::kCannotCreate, {name_, {}}, errno_text(errno), "an event file");
  }
  append(tag(1, kFixed64) + little_endian(std::bit_cast<uint64_t>(0.0)) +
         bytes_field(3, "brain.Event:2"));
}

void EventFile::write(int64_t step, double seconds,
                      const std::vector<std::pair<std::string_view, double>>& scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars) summary += scalar_value(name, value);
  append(event_head(seconds, step) + bytes_field(5, summary));
}

void EventFile::append(std::string_view event) {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  const std::string record = length + little_endian(masked_crc(length)) + std::string(event) +
                             little_endian(masked_crc(event));
  size_t done = 0;
  while (done < record.size()) {
    const ssize_t count = ::write(file_.get(), record.data() + done, record.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(ErrorKind::kIo, {name_, {}}, errno_text(errno), "room for an event");
    done += static_cast<size_t>(count);
  }
}

TensorboardMirror::TensorboardMirror(const std::filesystem::path& run)
    : run_(run), lines_(run / "metrics.jsonl") {}

void TensorboardMirror::update() {
  lines_.read([this](std::string_view text) {
    const Json line = Json::parse(text, nullptr, false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) return;
    if (!events_) events_.emplace(run_ / "events.out.tfevents.telora");
    const double seconds =
        line.contains("seconds") && line["seconds"].is_number() ? line["seconds"].get<double>() : 0;
    events_->write(line["step"], seconds, scalars_of(line));
  });
}

}  // namespace telora
