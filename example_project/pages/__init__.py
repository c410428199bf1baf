"""The pages of the example site: one for each way to embed, and one for each refusal."""
