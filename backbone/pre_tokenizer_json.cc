#include <fmt/format.h>

#include "backbone/tokenizer_json.h"

namespace telora {

namespace {

bool flag(Fields& fields, const std::string& key, bool otherwise) {
  return fields.has(key) ? fields.boolean(key) : otherwise;
}

SplitBehavior parse_behavior(Fields& fields) {
  const std::string name = fields.string(
      "behavior", {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"});
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  return SplitBehavior::kContiguous;
}

void add_split(Fields& fields, std::vector<SplitRule>& rules) {
  SplitRule rule;
  Fields pattern = fields.object("pattern");
  rule.literal = pattern.has("String");
  rule.pattern = pattern.string(rule.literal ? "String" : "Regex");
  pattern.finish();
  if (rule.pattern.empty()) fields.fail("pattern", "an empty pattern", "one that matches text");
  rule.behavior = parse_behavior(fields);
  rule.invert = flag(fields, "invert", false);
  rules.push_back(std::move(rule));
}

void add_byte_level(Fields& fields, std::vector<SplitRule>& rules) {
  if (flag(fields, "add_prefix_space", true)) {
    fields.fail("add_prefix_space", "true", "false", "prefix spaces are not supported");
  }
  fields.ignore("trim_offsets");  // concerns reported offsets only
  if (flag(fields, "use_regex", true)) rules.push_back(kGpt2Split);
}

// Whether the step was ByteLevel, after which the text is no longer text.
bool add_step(Fields& fields, std::vector<SplitRule>& rules) {
  const std::string type = fields.string("type");
  if (type == "Digits") {
    rules.push_back(flag(fields, "individual_digits", false) ? kDigitSplit : kDigitRunSplit);
  } else if (type == "Split") {
    add_split(fields, rules);
  } else if (type == "ByteLevel") {
    add_byte_level(fields, rules);
  } else {
    fields.fail("type", fmt::format("'{}'", printable(type)),
                "Sequence (outermost), Digits, Split or ByteLevel", "it is not supported");
  }
  fields.finish();
  return type == "ByteLevel";
}

}  // namespace

std::vector<SplitRule> parse_pre_tokenizer(Fields fields) {
  std::vector<Fields> steps;
  if (fields.string("type") == "Sequence") {
    steps = fields.objects("pretokenizers");
    fields.finish();
  } else {
    steps.push_back(fields);
  }
  std::vector<SplitRule> rules;
  bool byte_level = false;
  for (Fields& step : steps) {
    if (byte_level) step.fail("type", "a step after ByteLevel", "ByteLevel as the last step");
    byte_level = add_step(step, rules);
  }
  if (!byte_level) {
    fields.fail("", "no ByteLevel step", "ByteLevel as the last step",
                "only byte-level BPE tokenizers are supported");
  }
  return rules;
}

}  // namespace telora
