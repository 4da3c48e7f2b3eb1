#include "tools/data_lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/error.h"
#include "data/split.h"
#include "tools/lint_text.h"

namespace telora {

namespace {

struct LintFlags {
  std::string category, data, lite, method = std::string(kDefaultSplitMethod);
  bool json = false;
  bool strict = false;
};

CLI::App* add_flags(CLI::App& app, LintFlags& flags) {
  CLI::App* lint =
      app.add_subcommand("lint", "Duplicates, broken rows, and what of them a split lets through");
  lint->add_option("--category", flags.category, "One category (default: all that have a file)");
  lint->add_option("--data", flags.data, "Folder with the ot-full files, or 'sample'");
  lint->add_option("--split-method", flags.method, "Counted besides py, hf and sk")
      ->capture_default_str();
  lint->add_option("--lite", flags.lite, "Folder with the published small files");
  lint->add_flag("--json", flags.json, "One JSON object");
  lint->add_flag("--strict", flags.strict,
                 "Exit 65 where a test row of the split is exactly a training row");
  return lint;
}

// A category without rows is passed over when all are asked for.
std::optional<DataSet> load(const DataSource& source, const Category& category, bool required) {
  try {
    return load_category(source, category);
  } catch (const Error& error) {
    const bool absent = error.kind() == ErrorKind::kMissing || error.kind() == ErrorKind::kUsage;
    if (required || !absent) throw;
    return std::nullopt;
  }
}

std::filesystem::path existing_folder(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_directory(name, ignored)) return name;
  fail(ErrorKind::kMissing, {.file = name, .field = "--lite"}, "no such folder",
       "a folder with the published small files");
}

LintFindings find_faults(const LintFlags& flags) {
  const DataSource source =
      find_source(flags.data.empty() ? std::nullopt : std::optional(flags.data));
  LintRequest request{.method = flags.method, .lite = std::nullopt};
  if (!flags.lite.empty()) request.lite = existing_folder(flags.lite);
  std::vector<std::pair<const Category*, DataSet>> sets;
  for (const Category& category : categories()) {
    const bool named = !flags.category.empty();
    if (named && &category != &find_category(flags.category)) continue;
    if (std::optional<DataSet> data = load(source, category, named)) {
      sets.emplace_back(&category, std::move(*data));
    }
  }
  if (sets.empty()) load_category(source, categories().front());  // says what is missing
  LintFindings findings;
  std::vector<std::pair<const Category*, const DataSet*>> views;
  for (const auto& [category, data] : sets) {
    findings.categories.push_back(lint_category(*category, data, request));
    views.emplace_back(category, &data);
  }
  findings.shared = shared_questions(views);
  return findings;
}

// Test rows of the chosen split that are training rows too, over all categories.
size_t doubled_rows(const LintFindings& findings, const std::string& method) {
  size_t doubled = 0;
  for (const CategoryLint& lint : findings.categories) {
    const auto place = std::ranges::find(lint.methods, method) - lint.methods.begin();
    doubled += lint.item_leaks.at(static_cast<size_t>(place));
  }
  return doubled;
}

int run(const LintFlags& flags) {
  const LintFindings findings = find_faults(flags);
  fmt::print("{}", flags.json ? lint_json(findings) : lint_text(findings));
  const size_t doubled = doubled_rows(findings, flags.method);
  if (!flags.strict || doubled == 0) return 0;
  fail(ErrorKind::kData, {.file = {}, .field = "split " + flags.method},
       fmt::format("{} test rows that are exactly a training row", doubled), "none",
       "use --split-method group");
}

}  // namespace

Subcommand add_data_lint(CLI::App& app) {
  const auto flags = std::make_shared<LintFlags>();
  return {add_flags(app, *flags), [flags] { return run(*flags); }};
}

}  // namespace telora
