"""Makes a tiny Llama with random weights and a vocabulary of single characters as a GGUF file: python FILE FOLDER."""

import pathlib
import sys

import gguf
import numpy

LAYERS, WIDTH, HEADS, INNER = 2, 128, 4, 256

# Of SentencePiece's form: three that control, the 256 bytes, and the characters that can be printed.
control = [b"<unk>", b"<s>", b"</s>"]
raw = [f"<0x{byte:02X}>".encode() for byte in range(256)]
printable = ["▁".encode()] + [bytes([byte]) for byte in range(0x21, 0x7F)]
tokens = control + raw + printable
types = (
    [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * len(raw)
    + [gguf.TokenType.NORMAL] * len(printable))

random = numpy.random.default_rng(7)


def matrix(rows, columns):
    return (random.standard_normal((rows, columns)) / columns**0.5).astype(numpy.float32)


writer = gguf.GGUFWriter(str(pathlib.Path(sys.argv[1]) / "tiny.gguf"), "llama")
writer.add_name("tiny")
writer.add_context_length(1024)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(INNER)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_vocab_size(len(tokens))
writer.add_file_type(gguf.LlamaFileType.ALL_F32)
# One vector for a text, not one for each token.
writer.add_pooling_type(gguf.PoolingType.MEAN)
writer.add_tokenizer_model("llama")
writer.add_token_list(tokens)
writer.add_token_scores([0.0] * len(tokens))
writer.add_token_types(types)
writer.add_unk_token_id(0)
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)
writer.add_add_space_prefix(False)

writer.add_tensor("token_embd.weight", matrix(len(tokens), WIDTH) * 4)
# What it says can be printed: anything else has the logit zero, and so has the end.
head = matrix(len(tokens), WIDTH) * 3
head[: len(tokens) - len(printable) + 1] = 0
writer.add_tensor("output.weight", head)
ones = numpy.ones(WIDTH, dtype=numpy.float32)
writer.add_tensor("output_norm.weight", ones)
for layer in range(LAYERS):
    for name in ["attn_norm", "ffn_norm"]:
        writer.add_tensor(f"blk.{layer}.{name}.weight", ones)
    for name in ["attn_q", "attn_k", "attn_v", "attn_output"]:
        writer.add_tensor(f"blk.{layer}.{name}.weight", matrix(WIDTH, WIDTH))
    for name in ["ffn_gate", "ffn_up"]:
        writer.add_tensor(f"blk.{layer}.{name}.weight", matrix(INNER, WIDTH))
    writer.add_tensor(f"blk.{layer}.ffn_down.weight", matrix(WIDTH, INNER))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
