#include "tools/export_bundle.h"

#include <fmt/format.h>

#include <memory>

#include "core/error.h"
#include "data/split.h"
#include "export/bundle.h"
#include "tools/console.h"
#include "tools/main_guard.h"

namespace telora {

namespace {

struct CheckFlags {
  std::string folder;
  std::string backbone = "smollm2-135m";
};

void add_options(CLI::App& command, BundleRequest& request) {
  command.add_option("--adapter", request.adapter, "Run or PEFT folder")->required();
  request.backbone = "smollm2-135m";
  command.add_option("--backbone", request.backbone, "Name, model folder or .gguf file")
      ->capture_default_str();
  command.add_option("--out", request.out, "Folder; must not be there yet")->required();
  command.add_option("--form", request.form, "gguf, for llama.cpp, or peft")->capture_default_str();
  command.add_option("--license", request.license, "Of the adapter, an SPDX identifier");
  HeldOutRequest& asked = request.asked;
  command.add_option("--category", asked.category,
                     "Whose validation rows are the prompts (default: the run's)");
  command.add_option("--data", asked.data, "Folder with the ot-full files, or 'sample'")
      ->capture_default_str();
  asked.rows = 3;
  command.add_option("--rows", asked.rows, "Prompts")
      ->check(CLI::Range(int64_t{1}, int64_t{1000}))
      ->capture_default_str();
  command.add_option("--split-method", asked.split_method, "As the adapter was trained")
      ->check(CLI::IsMember(split_methods()))
      ->capture_default_str();
  command.add_flag("--accept-risk", request.accept_risk,
                   "Take adapters of other weights or with a suspicious spectrum too");
}

int check(const CheckFlags& flags) {
  const BundleCheck result = check_bundle(flags.folder, flags.backbone);
  for (const std::string& fault : result.faults) fmt::print("  fault: {}\n", fault);
  if (result.faults.empty()) {
    fmt::print("{} files, the base, its tokenizer and template, {} prompts and answers as meant\n",
               result.files, result.prompts);
    return 0;
  }
  fail(ErrorKind::kIntegrity, {.file = flags.folder, .field = {}}, result.faults.front(),
       "what the bundle's manifest says");
}

}  // namespace

Subcommand add_export_bundle(CLI::App& app) {
  const auto request = std::make_shared<BundleRequest>();
  const auto quiet = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("bundle", "One folder for a device, with what to expect of it");
  add_options(*command, *request);
  command->add_flag("--quiet", *quiet, "Only errors");
  return {command, [request, quiet] {
            set_up_messages(*quiet);
            write_bundle(*request);
            if (!*quiet) {
              fmt::print("{}: {} adapter, {} prompts with the answers to expect\n", request->out,
                         request->form, request->asked.rows);
            }
            return 0;
          }};
}

Subcommand add_export_check(CLI::App& app) {
  const auto flags = std::make_shared<CheckFlags>();
  CLI::App* command = app.add_subcommand("check", "Check a bundle and the base on this machine");
  command->add_option("bundle", flags->folder, "Folder that lora-export bundle wrote")->required();
  command->add_option("--backbone", flags->backbone, "Name, model folder or .gguf file")
      ->capture_default_str();
  return {command, [flags] {
            set_up_messages(false);
            return check(*flags);
          }};
}

}  // namespace telora
