#include "core/safetensors.h"

#include <fmt/format.h>

#include <array>

namespace telora {

namespace {

struct DtypeInfo {
  std::string_view name;
  size_t bytes;
};

// By value of Dtype.
constexpr std::array<DtypeInfo, 13> kDtypes{{{"BOOL", 1},
                                             {"U8", 1},
                                             {"I8", 1},
                                             {"I16", 2},
                                             {"U16", 2},
                                             {"F16", 2},
                                             {"BF16", 2},
                                             {"I32", 4},
                                             {"U32", 4},
                                             {"F32", 4},
                                             {"F64", 8},
                                             {"I64", 8},
                                             {"U64", 8}}};

}  // namespace

size_t dtype_bytes(Dtype dtype) { return kDtypes.at(static_cast<size_t>(dtype)).bytes; }

std::string_view dtype_name(Dtype dtype) { return kDtypes.at(static_cast<size_t>(dtype)).name; }

std::optional<Dtype> find_dtype(std::string_view name) {
  for (size_t i = 0; i < kDtypes.size(); ++i) {
    if (kDtypes[i].name == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

const SafetensorsEntry* SafetensorsFile::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void SafetensorsFile::read(const SafetensorsEntry& entry, uint64_t begin,
                           std::span<std::byte> out) const {
  if (begin > entry.bytes || out.size() > entry.bytes - begin) {
    fail(ErrorKind::kInternal, {name(), entry.name},
         fmt::format("a read of {} bytes from byte {}", out.size(), begin),
         fmt::format("a range inside its {} bytes", entry.bytes));
  }
  file_.read(entry.offset + begin, out);
}

}  // namespace telora
