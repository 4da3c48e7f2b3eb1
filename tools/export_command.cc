#include "tools/export_command.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/split.h"
#include "export/export_adapter.h"
#include "export/staged_folder.h"
#include "export/verify.h"
#include "tools/command_line.h"
#include "tools/console.h"
#include "tools/export_bundle.h"
#include "tools/main_guard.h"
#include "tools/subcommand.h"

namespace telora {

namespace {

struct ExportFlags {
  ExportRequest request;
  VerifyRequest check;
  bool verify = true;
  bool quiet = false;
};

void add_source(CLI::App& command, ExportFlags& flags) {
  command.add_option("--adapter", flags.request.adapter, "Run or PEFT folder")->required();
  command.add_option("--backbone", flags.request.backbone, "Name, model folder or .gguf file")
      ->default_str("smollm2-135m");
  command.add_flag("--accept-risk", flags.request.accept_risk,
                   "Take adapters of other weights or with a suspicious spectrum too");
  command.add_flag("--quiet", flags.quiet, "Only errors");
}

void add_check(CLI::App& command, VerifyRequest& check) {
  command.add_flag("--weights-only", check.weights_only,
                   "Check the weights only, without running a model");
  HeldOutRequest& asked = check.asked;
  command.add_option("--category", asked.category,
                     "Whose held-out rows are asked (default: the run's)");
  command.add_option("--data", asked.data, "Folder with the ot-full files, or 'sample'")
      ->capture_default_str();
  command.add_option("--rows", asked.rows, "Rows that are asked")
      ->check(CLI::Range(int64_t{1}, int64_t{100'000}))
      ->capture_default_str();
  command.add_option("--split", asked.part, "The part they are of: validation or test")
      ->capture_default_str();
  command.add_option("--split-method", asked.split_method, "As the adapter was trained")
      ->check(CLI::IsMember(split_methods()))
      ->capture_default_str();
}

// Forms that llama.cpp reads.
void add_runtime(CLI::App& command, VerifyRequest& check) {
  command
      .add_option_function<std::string>(
          "--runtime", [&check](const std::string&) { check.in_llama_cpp = true; },
          "llama.cpp: ask it too (llama-cpp-python)")
      ->excludes("--weights-only")
      ->check(CLI::IsMember({"llama.cpp"}));
  command.add_option("--python", check.python, "Interpreter that has llama-cpp-python")
      ->capture_default_str();
}

// `name`: what a person calls what is checked.
int verify(ExportFlags& flags, const std::string& name) {
  VerifyRequest& check = flags.check;
  check.adapter = flags.request.adapter;
  check.backbone = flags.request.backbone;
  check.accept_risk = flags.request.accept_risk;
  Console console({.quiet = flags.quiet});
  check.progress = [&](const std::string& stage, int64_t done, int64_t total) {
    console.progress({.stage = "ask " + stage, .step = done, .total = total});
    if (done == total) console.finish();
  };
  const Verification result = verify_export(check);
  if (!flags.quiet || !result.passed()) fmt::print("{}", render_verification(result));
  if (result.passed()) return 0;
  fail(ErrorKind::kIntegrity, {.file = name, .field = {}}, result.faults.front(),
       "what acts as trained");
}

// What is not proven does not reach its place.
int export_and_verify(ExportFlags& flags) {
  StagedTarget staged(flags.request.out);
  const std::string name = std::exchange(flags.request.out, staged.path().string());
  flags.request.warn = [](const std::string& text) { spdlog::warn("{}", text); };
  export_adapter(flags.request);
  if (flags.verify) {
    flags.check.against = flags.request.out;
    verify(flags, name);
  }
  staged.publish();
  return 0;
}

Subcommand add_export(CLI::App& app, const char* name, const char* what, ExportKind kind,
                      const char* types) {
  const auto flags = std::make_shared<ExportFlags>();
  flags->request.kind = kind;
  flags->request.backbone = "smollm2-135m";
  CLI::App* command = app.add_subcommand(name, what);
  add_source(*command, *flags);
  command->add_option("--out", flags->request.out, "Where to; must not be there yet")->required();
  command->add_option("--type", flags->request.type, types);
  if (kind == ExportKind::kPeft) {
    command->add_flag("--portable", flags->request.portable,
                      "One rank and one scale for all modules, as vLLM needs it");
  }
  if (kind == ExportKind::kPeft || kind == ExportKind::kMergedFolder) {
    command->add_option("--license", flags->request.license,
                        "Of what is written, an SPDX identifier for its model card");
  }
  command->add_flag("!--no-verify", flags->verify, "Do not check what was written");
  add_check(*command, flags->check);
  if (kind == ExportKind::kGgufAdapter || kind == ExportKind::kMergedGguf) {
    add_runtime(*command, flags->check);
  }
  return {command, [flags] {
            set_up_messages(flags->quiet);
            return export_and_verify(*flags);
          }};
}

Subcommand add_verify(CLI::App& app) {
  const auto flags = std::make_shared<ExportFlags>();
  flags->request.backbone = "smollm2-135m";
  CLI::App* command =
      app.add_subcommand("verify", "Check that an exported file acts as the adapter does");
  add_source(*command, *flags);
  command->add_option("--against", flags->check.against, "What was exported")->required();
  add_check(*command, flags->check);
  add_runtime(*command, flags->check);
  return {command, [flags] {
            set_up_messages(flags->quiet);
            return verify(*flags, flags->check.against);
          }};
}

}  // namespace

int export_command(int argc, char** argv) {
  CLI::App app("Write an adapter for other runtimes, and prove that it acts as trained.",
               "lora-export");
  const char* adapter_types = "f32 (default), f16, bf16 or q8_0";
  const char* model_types = "f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0 (default: as the base)";
  const std::vector<Subcommand> commands = {
      add_export(app, "peft", "A PEFT folder, for PEFT, vLLM and LoRAX", ExportKind::kPeft,
                 "f32 (default), f16 or bf16"),
      add_export(app, "gguf", "A GGUF adapter, for llama.cpp", ExportKind::kGgufAdapter,
                 adapter_types),
      add_export(app, "merged", "A Hugging Face folder with the adapter in its weights",
                 ExportKind::kMergedFolder, "f32, f16 or bf16 (default: as the base)"),
      add_export(app, "merged-gguf", "A GGUF model with the adapter in its weights",
                 ExportKind::kMergedGguf, model_types),
      add_verify(app),
      add_export_bundle(app),
      add_export_check(app)};
  app.require_subcommand(1);
  set_up_command(app, "lora-export gguf --adapter runs/oran-bench-r16-1 --out oran.gguf");
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  for (const Subcommand& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return 0;
}

}  // namespace telora
