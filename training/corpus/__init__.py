"""The text Samantha Tiny is trained on, composed here from small grammars; no outside text is read or copied."""
