#include "export/llama_cpp.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "backbone/torch.h"
#include "core/descriptor.h"
#include "core/embedded.h"
#include "core/error.h"
#include "core/files.h"
#include "core/subprocess.h"

namespace telora {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kScript = "configs/runtimes/llama_cpp.py";

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "telora-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      fail(ErrorKind::kCannotCreate, {name, {}}, errno_text(errno), "a folder for temporary files",
           "set TMPDIR");
    }
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  fs::path file(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

Json request_json(const LlamaCppRequest& request, const fs::path& logits) {
  Json json{{"model", fs::absolute(request.model).string()},
            {"adapter", nullptr},
            {"rows", request.rows},
            {"tail", request.tail},
            {"questions", request.questions},
            {"stop", request.stop},
            {"max_new_tokens", request.max_new_tokens},
            {"logits", logits.string()}};
  if (!request.adapter.empty()) json["adapter"] = fs::absolute(request.adapter).string();
  return json;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

[[noreturn]] void refuse_interpreter(const std::string& python, const std::string& found) {
  fail(ErrorKind::kUnavailable, {python, {}}, found, "an interpreter with llama-cpp-python",
       "pip install llama-cpp-python, or name another one with --python");
}

FinishedProgram start_script(const std::string& python, const TemporaryFolder& folder,
                             const std::string& argument) {
  const fs::path script = folder.file("runtime.py");
  publish(script, embedded_file(kScript));
  try {
    return run_to_end({python, script.string(), argument});
  } catch (const Error&) {
    refuse_interpreter(python, "nothing that can be run");
  }
}

std::string reason_of(const FinishedProgram& program) {
  const std::string line = last_line(program.err);
  return line.empty() ? fmt::format("exit code {}", program.exit_code) : printable(line);
}

at::Tensor read_logits(const fs::path& path, int64_t vocabulary) {
  const InputFile file(path);
  const auto rows =
      static_cast<int64_t>(file.size() / sizeof(float)) / std::max<int64_t>(1, vocabulary);
  at::Tensor logits = at::empty({rows, vocabulary}, at::kFloat);
  file.read(0, std::as_writable_bytes(
                   std::span(logits.data_ptr<float>(), static_cast<size_t>(logits.numel()))));
  return logits;
}

}  // namespace

void require_llama_cpp(const std::string& python) {
  const FinishedProgram program = start_script(python, TemporaryFolder(), "");
  if (program.exit_code != 0) refuse_interpreter(python, reason_of(program));
}

LlamaCppReply ask_llama_cpp(const LlamaCppRequest& request) {
  const TemporaryFolder folder;
  const fs::path asked = folder.file("request.json"), logits = folder.file("logits");
  publish(asked, request_json(request, logits).dump());
  const FinishedProgram program = start_script(request.python, folder, asked.string());
  if (program.exit_code != 0) {
    fail(ErrorKind::kData, {request.model.string(), {}}, reason_of(program),
         "a model and an adapter that llama.cpp runs");
  }
  try {
    const Json reply = Json::parse(last_line(program.out));
    const std::vector<at::Tensor> both =
        read_logits(logits, reply.at("vocabulary")).chunk(request.adapter.empty() ? 1 : 2);
    return {.version = reply.at("version"),
            .base_logits = both.front(),
            .logits = both.back(),
            .answers = reply.at("answers")};
  } catch (const Json::exception&) {
    fail(ErrorKind::kData, {request.python, {}}, printable(last_line(program.out), 80),
         "the reply of " + std::string(kScript));
  }
}

}  // namespace telora
