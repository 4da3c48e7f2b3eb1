#include "export/bundle_manifest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/files.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kFormat = 1;
constexpr int64_t kMostTokens = int64_t{1} << 31;

Json files_json(const std::vector<BundleFile>& files) {
  Json json = Json::array();
  for (const BundleFile& file : files) {
    json.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return json;
}

Json prompts_json(const std::vector<BundlePrompt>& prompts) {
  Json json = Json::array();
  for (const BundlePrompt& prompt : prompts) {
    json.push_back({{"text", prompt.text},
                    {"ids", prompt.ids},
                    {"answer", prompt.answer},
                    {"answer_ids", prompt.answer_ids}});
  }
  return json;
}

std::vector<int32_t> ids_of(Fields& fields, const std::string& key) {
  std::vector<int32_t> ids;
  for (const int64_t id : fields.integers(key, {.min = 0, .max = kMostTokens - 1})) {
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

BundleFile file_of(Fields& fields) {
  BundleFile file{.name = fields.string("name"),
                  .bytes = fields.integer("bytes", {.min = 0}),
                  .sha256 = fields.string("sha256")};
  const std::filesystem::path name = file.name;
  if (name.filename() != name) fields.fail("name", file.name, "the name of a file of the folder");
  fields.finish();
  return file;
}

BundlePrompt prompt_of(Fields& fields) {
  BundlePrompt prompt{.text = fields.string("text"),
                      .ids = ids_of(fields, "ids"),
                      .answer = fields.string("answer"),
                      .answer_ids = ids_of(fields, "answer_ids")};
  if (prompt.ids.empty()) fields.fail("ids", "none", "the tokens of a prompt");
  fields.finish();
  return prompt;
}

}  // namespace

void write_bundle_manifest(const std::filesystem::path& path, const BundleManifest& manifest) {
  Json origin = Json::object();
  for (const auto& [key, value] : manifest.origin) origin[key] = value;
  const Json json{{"format", kFormat},
                  {"category", manifest.category},
                  {"backbone", manifest.backbone},
                  {"form", manifest.form},
                  {"chat_template", manifest.chat_template},
                  {"max_new_tokens", manifest.max_new_tokens},
                  {"stop", manifest.stop},
                  {"origin", origin},
                  {"files", files_json(manifest.files)},
                  {"prompts", prompts_json(manifest.prompts)}};
  publish(path, json.dump(1) + "\n");
}

BundleManifest read_bundle_manifest(const std::filesystem::path& path) {
  Fields fields(Document::parse_json(read_text(path), path.string()));
  const int64_t format = fields.integer("format");
  if (format != kFormat) {
    fields.fail("format", std::to_string(format), std::to_string(kFormat),
                "a newer version of telora wrote this");
  }
  BundleManifest manifest{
      .category = fields.string("category"),
      .backbone = fields.string("backbone"),
      .form = fields.string("form", {"gguf", "peft"}),
      .chat_template = fields.string("chat_template"),
      .max_new_tokens = fields.integer("max_new_tokens", {.min = 1, .max = kMostTokens}),
      .stop = ids_of(fields, "stop"),
      .origin = {},
      .files = {},
      .prompts = {}};
  Fields origin = fields.object("origin");
  for (const std::string& key : origin.keys()) {
    manifest.origin.emplace_back(key, origin.string(key));
  }
  for (Fields& file : fields.objects("files")) manifest.files.push_back(file_of(file));
  for (Fields& prompt : fields.objects("prompts")) manifest.prompts.push_back(prompt_of(prompt));
  fields.finish();
  return manifest;
}

std::string origin_of(const BundleManifest& manifest, const std::string& key) {
  const auto found = std::ranges::find(manifest.origin, key, &Provenance::value_type::first);
  return found == manifest.origin.end() ? "" : found->second;
}

}  // namespace telora
