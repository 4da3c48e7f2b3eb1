#include "backbone/tokenizer_digest.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/digest.h"

namespace telora {

namespace {

// The length in front makes the joined form unambiguous.
void add_text(Sha256& hash, std::string_view text) {
  hash.update(fmt::format("{}:", text.size())).update(text);
}

void add_rules(Sha256& hash, const std::vector<SplitRule>& rules) {
  hash.update(fmt::format("rules {}\n", rules.size()));
  for (const SplitRule& rule : rules) {
    hash.update(
        fmt::format("{} {} {} ", static_cast<int>(rule.behavior), rule.literal, rule.invert));
    add_text(hash, rule.pattern);
  }
}

// Padding ids have no text of their own in some formats and are left out.
void add_vocabulary(Sha256& hash, const Vocabulary& vocabulary,
                    const std::vector<int32_t>& padding) {
  hash.update("vocabulary\n");
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (std::ranges::binary_search(padding, id)) continue;
    hash.update(fmt::format("{} ", id));
    add_text(hash, vocabulary.text(id));
  }
}

void add_added(Sha256& hash, std::vector<AddedToken> added) {
  std::ranges::sort(added, {}, &AddedToken::id);
  hash.update(fmt::format("added {}\n", added.size()));
  for (const AddedToken& token : added) {
    hash.update(fmt::format("{} {} {} {} {} ", token.id, token.is_control(), token.single_word,
                            token.lstrip, token.rstrip));
    add_text(hash, token.content);
  }
}

}  // namespace

std::string tokenizer_digest(const Vocabulary& vocabulary, const TokenizerParts& parts) {
  Sha256 hash;
  hash.update("telora ").update(parts.kind).update("\n");
  hash.update(fmt::format("{} {} {}\n", parts.bpe.ignore_merges, parts.bpe.unknown,
                          parts.bpe.fuse_unknown));
  add_rules(hash, parts.rules);
  add_vocabulary(hash, vocabulary, parts.padding);
  hash.update(fmt::format("merges {}\n", parts.merges.size()));
  for (const Merge& merge : parts.merges) {
    hash.update(fmt::format("{} {}\n", merge.left, merge.right));
  }
  add_added(hash, parts.added);
  return hash.hex();
}

}  // namespace telora
