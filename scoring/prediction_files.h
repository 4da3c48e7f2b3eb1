#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scoring/prediction.h"

namespace telora {

// The files of predictions of one subject, by name: NAME for predictions-NAME.jsonl, "adapter" for
// predictions.jsonl. A part at the end of the name (-train, -validation, -test) is not of the name,
// so that the parts of one subject may lie in files of their own.
struct PredictionFiles {
  std::string name;
  std::vector<std::filesystem::path> paths = {};
};

// Those of a run's or an evaluation's folder, the base's first, then by name. Throws Error(missing)
// if there are none.
std::vector<PredictionFiles> prediction_files(const std::filesystem::path& folder);

// All lines of these files. Throws Error(data) for a file that is not of predictions, has none, or
// has a question twice.
std::vector<Prediction> read_files(const PredictionFiles& files);

// The predictions that a user means by FILE, FOLDER or FOLDER:NAME. A folder alone stands for its
// adapter, or for the only subject that it has besides the base. Throws as these do, and
// Error(usage) with the choices if there are several.
std::vector<Prediction> find_predictions(const std::string& where);

}  // namespace telora
