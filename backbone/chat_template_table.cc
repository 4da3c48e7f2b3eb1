#include "backbone/chat_template_table.h"

#include <algorithm>

namespace telora {

namespace {

constexpr std::string_view kNoThoughts = "<think>\n\n</think>\n\n";

constexpr ChatTemplate kTemplates[] = {
    {.format = ChatFormat::kSmolLm2,
     .name = "smollm2",
     .role_begin = "<|im_start|>",
     .role_end = "\n",
     .message_end = "<|im_end|>\n",
     .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
    // The date is the one that the template falls back to: a prompt must not change overnight.
    {.format = ChatFormat::kLlama3,
     .name = "llama3",
     .role_begin = "<|start_header_id|>",
     .role_end = "<|end_header_id|>\n\n",
     .message_end = "<|eot_id|>",
     .preface = "<|begin_of_text|>",
     .system_intro = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
     .trimmed = true,
     .bos = "<|begin_of_text|>"},
    {.format = ChatFormat::kQwen25,
     .name = "qwen2.5",
     .role_begin = "<|im_start|>",
     .role_end = "\n",
     .message_end = "<|im_end|>\n",
     .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
    {.format = ChatFormat::kQwen3,
     .name = "qwen3",
     .role_begin = "<|im_start|>",
     .role_end = "\n",
     .message_end = "<|im_end|>\n",
     .answer_begin = kNoThoughts,
     .begins = AnswerBegin::kLastTurn},
    {.format = ChatFormat::kExaone4,
     .name = "exaone4",
     .role_begin = "[|",
     .role_end = "|]\n",
     .message_end = "[|endofturn|]\n",
     .answer_begin = kNoThoughts},
    {.format = ChatFormat::kGranite,
     .name = "granite",
     .role_begin = "<|start_of_role|>",
     .role_end = "<|end_of_role|>",
     .message_end = "<|end_of_text|>\n"},
    // The published text has no date of its own to fall back to: the day of its release.
    {.format = ChatFormat::kGranite33,
     .name = "granite3.3",
     .role_begin = "<|start_of_role|>",
     .role_end = "<|end_of_role|>",
     .message_end = "<|end_of_text|>\n",
     .default_system = "Knowledge Cutoff Date: April 2024.\nToday's Date: April 16, 2025.\nYou are "
                       "Granite, developed by IBM. You are a helpful AI assistant."},
    {.format = ChatFormat::kGranite4,
     .name = "granite4",
     .role_begin = "<|start_of_role|>",
     .role_end = "<|end_of_role|>",
     .message_end = "<|end_of_text|>\n",
     .default_system = "You are a helpful assistant. Please ensure responses are professional, "
                       "accurate, and safe."},
    {.format = ChatFormat::kOlmo2,
     .name = "olmo2",
     .role_begin = "<|",
     .role_end = "|>\n",
     .message_end = "<|endoftext|>",
     .question_end = "\n",
     .answer_separator = "\n",
     .preface = "<|endoftext|>",
     .bos = "<|endoftext|>",
     .eos = "<|endoftext|>"},
    {.format = ChatFormat::kGemma3,
     .name = "gemma3",
     .role_begin = "<start_of_turn>",
     .role_end = "\n",
     .message_end = "<end_of_turn>\n",
     .assistant = "model",
     .preface = "<bos>",
     .system = SystemPlace::kFirstUserTurn,
     .trimmed = true,
     .bos = "<bos>"},
    {.format = ChatFormat::kZephyr,
     .name = "zephyr",
     .role_begin = "<|",
     .role_end = "|>\n",
     .message_end = "</s>\n",
     .eos = "</s>"},
};

struct PublishedText {
  std::string_view digest;
  ChatFormat format;
};

// Computed from the texts that the models ship. Qwen3 has two revisions; both render the same chats
// of plain text.
constexpr PublishedText kPublished[] = {
    {"872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788", ChatFormat::kSmolLm2},
    {"d82792f95932f1c9cef5c4bd992f171225e3bf8c7b609b4557c9e1ec96be819f", ChatFormat::kLlama3},
    {"55b2f4a26ac9ee719330a61a0c39d9e538b0e9322212f048326318cff4f8674a", ChatFormat::kQwen25},
    {"87a2728cb8dc9fe424d624542f6060ec05a1d285ebbec578bb078900e33396b5", ChatFormat::kQwen3},
    {"a55ee1b1660128b7098723e0abcd92caa0788061051c62d51cbe87d9cf1974d8", ChatFormat::kQwen3},
    {"0bea7711316005a1c37c9941a7ee2a26311d223c979abee416aab0a402fc5b56", ChatFormat::kGranite33},
    {"9524df67b77a7b25a2dfee898f75b316a157eb9d855b51e32aeac79d7c8a83ce", ChatFormat::kGranite4},
    {"fe689ffbd6a4e2d0532d7480696b065b10e0e1eff3f9b9fc4bea415761e4bf4a", ChatFormat::kOlmo2},
    {"8d9e3a3c114fb2053ec500184677af4f7e5f8ec2582443cd535834e68b3ade29", ChatFormat::kGemma3},
    // From a copy in another project's documentation, not from a model's own files.
    {"a88e2d91230197a069f67d3754f2d9277cdebaac20ac2e9078a9c1d93f7768a4", ChatFormat::kExaone4},
    {"66291cf0045c2425a3a667cf3cbb7af2b11f09e025c02f97245323ab79119362", ChatFormat::kZephyr},
};

}  // namespace

std::span<const ChatTemplate> chat_templates() { return kTemplates; }

const ChatTemplate& chat_template_row(ChatFormat format) {
  return *std::ranges::find(kTemplates, format, &ChatTemplate::format);
}

std::optional<ChatFormat> chat_format_of_digest(std::string_view digest) {
  const auto found = std::ranges::find(kPublished, digest, &PublishedText::digest);
  if (found == std::end(kPublished)) return std::nullopt;
  return found->format;
}

}  // namespace telora
