#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ablate/line_tail.h"
#include "core/descriptor.h"

namespace telora {

// CRC-32C (Castagnoli), as RFC 3720 defines it.
uint32_t crc32c(std::string_view bytes);

// An event file of TensorBoard: records with length and masked CRC-32C (the TFRecord format), each
// a serialised Event message (tensorflow/core/util/event.proto).
class EventFile {
 public:
  // Begins the file anew. Throws Error(cannot_create).
  explicit EventFile(const std::filesystem::path& path);

  // Scalars of one step; `seconds` stands for the wall time. Throws Error(io).
  void write(int64_t step, double seconds,
             const std::vector<std::pair<std::string_view, double>>& scalars);

 private:
  void append(std::string_view event);

  std::string name_;
  Descriptor file_;
};

// Mirrors a run's metrics.jsonl into events.out.tfevents.telora beside it. Wall times count from
// the beginning of the run, so that the same run gives the same figures.
class TensorboardMirror {
 public:
  explicit TensorboardMirror(const std::filesystem::path& run);
  void update();

 private:
  std::filesystem::path run_;
  LineTail lines_;
  std::optional<EventFile> events_;  // from the first line on
};

}  // namespace telora
