#include "tools/inspect_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>
#include <numeric>

#include "adapters/adapter_size.h"
#include "backbone/backbone.h"
#include "core/digest.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<int64_t, 5> kRanks = {4, 8, 16, 32, 64};

struct Part {
  std::string name;
  int64_t parameters = 0;
};

// Which part of a decoder a Hugging Face parameter name belongs to.
std::string part_of(const std::string& name) {
  if (name.find("embed_tokens") != std::string::npos) return "embedding";
  if (name.find("norm") != std::string::npos) return "norms";
  if (name.find(".self_attn.") != std::string::npos) return "attention";
  if (name.find("mlp.") != std::string::npos) return "mlp";
  return "head";
}

std::vector<Part> parts_of(const DecoderSpec& spec) {
  std::vector<Part> parts;
  for (const ParameterShape& parameter : parameter_shapes(spec)) {
    const std::string name = part_of(parameter.name);
    auto found = std::ranges::find(parts, name, &Part::name);
    if (found == parts.end()) found = parts.insert(parts.end(), {name, 0});
    found->parameters += std::accumulate(parameter.shape.begin(), parameter.shape.end(), int64_t{1},
                                         std::multiplies<>());
  }
  return parts;
}

struct Model {
  BackboneSource source;
  DecoderSpec spec;
  std::vector<Part> parts;
  int64_t parameters = 0;
  std::string weights, tokenizer, chat_format;
  std::string chat_template;  // digest of the model's own; empty = it has none
};

// Empty where the model's template is none of the implemented ones: no reason not to look at the
// rest.
std::string chat_format_name(const Model& model, const Tokenizer& tokenizer) {
  try {
    return std::string(chat_template_name(chat_format_for(model.source, tokenizer, model.spec)));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kConfig) throw;
    return {};
  }
}

Model read_model(const std::string& name) {
  Model model;
  model.source = find_backbone(name);
  const Checkpoint checkpoint = Checkpoint::open(model.source.path);
  const Tokenizer tokenizer = read_tokenizer(model.source.path);
  model.spec = checkpoint.spec();
  model.parts = parts_of(model.spec);
  model.parameters = parameter_count(model.spec);
  model.weights = checkpoint.digest();
  model.tokenizer = tokenizer.digest();
  if (const auto text = tokenizer.chat_template()) model.chat_template = sha256(*text);
  model.chat_format = chat_format_name(model, tokenizer);
  return model;
}

Json adapters_json(const Model& model) {
  const std::vector<ModuleShape> modules = linear_modules(model.spec);
  Json rows = Json::array();
  for (const int64_t rank : kRanks) {
    rows.push_back({{"rank", rank},
                    {"parameters", lora_parameter_count(modules, rank)},
                    {"file_bytes_f32", adapter_file_bytes(modules, rank, Dtype::kF32)},
                    {"file_bytes_bf16", adapter_file_bytes(modules, rank, Dtype::kBF16)}});
  }
  return rows;
}

Json spec_json(const DecoderSpec& spec) {
  return {{"layers", spec.layers},
          {"hidden", spec.hidden},
          {"heads", spec.heads},
          {"kv_heads", spec.kv_heads},
          {"head_dim", spec.head_dim},
          {"intermediate", spec.intermediate},
          {"vocab", spec.vocab},
          {"max_positions", spec.max_positions},
          {"rms_eps", spec.rms_eps},
          {"rope_theta", spec.rope_theta},
          {"tied_head", spec.tied_head},
          {"attention_bias", spec.attention_bias},
          {"mlp_bias", spec.mlp_bias},
          {"attention_scale", spec.attention_scale},
          {"logit_scale", spec.logit_scale}};
}

Json to_json(const Model& model) {
  Json parts = Json::object();
  for (const Part& part : model.parts) parts[part.name] = part.parameters;
  Json own_template = model.chat_template.empty() ? Json() : Json(model.chat_template);
  return {
      {"name", model.source.name},
      {"path", model.source.path.string()},
      {"architecture", model.spec.architecture},
      {"spec", spec_json(model.spec)},
      {"parameters", model.parameters},
      {"parameters_by_part", parts},
      {"memory_bytes", {{"f32", 4 * model.parameters}, {"bf16", 2 * model.parameters}}},
      {"adapters", adapters_json(model)},
      {"chat_format", model.chat_format.empty() ? Json() : Json(model.chat_format)},
      {"digests",
       {{"weights", model.weights}, {"tokenizer", model.tokenizer}, {"template", own_template}}}};
}

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void print_adapters(const Model& model) {
  const std::vector<ModuleShape> modules = linear_modules(model.spec);
  fmt::print("adapters on all {} linear layers\n", modules.size());
  fmt::print("  {:>4} {:>12} {:>9} {:>22} {:>22}\n", "rank", "parameters", "share", "file, F32",
             "file, BF16");
  for (const int64_t rank : kRanks) {
    const int64_t count = lora_parameter_count(modules, rank);
    const uint64_t f32 = adapter_file_bytes(modules, rank, Dtype::kF32);
    const uint64_t bf16 = adapter_file_bytes(modules, rank, Dtype::kBF16);
    fmt::print("  {:>4} {:>12} {:>7.3f} % {:>11} ({:>6.2f} MiB) {:>11} ({:>6.2f} MiB)\n", rank,
               count, 100.0 * static_cast<double>(count) / static_cast<double>(model.parameters),
               f32, mebibytes(f32), bf16, mebibytes(bf16));
  }
}

void print_text(const Model& model) {
  const DecoderSpec& spec = model.spec;
  const auto bytes = static_cast<uint64_t>(model.parameters);
  fmt::print("{} ({})\n", model.source.name, model.source.path.string());
  fmt::print("{}: {} layers, hidden {}, {} heads of {} ({} of keys and values), intermediate {}\n",
             spec.architecture, spec.layers, spec.hidden, spec.heads, spec.head_dim, spec.kv_heads,
             spec.intermediate);
  fmt::print("vocabulary {}, {} positions, rope theta {}, head {}\n", spec.vocab,
             spec.max_positions, spec.rope_theta,
             spec.tied_head ? "tied to the embedding" : "untied");
  fmt::print("parameters {}\n", model.parameters);
  for (const Part& part : model.parts) fmt::print("  {:<10} {:>12}\n", part.name, part.parameters);
  fmt::print("memory of the weights: f32 {:.1f} MiB, bf16 {:.1f} MiB\n", mebibytes(4 * bytes),
             mebibytes(2 * bytes));
  print_adapters(model);
  fmt::print("chat format {}\n", model.chat_format.empty() ? "unknown: set chat_template to use it"
                                                           : model.chat_format);
  fmt::print("sha256\n  weights   {}\n  tokenizer {}\n  template  {}\n", model.weights,
             model.tokenizer,
             model.chat_template.empty() ? "the model has none" : model.chat_template);
}

}  // namespace

void inspect_model(const std::string& backbone, bool json) {
  const Model model = read_model(backbone);
  if (json) {
    fmt::print("{}\n", to_json(model).dump());
  } else {
    print_text(model);
  }
}

}  // namespace telora
