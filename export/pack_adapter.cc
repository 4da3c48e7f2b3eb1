#include "export/pack_adapter.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/adapter_trust.h"
#include "backbone/backbone.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "export/gguf_adapter.h"
#include "export/provenance.h"
#include "export/staged_folder.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr uint64_t kGgufPadding = 32;

void check_target(const PackTarget& target) {
  const int given = target.rank.has_value() + target.energy.has_value() + target.bytes.has_value();
  if (given == 1) return;
  fail(ErrorKind::kUsage, {.file = {}, .field = "size"}, given == 0 ? "no size" : "several sizes",
       "one of --rank, --energy, --bytes, or --snr with --bandwidth and --deadline");
}

struct Format {
  bool gguf = false;
  Dtype dtype = Dtype::kF32;
  double number_bytes = 4;  // of one value
};

Format format_of(const PackRequest& request) {
  if (request.type == "f32") return {};
  if (request.type == "f16") return {false, Dtype::kF16, 2};
  if (request.type == "bf16") return {false, Dtype::kBF16, 2};
  if (request.type != "q8_0") {
    fail(ErrorKind::kUsage, {.file = {}, .field = "--type"}, printable(request.type, 40),
         "f32, f16, bf16 or q8_0");
  }
  if (fs::path(request.out).extension() == ".gguf") return {true, Dtype::kF32, 2};
  fail(ErrorKind::kUsage, {.file = "--out", .field = {}}, printable(request.out),
       "a .gguf file: a PEFT folder has no 8-bit numbers");
}

class Packer {
 public:
  explicit Packer(const PackRequest& request)
      : request_(request),
        format_(format_of(request)),
        source_(find_backbone(request.backbone)),
        checkpoint_(Checkpoint::open(source_.path)),
        adapter_(read_adapter(request.adapter, linear_modules(checkpoint_.spec()))),
        spectra_(module_spectra(adapter_)) {
    const std::string weights = checkpoint_.digest();
    if (!request.accept_risk) {
      require_trust(request.adapter, adapter_, weights, "--accept-risk packs it all the same");
    }
    origin_ = provenance_of(request.adapter, source_, weights);
    for (const auto& [key, value] : origin_) adapter_.metadata["telora." + key] = value;
  }

  PackResult run() {
    PackResult result;
    for (const LoraTensors& pair : adapter_.modules) {
      result.modules.push_back(pair.module);
      result.before.push_back(pair.a.size(0));
    }
    result.bytes_before = fs::file_size(fs::path(request_.adapter) / kWeightsFile);
    result.after = ranks();
    result.kept = kept_energy(spectra_, result.after);
    result.bytes_after = write(rerank(adapter_, result.after));
    return result;
  }

 private:
  Ranks ranks() const {
    const PackTarget& target = request_.target;
    if (target.rank) return uniform_ranks(spectra_, *target.rank);
    if (target.energy) return ranks_for_energy(spectra_, *target.energy);
    return ranks_for_bytes(*target.bytes);
  }

  // Headers and padding are not known before the ranks are: what they take is taken off, and tried
  // again.
  Ranks ranks_for_bytes(uint64_t bytes) const {
    auto numbers = static_cast<int64_t>(static_cast<double>(bytes) / format_.number_bytes);
    for (;;) {
      const Ranks ranks = ranks_for_numbers(spectra_, numbers);
      const uint64_t size = file_bytes(ranks);
      if (size <= bytes) return ranks;
      numbers -= static_cast<int64_t>(static_cast<double>(size - bytes) / format_.number_bytes) + 1;
    }
  }

  uint64_t file_bytes(const Ranks& ranks) const {
    std::vector<TensorShape> shapes;
    uint64_t blocks = 0;
    for (size_t m = 0; m < ranks.size(); ++m) {
      const LoraTensors& pair = adapter_.modules[m];
      const int64_t in = pair.a.size(1), out = pair.b.size(0), rank = ranks[m];
      shapes.push_back({lora_name(pair.module, "A"), format_.dtype, {rank, in}});
      shapes.push_back({lora_name(pair.module, "B"), format_.dtype, {out, rank}});
      blocks += gguf_bytes(rank, in) + gguf_bytes(out, rank);
    }
    constexpr uint64_t kEntry = 120, kHeader = 3000;  // more than a name and its numbers take
    if (format_.gguf) return blocks + shapes.size() * kEntry + kHeader;
    return safetensors_bytes(shapes, adapter_.metadata) + kHeader;
  }

  static std::string lora_name(const std::string& module, const char* side) {
    return fmt::format("base_model.model.{}.lora_{}.weight", module, side);
  }

  // Q8_0, or F16 where rows are no whole blocks.
  static uint64_t gguf_bytes(int64_t rows, int64_t columns) {
    const GgmlTypeInfo& info = ggml_type_info(columns % 32 == 0 ? GgmlType::kQ8_0 : GgmlType::kF16);
    const auto elements = static_cast<uint64_t>(rows * columns);
    return elements / info.block_elements * info.block_bytes + kGgufPadding;
  }

  uint64_t write(const AdapterFile& packed) const {
    const fs::path out = request_.out;
    if (format_.gguf) {
      require_free(out);
      write_gguf_adapter(out, packed, checkpoint_.spec(), GgmlType::kQ8_0, origin_);
      return fs::file_size(out);
    }
    StagedFolder staged(out);
    write_adapter(staged.path(), packed, format_.dtype);
    staged.publish();
    return fs::file_size(out / kWeightsFile);
  }

  const PackRequest& request_;
  Format format_;
  BackboneSource source_;
  Checkpoint checkpoint_;
  AdapterFile adapter_;
  std::vector<ModuleSpectrum> spectra_;
  Provenance origin_;
};

}  // namespace

PackResult pack_adapter(const PackRequest& request) {
  check_target(request.target);
  return Packer(request).run();
}

}  // namespace telora
