#include "tools/inspect_command.h"

#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "backbone/backbone.h"
#include "backbone/device.h"
#include "core/document.h"
#include "core/files.h"
#include "eval/token_logits.h"
#include "tools/command_line.h"
#include "tools/inspect_adapter.h"
#include "tools/inspect_file.h"
#include "tools/inspect_generate.h"
#include "tools/inspect_model.h"
#include "tools/inspect_tensor.h"

namespace telora {

namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  std::string backbone = "smollm2-135m", adapter, precision = "f32", device = "cpu", file;
  std::string tensor, raw;  // of `file`; empty = the whole table, no dump
  std::string against;      // backbone that an adapter is checked against; empty = none
  std::vector<int32_t> tokens;
  bool json = false;
  bool decode = false;
};

void add_common(CLI::App* command, InspectFlags& flags) {
  command
      ->add_option("--backbone", flags.backbone,
                   "Name, model folder or .gguf file (of tokens: .model too)")
      ->capture_default_str();
  command->add_flag("--json", flags.json, "For programs: one JSON object a line");
}

void add_device(CLI::App* command, std::string& device) {
  command->add_option("--device", device, "cpu, or cuda in a program built for it")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
}

CLI::App* add_logits(CLI::App& app, InspectFlags& flags) {
  CLI::App* command =
      app.add_subcommand("logits", "Logits behind the last of some tokens, and their mean loss");
  add_common(command, flags);
  command->add_option("--adapter", flags.adapter, "Run or PEFT folder");
  command->add_option("--precision", flags.precision, "f32 or bf16")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->capture_default_str();
  add_device(command, flags.device);
  command->add_option("--tokens", flags.tokens, "Token ids, separated by commas")
      ->delimiter(',')
      ->required();
  return command;
}

CLI::App* add_generate(CLI::App& app, GenerateRequest& request, InspectFlags& flags) {
  CLI::App* command = app.add_subcommand("generate", "Answers to questions, greedy or sampled");
  add_common(command, flags);
  command->add_option("--adapter", request.adapter, "Run or PEFT folder");
  command->add_option("--precision", request.precision, "f32 or bf16")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->capture_default_str();
  add_device(command, request.device);
  command->add_option("--chat-template", request.chat_template,
                      "Name of the prompt format; default: by the model's own template");
  auto* prompt = command->add_option("--prompt", request.questions, "A question; may be repeated")
                     ->expected(1);
  prompt->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--tokens", request.tokens, "Token ids to continue as they are")
      ->delimiter(',')
      ->excludes(prompt);
  command->add_option("--max-new-tokens", request.max_new_tokens, "Length of an answer at most")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_option("--temperature", request.sampling.temperature, "0: greedy")
      ->capture_default_str();
  command->add_option("--top-p", request.sampling.top_p, "Nucleus to draw from; 1: all tokens")
      ->capture_default_str();
  command->add_option("--seed", request.seed, "Of the drawn tokens")->capture_default_str();
  return command;
}

CLI::App* add_tokens(CLI::App& app, InspectFlags& flags) {
  CLI::App* command = app.add_subcommand(
      "tokens", "Token ids of each line of a file (.jsonl: each line a JSON string)");
  add_common(command, flags);
  command->add_option("file", flags.file, "Text file, or .jsonl with one JSON string a line")
      ->required();
  command->add_flag("--decode", flags.decode, "The text of the ids instead of the ids");
  return command;
}

CLI::App* add_model(CLI::App& app, InspectFlags& flags) {
  CLI::App* command =
      app.add_subcommand("model", "Sizes, memory, adapter sizes and digests of a backbone");
  add_common(command, flags);
  return command;
}

CLI::App* add_adapter(CLI::App& app, InspectFlags& flags) {
  CLI::App* command =
      app.add_subcommand("adapter", "Rank, scale, norm and effective rank of an adapter's modules");
  command->add_option("folder", flags.file, "Run or PEFT folder")->required();
  command->add_option("--backbone", flags.against, "Check names and shapes against this backbone");
  command->add_flag("--json", flags.json, "For programs: one JSON object");
  return command;
}

CLI::App* add_file(CLI::App& app, InspectFlags& flags) {
  CLI::App* command =
      app.add_subcommand("file", "Metadata and tensor table of a safetensors or GGUF file");
  command->add_option("file", flags.file, "The file")->required();
  CLI::Option* tensor =
      command->add_option("--tensor", flags.tensor, "Only this tensor: range, mean and size");
  command
      ->add_option("--raw", flags.raw, "Write its values there, little-endian float32, row-major")
      ->needs(tensor);
  command->add_flag("--json", flags.json, "For programs: one JSON object");
  return command;
}

int show_logits(const InspectFlags& flags) {
  const TokenLogits result = token_logits(flags.backbone, flags.adapter, flags.precision,
                                          flags.tokens, open_device(flags.device));
  if (flags.json) {
    fmt::print(
        "{}\n",
        Json{{"tokens", flags.tokens.size()}, {"loss", result.loss}, {"logits_last", result.last}}
            .dump());
    return 0;
  }
  std::vector<size_t> order(result.last.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const size_t shown = std::min<size_t>(10, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<long>(shown), order.end(),
                    [&](size_t a, size_t b) { return result.last[a] > result.last[b]; });
  fmt::print("{} tokens, mean next-token loss {:.6f}\n", flags.tokens.size(), result.loss);
  for (size_t i = 0; i < shown; ++i)
    fmt::print("  token {:>6}  logit {:.6f}\n", order[i], result.last[order[i]]);
  return 0;
}

std::string text_of_line(std::string_view line, int number, const std::string& file) {
  if (!file.ends_with(".jsonl")) return std::string(line);
  const Json value = Json::parse(line, nullptr, false);
  if (!value.is_string()) {
    fail(ErrorKind::kData, {.file = file, .field = "", .line = number}, printable(line, 60),
         "a JSON string");
  }
  return value.get<std::string>();
}

int show_tokens(const InspectFlags& flags) {
  const Tokenizer tokenizer = read_tokenizer(find_backbone(flags.backbone).path);
  for_each_line(flags.file, [&](std::string_view line, int number) {
    const std::vector<int32_t> ids = tokenizer.encode(text_of_line(line, number, flags.file));
    if (flags.decode) {
      const std::string text = tokenizer.decode(ids, false);
      fmt::print("{}\n", flags.json ? Json{{"text", text}}.dump() : printable(text, text.size()));
    } else if (flags.json) {
      fmt::print("{}\n", Json{{"ids", ids}}.dump());
    } else {
      fmt::print("{}\n", fmt::join(ids, " "));
    }
  });
  return 0;
}

}  // namespace

int inspect_command(int argc, char** argv) {
  CLI::App app("Look into backbones, adapters and their files.", "lora-inspect");
  InspectFlags flags;
  const CLI::App* logits = add_logits(app, flags);
  GenerateRequest generation;
  const CLI::App* generate = add_generate(app, generation, flags);
  const CLI::App* tokens = add_tokens(app, flags);
  const CLI::App* model = add_model(app, flags);
  const CLI::App* adapter = add_adapter(app, flags);
  add_file(app, flags);
  app.require_subcommand(1);
  set_up_command(app, "lora-inspect logits --tokens 1,4093,198 --precision f32");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (logits->parsed()) return show_logits(flags);
  if (tokens->parsed()) return show_tokens(flags);
  if (generate->parsed()) {
    generation.backbone = flags.backbone;
    inspect_generate(generation, flags.json);
  } else if (model->parsed()) {
    inspect_model(flags.backbone, flags.json);
  } else if (adapter->parsed()) {
    inspect_adapter(flags.file, flags.against, flags.json);
  } else if (!flags.tensor.empty()) {
    inspect_tensor(flags.file, flags.tensor, flags.raw, flags.json);
  } else {
    inspect_file(flags.file, flags.json);
  }
  return 0;
}

}  // namespace telora
