"""Makes a tiny Llama with random weights, a tokenizer of single bytes and a chat template: python FILE FOLDER."""

import sys

import tokenizers
import torch
import transformers

SPECIAL = ["<|begin|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def tokenizer():
    """Byte-level BPE that merges nothing: its alphabet stands for the 256 bytes."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    model = tokenizers.models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[])
    it = tokenizers.Tokenizer(model)
    it.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    it.decoder = tokenizers.decoders.ByteLevel()
    it.add_special_tokens(SPECIAL)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=it, bos_token=SPECIAL[0], eos_token=SPECIAL[2], pad_token=SPECIAL[3],
        model_max_length=1024)
    fast.chat_template = TEMPLATE
    return fast


def model(tokens):
    torch.manual_seed(7)
    it = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        initializer_range=0.1, vocab_size=320, hidden_size=128, intermediate_size=256, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024, tie_word_embeddings=False,
        bos_token_id=tokens.bos_token_id, eos_token_id=tokens.eos_token_id, pad_token_id=tokens.pad_token_id))
    # Random, but what it says can be printed, and white space is the last that it takes where a schema allows any: the
    # first number of each state is the same, and lifts what can be printed above all that has the logit zero.
    torch.nn.init.normal_(it.model.embed_tokens.weight)
    it.model.embed_tokens.weight.data[:, 0] = 4
    for layer in it.model.layers:
        layer.self_attn.o_proj.weight.data[0] = 0
        layer.mlp.down_proj.weight.data[0] = 0
    printable = tokens.convert_tokens_to_ids([chr(byte) for byte in range(0x21, 0x7F)])
    head = torch.zeros_like(it.lm_head.weight)
    head[printable] = torch.randn(len(printable), head.shape[1]) * 0.3
    head[printable, 0] = 5
    it.lm_head.weight.data = head
    return it


tokens = tokenizer()
assert tokens.decode(tokens.encode("Grüße, 東京", add_special_tokens=False)) == "Grüße, 東京"
model(tokens).to(torch.float32).save_pretrained(sys.argv[1])
tokens.save_pretrained(sys.argv[1])
