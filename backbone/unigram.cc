#include "backbone/unigram.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr double kUnknownPenalty = 10;

uint64_t edge_key(int32_t node, char byte) {
  return (static_cast<uint64_t>(node) << 8) | static_cast<unsigned char>(byte);
}

}  // namespace

Unigram::Unigram(const Vocabulary& vocabulary, std::vector<double> scores, int32_t unknown,
                 bool byte_fallback, std::string file)
    : tokens_(1, -1), scores_(std::move(scores)), unknown_(unknown), file_(std::move(file)) {
  unknown_score_ = *std::ranges::min_element(scores_) - kUnknownPenalty;
  const auto count = static_cast<int32_t>(scores_.size());
  for (int32_t id = 0; id < count; ++id) {
    ids_.emplace(vocabulary.text(id), id);
    int32_t node = 0;
    for (const char byte : vocabulary.text(id)) {
      const auto next = static_cast<int32_t>(tokens_.size());
      const auto [edge, added] = edges_.try_emplace(edge_key(node, byte), next);
      if (added) tokens_.push_back(-1);
      node = edge->second;
    }
    tokens_[static_cast<size_t>(node)] = id;
  }
  bytes_.fill(-1);
  for (size_t byte = 0; byte_fallback && byte < bytes_.size(); ++byte) {
    const auto found = ids_.find(fmt::format("<0x{:02X}>", byte));
    if (found != ids_.end()) bytes_[byte] = found->second;
  }
}

// Offers every token that starts at `begin` to the node where it ends, and the unknown token for
// the one character (of `character` bytes) there, if that is no token.
void Unigram::extend(std::string_view piece, size_t begin, size_t character,
                     std::vector<Node>& best) const {
  const double before = best[begin].score;
  const auto offer = [&](size_t end, int32_t id, double score) {
    Node& node = best[end];
    if (node.begin != kNone && score <= node.score) return;
    node = {score, begin, id};
  };
  bool single = false;
  int32_t node = 0;
  for (size_t pos = begin; pos < piece.size(); ++pos) {
    const auto edge = edges_.find(edge_key(node, piece[pos]));
    if (edge == edges_.end()) break;
    node = edge->second;
    const int32_t id = tokens_[static_cast<size_t>(node)];
    if (id < 0) continue;
    offer(pos + 1, id, scores_[static_cast<size_t>(id)] + before);
    single |= pos + 1 == begin + character;
  }
  if (single) return;
  if (unknown_ < 0) {
    fail(ErrorKind::kData, {file_, "model.unk_id"}, "none, and a character without a token",
         "the id of the unknown token");
  }
  offer(begin + character, unknown_, unknown_score_ + before);
}

// `token`: a token's text, or a run of unknown characters.
void Unigram::append(std::string_view token, std::vector<int32_t>& ids) const {
  if (const auto known = ids_.find(token); known != ids_.end()) {
    ids.push_back(known->second);
    return;
  }
  const auto byte_id = [&](char byte) { return bytes_[static_cast<unsigned char>(byte)]; };
  if (std::ranges::all_of(token, [&](char byte) { return byte_id(byte) >= 0; })) {
    for (const char byte : token) ids.push_back(byte_id(byte));
  } else {
    ids.push_back(unknown_);
  }
}

void Unigram::encode(std::string_view piece, bool, std::vector<int32_t>& ids) const {
  std::vector<Node> best(piece.size() + 1);
  for (size_t begin = 0; begin < piece.size();) {
    const size_t character = utf8_sequence_length(piece.substr(begin));
    extend(piece, begin, character, best);
    begin += character;
  }
  std::vector<std::string_view> tokens;  // from the last to the first
  size_t unknown_end = 0;                // of the run of unknown characters at the back of `tokens`
  for (size_t end = piece.size(); end > 0;) {
    const Node& node = best[end];
    const bool unknown = node.id == unknown_;
    if (unknown && unknown_end > 0) {
      tokens.back() = piece.substr(node.begin, unknown_end - node.begin);
    } else {
      tokens.push_back(piece.substr(node.begin, end - node.begin));
      unknown_end = unknown ? end : 0;
    }
    end = node.begin;
  }
  for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) append(*token, ids);
}

}  // namespace telora
