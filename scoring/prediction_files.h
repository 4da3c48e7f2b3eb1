#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scoring/prediction.h"

namespace telora {

// A file of predictions and who made them: NAME for predictions-NAME.jsonl, "adapter" for
// predictions.jsonl.
struct PredictionFile {
  std::string name;
  std::filesystem::path path;
};

// The predictions files of a run's or an evaluation's folder, the base's first, then by name.
// Throws Error(missing) if there is none.
std::vector<PredictionFile> prediction_files(const std::filesystem::path& folder);

// The predictions that a user means by FILE, FOLDER or FOLDER:NAME. A folder alone stands for its
// predictions.jsonl, or for the only file that it has besides the base's. Throws Error(missing) if
// there is none, Error(usage) with the choices if there are several, Error(data) for a file that is
// not of predictions, has none, or has a question twice.
std::vector<Prediction> find_predictions(const std::string& where);

}  // namespace telora
