#include <fmt/format.h>

#include <algorithm>

#include "backbone/tokenizer_json.h"

namespace telora {

namespace {

[[noreturn]] void refuse(const Fields& fields, const std::string& key, std::string_view found,
                         std::string_view want) {
  fields.fail(key, found, want, "this would change token ids and is not supported");
}

// The id of {"SpecialToken": {"id": "<s>"}}, or -1 for {"Sequence": {"id": "A"}}.
int32_t template_piece(Fields piece, Fields& processor, const TokenizerParts& parts) {
  if (piece.has("Sequence")) {
    piece.object("Sequence").string("id", {"A"});
    return -1;
  }
  Fields special = piece.object("SpecialToken");
  const std::string token = special.string("id");
  const std::optional<int32_t> id = parts.vocabulary->find(token);
  if (!id) {
    special.fail("id", fmt::format("'{}'", printable(token)), "a token of the vocabulary");
  }
  Fields entry = processor.object("special_tokens").object(token);
  if (entry.integers("ids") != std::vector<int64_t>{*id}) {
    entry.fail("ids", "other ids", fmt::format("[{}], the id of the token", *id));
  }
  return *id;
}

// Accepts [bos] text [eos].
void read_template(Fields& processor, TokenizerParts& parts) {
  std::vector<int32_t> ids;
  for (const Fields& piece : processor.objects("single")) {
    ids.push_back(template_piece(piece, processor, parts));
  }
  const auto text = std::ranges::find(ids, -1);
  const bool one_text = std::ranges::count(ids, -1) == 1;
  if (!one_text || text - ids.begin() > 1 || ids.end() - text > 2) {
    refuse(processor, "single", fmt::format("{} pieces", ids.size()),
           "the text A with at most one token before and one after it");
  }
  parts.add_bos = text != ids.begin();
  parts.add_eos = ids.back() != -1;
  if (parts.add_bos) parts.bos = ids.front();
  if (parts.add_eos) parts.eos = ids.back();
}

// The Replace step of a decoder: ▁ is a space.
void read_space_mark(Fields& step) {
  step.object("pattern").string("String", {"\xE2\x96\x81"});
  step.string("content", {" "});
}

// The Strip step of a decoder; others than "one space at the start" are not known to exist.
DecodeRule::Leading read_strip(Fields& step) {
  step.string("content", {" "});
  step.integer("stop", {0, 0});
  return step.integer("start", {0, 1}) == 1 ? DecodeRule::Leading::kDropOne
                                            : DecodeRule::Leading::kKeep;
}

DecodeRule::Leading metaspace_leading(Fields& step) {
  return parse_metaspace(step).prepend == Metaspace::Prepend::kNever
             ? DecodeRule::Leading::kKeep
             : DecodeRule::Leading::kDropInFirstToken;
}

// Decoders of character and unigram models: Metaspace, or Replace, ByteFallback, Fuse, Strip in
// this order, each at most once.
void add_decoder_step(Fields& step, std::string& last, DecodeRule& rule) {
  const std::vector<std::string> order = {"Replace", "ByteFallback", "Fuse", "Strip"};
  const std::string type = step.string("type");
  const auto place = std::ranges::find(order, type);
  const bool later = place > std::ranges::find(order, last) || last.empty();
  if (type != "Metaspace" && (place == order.end() || !later)) {
    step.fail("type", fmt::format("'{}'", printable(type)),
              "Metaspace, or Replace, ByteFallback, Fuse, Strip in this order",
              "other decoders are not supported");
  }
  if (type == "Metaspace") rule.leading = metaspace_leading(step);
  if (type == "Replace") read_space_mark(step);
  if (type == "ByteFallback") rule.byte_pieces = true;
  if (type == "Strip") rule.leading = read_strip(step);
  rule.space_mark |= type == "Metaspace" || type == "Replace";
  step.finish();
  last = type;
}

}  // namespace

DecodeRule parse_decoder(Fields& root, bool byte_level) {
  Fields decoder = root.object("decoder");
  const std::string type = decoder.string("type");
  DecodeRule rule;
  rule.byte_level = byte_level;
  if (byte_level != (type == "ByteLevel")) {
    decoder.fail("type", fmt::format("'{}'", printable(type)),
                 byte_level ? "ByteLevel" : "Sequence or Metaspace",
                 "pre-tokenizer and decoder must belong together");
  }
  if (byte_level) return rule;
  std::vector<Fields> steps{decoder};
  if (type == "Sequence") steps = decoder.objects("decoders");
  std::string last;
  for (Fields& step : steps) add_decoder_step(step, last, rule);
  return rule;
}

void parse_post_processor(Fields& root, TokenizerParts& parts) {
  const std::string key = "post_processor";
  if (!root.has(key) || root.is_null(key)) return root.ignore(key);
  std::vector<Fields> steps{root.object(key)};
  if (steps[0].string("type") == "Sequence") steps = steps[0].objects("processors");
  for (Fields& step : steps) {
    const std::string type = step.string("type");
    if (type == "TemplateProcessing") {
      read_template(step, parts);
    } else if (type != "ByteLevel") {  // which concerns reported offsets only
      refuse(step, "type", fmt::format("'{}'", printable(type)), "ByteLevel, TemplateProcessing");
    }
  }
}

}  // namespace telora
