package io.github.flashspring.engine.text;

/**
 * Syntaxes of single families of models, of which several formats have some.
 */
final class ToolSyntaxes {

	private ToolSyntaxes() {
	}

	static ToolSyntax kimiK3() {
		return ToolSyntax
			.xml("<|open|>tools<|sep|>", "<|open|>call tool=\"", new ToolSyntax.Tags(
					"<\\|open\\|>call tool=\"(?<name>[^\"]+)\"[^<]*<\\|sep\\|>", "<|open|>argument key=\"",
					"<\\|open\\|>argument key=\"(?<key>[^\"]+)\"(?:\\s+type=\"(?<type>\\w+)\")?[^<]*<\\|sep\\|>",
					"<|close|>argument<|sep|>", false), "<|close|>call<|sep|>", "<|close|>tools<|sep|>")
			.with("<|open|>", "<|sep|>", "<|close|>");
	}

	static ToolSyntax kimiK2() {
		return ToolSyntax
			.named("<|tool_calls_section_begin|>", "<|tool_call_begin|>",
					"<\\|tool_call_begin\\|>\\s*(?<id>(?:functions\\.)?(?<name>[^\\s:<{]+)(?::\\d+)?)\\s*"
							+ "<\\|tool_call_argument_begin\\|>\\s*",
					"<|tool_call_end|>", "<|tool_calls_section_end|>")
			.with("<|tool_call_argument_begin|>");
	}

	static ToolSyntax solar() {
		return ToolSyntax
			.named("<|tool_calls|>", "<|tool_call:begin|>",
					"<\\|tool_call:begin\\|>\\s*(?<id>[^\\s<]*)\\s*<\\|tool_call:name\\|>\\s*(?<name>[^\\s<{]+)\\s*"
							+ "<\\|tool_call:args\\|>\\s*",
					"<|tool_call:end|>", "<|calls|>")
			.with("<|tool_call:name|>", "<|tool_call:args|>");
	}

	static ToolSyntax deepSeek() {
		return ToolSyntax
			.named("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>",
					"<｜tool▁call▁begin｜>\\s*(?:function\\s*<｜tool▁sep｜>(?=[^{]))?\\s*(?<name>[^\\s<`{]+)\\s*"
							+ "(?:<｜tool▁sep｜>\\s*(?=[{<])|```(?:json)?\\s*)",
					"<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>")
			.with("<｜tool▁sep｜>");
	}

	static ToolSyntax mistral() {
		return ToolSyntax
			.named("", "[TOOL_CALLS]",
					"\\[TOOL_CALLS\\]\\s*(?<name>[^\\s\\[\\]{}\"'(),;]+)\\s*(?:\\[CALL_ID\\]\\s*(?<id>\\w+)\\s*)?"
							+ "(?:\\[ARGS\\]\\s*(?=\\{)|(?=\\{))",
					"", "")
			.with("[ARGS]", "[CALL_ID]");
	}

	static ToolSyntax.Tags functionTags(boolean padded) {
		return new ToolSyntax.Tags("<function=\\s*(?<name>[^\\s>{]+)\\s*>", "<parameter=",
				"<parameter=\\s*(?<key>[^>\\n]+?)\\s*>", "</parameter>", padded);
	}

}
