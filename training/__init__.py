"""The recipe that makes Samantha Tiny: corpus, tokenizer, training, export, evaluation. No part of the program."""
