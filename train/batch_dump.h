#pragma once

#include <fstream>
#include <string>

#include "train/trainer.h"

namespace telora {

// Writes what each step trains on, for comparison with other trainers: one JSON object a step with
// `step`, `lr` and `rows` of `ids` and `labels` (aligned with ids, -100 where no loss is taken).
class BatchDump {
 public:
  // Throws Error(cannot_create).
  BatchDump(const std::string& path, bool full_loss);
  void write(const BatchView& view);

 private:
  std::ofstream file_;
  std::string path_;
  bool full_loss_;
};

}  // namespace telora
