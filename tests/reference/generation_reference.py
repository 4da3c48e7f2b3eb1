"""Greedy continuations equal those of transformers, token by token: of random rows and of a question in the chat template."""
import json

import common
import torch

NEW_TOKENS = 16


def ours(what, *more):
    return [json.loads(line) for line in
            common.program(args.bin, "lora-inspect", "generate", "--backbone", args.backbone, *what, "--max-new-tokens",
                           str(NEW_TOKENS), "--json", *more).splitlines()]


@torch.inference_mode()
def theirs(ids, stop):
    row = torch.tensor([ids])
    out = model.generate(row, attention_mask=torch.ones_like(row), do_sample=False, max_new_tokens=NEW_TOKENS,
                         eos_token_id=stop, pad_token_id=0)
    return out[0, len(ids):].tolist()


args = common.arguments(__doc__)
folder = common.huggingface_folder(args.backbone)
model = common.load_model(folder)
failures = common.Failures()
for row in common.token_rows(model.config.vocab_size, lengths=(1, 17, 90)):
    answer = ours(["--tokens", ",".join(map(str, row))])[0]
    failures.check(answer["ids"] == theirs(row, None) and not answer["stopped"], f"{len(row)} tokens: {answer['ids']}")

tokenizer = common.transformers.AutoTokenizer.from_pretrained(folder)
questions = ["What is 2+2? Answer with one number.", "Repeat after me: edge"]
answers = ours([part for question in questions for part in ("--prompt", question)])
for question, answer in zip(questions, answers):
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True)["input_ids"]
    failures.check(answer["prompt_tokens"] == len(prompt), f"{question!r}: prompt of {answer['prompt_tokens']}, not {len(prompt)}")
    wanted = theirs(prompt, 2)
    stopped = wanted[-1] == 2
    failures.check(answer["stopped"] == stopped and answer["ids"] == wanted[:len(wanted) - stopped],
                   f"{question!r}: {answer['ids']}, not {wanted}")

sampled = ["--temperature", "0.8", "--top-p", "0.9", "--seed"]
first = [ours(["--prompt", questions[1]], *sampled, seed)[0]["ids"] for seed in ("1", "1", "2")]
failures.check(first[0] == first[1] and first[0] != first[2], f"seeds 1, 1, 2 gave {first}")
failures.finish()
