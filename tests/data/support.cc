#include "tests/data/support.h"

#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

namespace telora::testing {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
  static std::atomic<int> count = 0;
  path_ = fs::temp_directory_path() /
          ("telora-data-" + std::to_string(getpid()) + "-" + std::to_string(count++));
  fs::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
  return path_ / name;
}

fs::path TemporaryFolder::write_gzip(const std::string& name, const std::string& text) const {
  const gzFile file = gzopen((path_ / name).c_str(), "wb");
  EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  gzclose(file);
  return path_ / name;
}

std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

void expect_error(ErrorKind kind, const std::vector<std::string>& parts,
                  const std::function<void()>& action) {
  const std::optional<Error> error = error_of(action);
  ASSERT_TRUE(error.has_value()) << "no Error";
  EXPECT_EQ(error->exit_code(), static_cast<int>(kind)) << error->what();
  for (const std::string& part : parts) EXPECT_THAT(error->what(), ::testing::HasSubstr(part));
}

std::optional<fs::path> published_folder() {
  const char* chosen = std::getenv("TELORA_OT_FULL");
  const fs::path folder =
      chosen ? fs::path(chosen) : fs::path(TELORA_SOURCE_DIR) / "../shared/data/ot-full";
  return fs::exists(folder / "teleqna.jsonl.gz") ? std::optional(folder) : std::nullopt;
}

}  // namespace telora::testing
