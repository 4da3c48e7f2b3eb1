#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "export/provenance.h"

namespace telora {

struct BundleFile {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
};

// A prompt with the generation prompt of the template, and what is to come of it.
struct BundlePrompt {
  std::string text;  // may be empty
  std::vector<int32_t> ids;
  std::string answer;
  std::vector<int32_t> answer_ids;  // without the token that ends it
};

// manifest.json of a bundle; docs/formats.md describes it.
struct BundleManifest {
  std::string category;
  std::string backbone;
  std::string form;  // gguf or peft
  std::string chat_template;
  int64_t max_new_tokens = 0;
  std::vector<int32_t> stop;  // ids that end an answer
  Provenance origin;
  std::vector<BundleFile> files;
  std::vector<BundlePrompt> prompts;
};

void write_bundle_manifest(const std::filesystem::path& path, const BundleManifest& manifest);

// Throws Error(data) naming file and field, also for a newer format.
BundleManifest read_bundle_manifest(const std::filesystem::path& path);

// The value of a key of the origin; empty where it has none.
std::string origin_of(const BundleManifest& manifest, const std::string& key);

}  // namespace telora
