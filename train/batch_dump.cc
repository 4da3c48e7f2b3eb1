#include "train/batch_dump.h"

#include <nlohmann/json.hpp>

namespace telora {

namespace {

nlohmann::ordered_json row_json(const EncodedExample& row, bool full_loss) {
  const std::vector<int32_t> ids = row_ids(row);
  std::vector<int32_t> labels = ids;
  if (!full_loss) std::fill_n(labels.begin(), row.prompt.size(), -100);
  return {{"ids", ids}, {"labels", labels}};
}

}  // namespace

BatchDump::BatchDump(const std::string& path, bool full_loss)
    : file_(path), path_(path), full_loss_(full_loss) {
  if (!file_)
    fail(ErrorKind::kCannotCreate, {path, "--dump-batches"}, "no way to write it",
         "a writable file");
}

void BatchDump::write(const BatchView& view) {
  nlohmann::ordered_json line{
      {"step", view.step}, {"lr", view.lr}, {"rows", nlohmann::ordered_json::array()}};
  for (const EncodedExample* row : view.rows) line["rows"].push_back(row_json(*row, full_loss_));
  file_ << line.dump() << '\n' << std::flush;
  if (!file_) fail(ErrorKind::kIo, {path_, ""}, "a failed write", "room on the disk");
}

}  // namespace telora
