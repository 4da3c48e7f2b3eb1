#include <fmt/format.h>

#include "backbone/tokenizer_json.h"

namespace telora {

namespace {

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
  rule.invert = json_flag(fields, "invert", false);
  rules.push_back(std::move(rule));
}

void add_byte_level(Fields& fields, std::vector<SplitRule>& rules) {
  if (json_flag(fields, "add_prefix_space", true)) {
    fields.fail("add_prefix_space", "true", "false", "prefix spaces are not supported");
  }
  fields.ignore("trim_offsets");  // concerns reported offsets only
  if (json_flag(fields, "use_regex", true)) rules.push_back(kGpt2Split);
}

// Files of older versions say add_prefix_space instead of prepend_scheme.
Metaspace::Prepend parse_prepend(Fields& fields) {
  using Prepend = Metaspace::Prepend;
  if (!fields.has("prepend_scheme")) {
    return json_flag(fields, "add_prefix_space", true) ? Prepend::kAlways : Prepend::kNever;
  }
  fields.ignore("add_prefix_space");
  const std::string scheme = fields.string("prepend_scheme", {"always", "first", "never"});
  if (scheme == "always") return Prepend::kAlways;
  return scheme == "first" ? Prepend::kFirst : Prepend::kNever;
}

}  // namespace

Metaspace parse_metaspace(Fields& fields) {
  Metaspace metaspace;
  fields.string("replacement", {"\xE2\x96\x81"});
  fields.ignore("str_rep");
  metaspace.prepend = parse_prepend(fields);
  metaspace.split = json_flag(fields, "split", true);
  return metaspace;
}

namespace {

void add_step(Fields& fields, PreTokenizerSteps& steps) {
  const std::string type = fields.string("type");
  std::vector<SplitRule>& rules = steps.rules;
  if (type == "Digits") {
    rules.push_back(json_flag(fields, "individual_digits", false) ? kDigitSplit : kDigitRunSplit);
  } else if (type == "Split") {
    add_split(fields, rules);
  } else if (type == "ByteLevel") {
    add_byte_level(fields, rules);
    steps.byte_level = true;
  } else if (type == "Metaspace") {
    steps.metaspace = parse_metaspace(fields);
  } else if (type == "WhitespaceSplit") {
    rules.push_back({"\\s", SplitBehavior::kRemoved});
  } else {
    fields.fail("type", fmt::format("'{}'", printable(type)),
                "Sequence (outermost), Digits, Split, WhitespaceSplit, ByteLevel or Metaspace",
                "it is not supported");
  }
  fields.finish();
}

}  // namespace

PreTokenizerSteps parse_pre_tokenizer(Fields& root) {
  const std::string key = "pre_tokenizer";
  if (!root.has(key) || root.is_null(key)) {
    root.ignore(key);
    return {};
  }
  Fields fields = root.object(key);
  std::vector<Fields> steps;
  if (fields.string("type") == "Sequence") {
    steps = fields.objects("pretokenizers");
    fields.finish();
  } else {
    steps.push_back(fields);
  }
  PreTokenizerSteps parsed;
  for (Fields& step : steps) {
    if (parsed.byte_level || parsed.metaspace) {
      step.fail("type",
                fmt::format("a step after {}", parsed.byte_level ? "ByteLevel" : "Metaspace"),
                "ByteLevel or Metaspace as the last step");
    }
    add_step(step, parsed);
  }
  return parsed;
}

}  // namespace telora
