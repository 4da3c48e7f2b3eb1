#include <fmt/format.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "backbone/tokenizer_json.h"

namespace telora {

namespace {

constexpr size_t kMaxSteps = 16;
constexpr size_t kMaxCharsmap = size_t{1} << 26;  // bytes of base64

NormalizerStep make_step(NormalizerStep::Kind kind, std::string text = {}) {
  NormalizerStep step{.kind = kind, .text = std::move(text), .pattern = {}};
  return step;
}

NormalizerStep parse_replace(Fields& fields) {
  Fields pattern = fields.object("pattern");
  const bool literal = pattern.has("String");
  const std::string key = literal ? "String" : "Regex";
  const std::string text = pattern.string(key);
  if (text.empty()) pattern.fail(key, "an empty pattern", "one that matches text");
  NormalizerStep step = make_step(NormalizerStep::Kind::kReplace, fields.string("content"));
  step.pattern.emplace(text, pattern.where(key), literal);
  pattern.finish();
  return step;
}

NormalizerStep parse_strip(Fields& fields) {
  NormalizerStep step = make_step(NormalizerStep::Kind::kStrip);
  step.left = fields.boolean("strip_left");
  step.right = fields.boolean("strip_right");
  return step;
}

// Nothing for text that is not base64.
std::optional<std::string> from_base64(const std::string& text) {
  if (text.size() > kMaxCharsmap || text.find_first_of(" \t\r\n") != std::string::npos) return {};
  std::string bytes(text.size() / 4 * 3 + 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return {};
  const size_t padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
  if (padding > 2) return {};
  bytes.resize(static_cast<size_t>(size) - padding);  // the padding was decoded to zeros
  return bytes;
}

NormalizerStep parse_precompiled(Fields& fields) {
  const std::string key = "precompiled_charsmap";
  const std::string text = fields.string(key);
  const auto blob = from_base64(text);
  if (!blob) fields.fail(key, "text that is not base64", "base64 with its padding");
  NormalizerStep step = make_step(NormalizerStep::Kind::kPrecompiled);
  step.charsmap = std::make_shared<const Charsmap>(*blob, fields.where(key));
  return step;
}

NormalizerStep parse_step(Fields& fields) {
  const std::string type = fields.string("type");
  if (type == "NFC") return make_step(NormalizerStep::Kind::kNfc);
  if (type == "Prepend") {
    return make_step(NormalizerStep::Kind::kPrepend, fields.string("prepend"));
  }
  if (type == "Replace") return parse_replace(fields);
  if (type == "Strip") return parse_strip(fields);
  if (type == "Precompiled") return parse_precompiled(fields);
  fields.fail("type", fmt::format("'{}'", printable(type)),
              "Sequence (outermost), NFC, Prepend, Replace, Strip or Precompiled",
              "it would change token ids and is not supported");
}

}  // namespace

TextNormalizer parse_normalizer(Fields& root) {
  const std::string key = "normalizer";
  if (!root.has(key) || root.is_null(key)) {
    root.ignore(key);
    return {};
  }
  std::vector<Fields> written{root.object(key)};
  if (written[0].string("type") == "Sequence") {
    Fields sequence = written[0];
    written = sequence.objects("normalizers");
    sequence.finish();
  }
  if (written.size() > kMaxSteps) {
    root.fail(key, fmt::format("{} steps", written.size()), fmt::format("at most {}", kMaxSteps));
  }
  std::vector<NormalizerStep> steps;
  for (Fields& fields : written) {
    steps.push_back(parse_step(fields));
    fields.finish();
  }
  return TextNormalizer(std::move(steps));
}

}  // namespace telora
