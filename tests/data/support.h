#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/example.h"
#include "data/source.h"

namespace telora::testing {

// A folder of its own for one test, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::filesystem::path write(const std::string& name, const std::string& text) const;
  std::filesystem::path write_gzip(const std::string& name, const std::string& text) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The Error that `action` throws; nothing if it returns.
std::optional<Error> error_of(const std::function<void()>& action);

// Expects an Error of this kind whose message holds every part.
void expect_error(ErrorKind kind, const std::vector<std::string>& parts,
                  const std::function<void()>& action);

// The published data set: TELORA_OT_FULL, or ../shared/data/ot-full beside the source tree.
std::optional<std::filesystem::path> published_folder();

}  // namespace telora::testing

// Skips the test where the published data set is not at hand.
#define TELORA_REQUIRE_PUBLISHED_DATA()                                                      \
  if (!telora::testing::published_folder())                                                  \
  GTEST_SKIP() << "the published data set is absent: point TELORA_OT_FULL at a folder with " \
                  "the ot-full files"
