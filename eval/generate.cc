#include "eval/generate.h"

#include "adapters/lora_adapter.h"
#include "backbone/backbone.h"
#include "backbone/device.h"
#include "backbone/torch.h"
#include "eval/prompt_batch.h"
#include "eval/token_logits.h"

namespace telora {

namespace {

std::vector<int32_t> encode_question(const Backbone& backbone, const std::string& question) {
  const ChatMessage message{"user", question};
  return backbone.tokenizer.encode(render_prompt(backbone.chat_format, {&message, 1}));
}

std::vector<GeneratedAnswer> continue_prompts(Decoder& decoder, const GenerateRequest& request,
                                              std::vector<std::vector<int32_t>> prompts,
                                              GenerationOptions options) {
  std::optional<LoraAdapter> adapter;
  if (!request.adapter.empty()) {
    adapter.emplace(
        LoraAdapter::from_file(read_adapter(request.adapter, linear_modules(decoder.spec()))));
    adapter->attach(decoder);
  }
  std::vector<EncodedExample> rows(prompts.size());
  std::vector<AnswerRequest> wanted;
  for (size_t i = 0; i < prompts.size(); ++i) {
    rows[i].prompt = std::move(prompts[i]);
    wanted.push_back({i, request.sampling, item_stream(request.seed, std::to_string(i))});
  }
  options.max_new_tokens = request.max_new_tokens;
  PromptBatch batch(decoder, PromptBatch::rows_of(rows), request.max_new_tokens);
  std::vector<GeneratedAnswer> answers;
  for (Continuation& output : batch.generate(options, std::move(wanted))) {
    const size_t row = answers.size();
    answers.push_back({std::move(rows[row].prompt), std::move(output.ids), "", output.stopped});
  }
  return answers;
}

}  // namespace

std::vector<GeneratedAnswer> generate_answers(const GenerateRequest& request) {
  check_sampling(request.sampling);
  if (request.questions.empty() && request.tokens.empty()) {
    fail(ErrorKind::kUsage, {"--prompt", ""}, "none", "a question, or --tokens with ids");
  }
  const at::Device device = open_device(request.device);
  if (request.questions.empty()) {
    Decoder decoder = load_decoder(request.backbone, frozen_type(request.precision), device);
    check_token_ids(request.tokens, decoder.spec().vocab);
    return continue_prompts(decoder, request, {request.tokens}, {});
  }
  Backbone backbone = load_backbone(request.backbone, frozen_type(request.precision),
                                    request.chat_template, device);
  std::vector<std::vector<int32_t>> prompts;
  for (const std::string& question : request.questions)
    prompts.push_back(encode_question(backbone, question));
  const std::vector<int32_t> stop = backbone.tokenizer.end_of_turn_ids();
  GenerationOptions options;
  options.stop = stop;
  options.vocabulary = backbone.tokenizer.size();
  auto answers = continue_prompts(backbone.decoder, request, std::move(prompts), options);
  for (GeneratedAnswer& answer : answers) answer.text = backbone.tokenizer.decode(answer.ids);
  return answers;
}

}  // namespace telora
