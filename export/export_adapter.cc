#include "export/export_adapter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "adapters/adapter_trust.h"
#include "backbone/backbone.h"
#include "core/error.h"
#include "core/files.h"
#include "export/gguf_adapter.h"
#include "export/gguf_model.h"
#include "export/merged_folder.h"
#include "export/merged_gguf.h"
#include "export/model_card.h"
#include "export/portability.h"
#include "export/provenance.h"
#include "export/staged_folder.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

std::string lower(std::string_view name) {
  std::string text(name);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::optional<GgmlType> type_named(const std::string& name, const std::vector<GgmlType>& offered) {
  if (name.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const GgmlType type : offered) {
    names.push_back(lower(ggml_type_info(type).name));
    if (names.back() == lower(name)) return type;
  }
  fail(ErrorKind::kUsage, {.file = {}, .field = "--type"}, printable(name, 40),
       fmt::format("one of {}", fmt::join(names, ", ")));
}

const std::vector<GgmlType>& plain_types() {
  static const std::vector<GgmlType> kTypes = {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16};
  return kTypes;
}

const std::vector<GgmlType>& adapter_types() {
  static const std::vector<GgmlType> kTypes = {GgmlType::kF32, GgmlType::kF16, GgmlType::kBF16,
                                               GgmlType::kQ8_0};
  return kTypes;
}

const std::vector<GgmlType>& model_types() {
  static const std::vector<GgmlType> kTypes = {GgmlType::kF32,  GgmlType::kF16,  GgmlType::kBF16,
                                               GgmlType::kQ8_0, GgmlType::kQ5_1, GgmlType::kQ5_0,
                                               GgmlType::kQ4_1, GgmlType::kQ4_0};
  return kTypes;
}

Dtype dtype_of(GgmlType type) {
  if (type == GgmlType::kF16) return Dtype::kF16;
  return type == GgmlType::kBF16 ? Dtype::kBF16 : Dtype::kF32;
}

class Exporter {
 public:
  explicit Exporter(const ExportRequest& request)
      : request_(request),
        source_(find_backbone(request.backbone)),
        checkpoint_(Checkpoint::open(source_.path)),
        adapter_(read_adapter(request.adapter, linear_modules(checkpoint_.spec()))) {}

  void run() {
    const std::string weights = checkpoint_.digest();
    if (!request_.accept_risk) {
      require_trust(request_.adapter, adapter_, weights, "--accept-risk exports it all the same");
    }
    provenance_ = provenance_of(request_.adapter, source_, weights);
    write();
  }

 private:
  void write() {
    const fs::path out = request_.out;
    switch (request_.kind) {
      case ExportKind::kPeft:
        return write_peft(out);
      case ExportKind::kGgufAdapter:
        require_free(out);
        return write_gguf_adapter(
            out, adapter_, checkpoint_.spec(),
            type_named(request_.type, adapter_types()).value_or(GgmlType::kF32), provenance_);
      case ExportKind::kMergedFolder:
        return write_folder(out);
      case ExportKind::kMergedGguf:
        return write_gguf(out);
    }
  }

  void write_peft(const fs::path& out) {
    const auto type = type_named(request_.type, plain_types());
    StagedFolder staged(out);
    AdapterFile adapter = request_.portable ? portable(adapter_) : adapter_;
    for (const std::string& warning : portability_warnings(adapter)) {
      if (request_.warn) request_.warn(warning);
    }
    for (const auto& [key, value] : provenance_) adapter.metadata["telora." + key] = value;
    write_adapter(staged.path(), adapter, dtype_of(type.value_or(GgmlType::kF32)));
    write_card(staged.path());
    staged.publish();
  }

  void write_card(const fs::path& folder) const {
    const fs::path card = fs::path(request_.adapter) / "README.md";
    publish(folder / "README.md",
            exported_card(fs::exists(card) ? read_text(card) : "",
                          {.base = source_.name,
                           .base_license = license_of(source_),
                           .license = request_.license,
                           .provenance = provenance_,
                           .merged = request_.kind == ExportKind::kMergedFolder}));
  }

  void write_folder(const fs::path& out) {
    const auto type = type_named(request_.type, plain_types());
    StagedFolder staged(out);
    MergedFolderOptions options;
    if (type) options.dtype = dtype_of(*type);
    write_merged_folder(staged.path(), source_.path, adapter_, options, provenance_);
    write_card(staged.path());
    staged.publish();
  }

  void write_gguf(const fs::path& out) {
    const auto type = type_named(request_.type, model_types());
    require_free(out);
    if (fs::is_directory(source_.path)) {
      write_gguf_model(out, source_.path, adapter_, type, provenance_);
    } else {
      write_merged_gguf(out, source_.path, adapter_, type, provenance_);
    }
  }

  const ExportRequest& request_;
  BackboneSource source_;
  Checkpoint checkpoint_;
  AdapterFile adapter_;
  Provenance provenance_;
};

}  // namespace

void export_adapter(const ExportRequest& request) { Exporter(request).run(); }

}  // namespace telora
